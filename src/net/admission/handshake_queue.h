// So many TLS handshakes a second, of all clients together: they cost more than anything else that somebody
// can ask for who has no account. Those beyond wait, first come, first served. Time is passed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "pubsub_mqtt/base/burst_warning.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/token_bucket.h"
#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::net {

class HandshakeQueue {
 public:
  // The references outlive this.
  HandshakeQueue(const Limits& limits, std::vector<LogLine>& log);

  // Whether the handshake may begin at once. Else it waits until next() names its connection.
  bool enter(ConnectionId connection, Time now);

  // The connection is closed. Nothing, if it does not wait.
  void leave(ConnectionId connection);

  // Whether the connection waits.
  bool has(ConnectionId connection) const { return waiting_.contains(connection); }

  // Whose turn it is; nullopt where none waits, or none may begin yet.
  std::optional<ConnectionId> next(Time now);

  // The one that next() named did not begin.
  void skipped();

  // When to call next() again, if any waits.
  std::optional<Time> deadline() const;

  void expire(Time now) { waiting_warning_.expire(now); }

 private:
  TokenRate rate() const { return {limits_.max_tls_handshake_rate, std::chrono::seconds(1)}; }

  const Limits& limits_;
  TokenBucket bucket_;
  std::set<ConnectionId> waiting_;  // their numbers are in the order in which they came
  BurstWarning waiting_warning_;
};

}  // namespace pubsub_mqtt::net
