// `$SYS/...` (docs/mapping.md, "What the server says of itself"): kept here, retained, and sent at QoS 0 to those who
// are connected, so that nothing of it ever waits. Network thread only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "pubsub_mqtt/boundary/deliveries.h"

namespace pubsub_mqtt::session {

class Session;
class SessionTable;

class SystemTopics {
 public:
  void publish(SystemPublished& published, const SessionTable& sessions);

  // What the filter selects, for a session that has just subscribed to it, and may read it.
  void send_retained(Session& session, std::string_view filter) const;

 private:
  std::map<std::string, std::string, std::less<>> payloads_;  // by topic
};

}  // namespace pubsub_mqtt::session
