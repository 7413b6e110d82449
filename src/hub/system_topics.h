// Who listens to `$SYS/...` (docs/mapping.md, "What the server says of itself"). What stands there comes from the Lua
// half; the network thread keeps it, and knows which of it a session has subscribed to. Prosody's thread only.
#pragma once

#include <set>
#include <vector>

#include "client.h"
#include "clients.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class SystemTopics {
 public:
  SystemTopics(const Shared& shared, const Clients& clients) : shared_(shared), clients_(clients) {}

  // The client has subscribed to some of it. Returns whether its account may read it.
  bool subscribe(const Client& client);
  // The session is over.
  void leave(SessionId session) { subscribers_.erase(session); }

  // See Hub::publish_system(). Rights are judged each time.
  void publish(std::vector<SystemPublished::Message> messages);

 private:
  bool may_read(const Client& client) const;
  std::vector<SessionId> readers() const;

  const Shared& shared_;
  const Clients& clients_;
  std::set<SessionId> subscribers_;  // perhaps not any more
};

}  // namespace pubsub_mqtt::hub
