// TLS handshakes, of all clients together, take at most a share of the network thread's time (half of it): they
// cost more than anything else that somebody can ask for who has no account. Those beyond wait, first come, first
// served.
//
// What a handshake costs is measured, not guessed: with a resumed session, or a small key, more of them fit into a
// second. A handshake goes in parts, one for each flight of the client's, and each part waits for its turn: who has
// begun goes first. Time is passed in, and so is the processor's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "pubsub_mqtt/base/burst_warning.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/token_bucket.h"
#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::net {

// What the processor has worked for this thread so far.
std::chrono::nanoseconds thread_processor_time();

class HandshakeQueue {
 public:
  using ProcessorTime = std::function<std::chrono::nanoseconds()>;

  // After a rest they may take half of so much at once, without that others wait for longer.
  static constexpr Time burst = std::chrono::milliseconds(20);

  // The references outlive this.
  HandshakeQueue(const Limits& limits, std::vector<LogLine>& log,
                 ProcessorTime processor_time = thread_processor_time);

  // Whether the part of a handshake may go on at once. Else it waits until next() names its connection.
  bool enter(ConnectionId connection, Time now);

  // The connection is closed. Nothing, if it does not wait.
  void leave(ConnectionId connection);

  // Whether the connection waits.
  bool has(ConnectionId connection) const { return waiting_.contains(connection); }

  // Whose turn it is; nullopt where none waits, or none may go on yet. What the one named before has cost is spent
  // by then.
  std::optional<ConnectionId> next(Time now);

  // A part of a handshake has taken so much of the processor's time.
  void spend(std::chrono::nanoseconds work, Time now);
  std::chrono::nanoseconds processor_time() const { return processor_time_(); }

  // When to call next() again, if any waits.
  std::optional<Time> deadline() const;

  void expire(Time now) { waiting_warning_.expire(now); }

 private:
  TokenRate rate() const;
  bool has_time(Time now) const { return bucket_.next(rate()) <= now; }

  const Limits& limits_;
  ProcessorTime processor_time_;
  TokenBucket bucket_;              // of the processor's nanoseconds
  std::set<ConnectionId> waiting_;  // their numbers are in the order in which they came
  BurstWarning waiting_warning_;
};

}  // namespace pubsub_mqtt::net
