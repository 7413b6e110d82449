// The installed mosquitto, to compare with.
#pragma once

#include "server.h"

namespace pubsub_mqtt::bench {

class Mosquitto : public Server {
 public:
  enum class Persistence {
    none,
    as_by_default,   // where it is on: a snapshot every half an hour, and at the end
    on_each_change,  // a snapshot a turn of its loop
  };
  explicit Mosquitto(Persistence persistence = Persistence::none);
};

}  // namespace pubsub_mqtt::bench
