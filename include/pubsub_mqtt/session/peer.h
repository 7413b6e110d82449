// The other end of a network connection. A value; any thread.
#pragma once

#include <string>

namespace pubsub_mqtt::session {

struct Peer {
  std::string address;     // without the port: "192.0.2.1", "2001:db8::1"
  std::string party = {};  // what it has for itself: the address, of IPv6 its /64 ("2001:db8::/64")
  std::string name;        // with it, for log lines: "192.0.2.1:50000", "[2001:db8::1]:50000"
  bool is_loopback = false;
  bool is_encrypted = false;
};

}  // namespace pubsub_mqtt::session
