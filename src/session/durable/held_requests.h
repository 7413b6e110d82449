// What sessions ask of pubsub, and what must be stored before it is asked. Network thread only.
//
// Of a session that has asked for such a thing, all that it asks for later follows in its order.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "durable/stored_message.h"
#include "pubsub_mqtt/boundary/requests.h"

namespace pubsub_mqtt::session {

class HeldRequests {
 public:
  bool has(SessionId session) const { return !counts_.empty() && counts_.contains(session); }

  // Makes room for one, so that the next hold() for the session cannot fail; that must follow.
  void prepare(SessionId session);
  // Until the turn is committed, and not before what is held already. Turns do not go back.
  void hold(SessionId session, Turn turn, Request&& request) noexcept;

  // Moves what waits no longer to the end of `into`.
  void release(Turn committed, std::vector<Request>& into);

 private:
  struct Held {
    Turn turn = 0;
    SessionId session = 0;
    Request request;
  };

  std::vector<Held> held_;
  std::unordered_map<SessionId, std::size_t> counts_;
};

}  // namespace pubsub_mqtt::session
