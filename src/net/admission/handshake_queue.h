// So many TLS handshakes a second, of all clients together: they cost more than anything else that somebody
// can ask for who has no account. Those beyond wait, first come, first served. Time is passed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "pubsub_mqtt/net/limits.h"
#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/burst_warning.h"
#include "pubsub_mqtt/session/limits.h"
#include "token_bucket.h"

namespace pubsub_mqtt::net {

class HandshakeQueue {
 public:
  HandshakeQueue(const Limits& limits, std::vector<Request>& log);

  // Whether the handshake may begin at once. Else it waits until next() names its connection.
  bool enter(ConnectionId connection, session::Time now);

  // The connection is closed. Nothing, if it does not wait.
  void leave(ConnectionId connection);

  // Whether the connection waits.
  bool has(ConnectionId connection) const { return waiting_.contains(connection); }

  // Whose turn it is; nobody's: none waits, or none may begin yet.
  std::optional<ConnectionId> next(session::Time now);

  // The one that next() named did not begin.
  void skipped();

  // When to call next() again, if any waits.
  std::optional<session::Time> deadline() const;

  void expire(session::Time now) { waiting_warning_.expire(now); }

 private:
  TokenRate rate_;
  TokenBucket bucket_;
  std::set<ConnectionId> waiting_;  // their numbers are in the order in which they came
  std::size_t limit_;
  session::BurstWarning waiting_warning_;
};

}  // namespace pubsub_mqtt::net
