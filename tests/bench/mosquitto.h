// The installed mosquitto, to compare with.
#pragma once

#include "server.h"

namespace pubsub_mqtt::bench {

class Mosquitto : public Server {
 public:
  Mosquitto();
};

}  // namespace pubsub_mqtt::bench
