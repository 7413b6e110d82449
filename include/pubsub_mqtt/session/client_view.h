// A client as the administrator sees it. A value; any thread.
#pragma once

#include <string>

#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::session {

struct ClientView {
  SessionId session = 0;
  std::string name;  // address, client identifier and account, printable
  bool is_connected = false;
};

}  // namespace pubsub_mqtt::session
