// TLS handshakes, of all clients together, share the network thread's time with everybody else: they cost more than
// anything else that somebody can ask for who has no account. In each turn of the loop they may take as much of the
// processor as all others took in the turn before, at most half of it then, and a millisecond where the others need
// less. Those beyond wait, first come, first served.
//
// What a handshake costs is measured, not guessed: with a resumed session, or a small key, more of them fit. A
// handshake goes in parts, one for each flight of the client's, and each part waits for its turn: who has begun goes
// first.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>

#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/net/metrics.h"

namespace pubsub_mqtt::net {

// What the processor has worked for this thread so far.
std::chrono::nanoseconds thread_processor_time();

class HandshakeQueue {
 public:
  using ProcessorTime = std::function<std::chrono::nanoseconds()>;

  // In a turn of the loop; the others wait for so long.
  static constexpr std::chrono::nanoseconds least = std::chrono::milliseconds(1);
  static constexpr std::chrono::nanoseconds most = std::chrono::milliseconds(10);

  explicit HandshakeQueue(ProcessorTime processor_time = thread_processor_time);

  // Whether the part of a handshake may go on at once. Else it waits until next() names its connection.
  bool enter(ConnectionId connection);

  // The connection is closed. Nothing, if it does not wait.
  void leave(ConnectionId connection) { waiting_.erase(connection); }

  // Whether the connection waits.
  bool has(ConnectionId connection) const { return waiting_.contains(connection); }
  bool empty() const { return waiting_.empty(); }

  // A turn of the loop has passed in which some waited.
  void begin_turn();

  // Who may go on; nullopt where none waits, or none may go on in this turn. What the one named before has cost is
  // spent by then.
  std::optional<ConnectionId> next();

  // A part of a handshake has taken so much of the processor's time.
  void spend(std::chrono::nanoseconds work) {
    spent_ += work;
    ended_.processor_time += work;
  }
  // One has ended: counted in `result`.
  void end(std::uint64_t Handshakes::*result) { ++(ended_.*result); }
  const Handshakes& ended() const { return ended_; }
  std::chrono::nanoseconds processor_time() const { return processor_time_(); }

 private:
  ProcessorTime processor_time_;
  std::chrono::nanoseconds turn_began_{0};  // by the processor's time
  std::chrono::nanoseconds budget_ = least;
  std::chrono::nanoseconds spent_{0};
  Handshakes ended_;
  std::set<ConnectionId> waiting_;  // their numbers are in the order in which they came
};

}  // namespace pubsub_mqtt::net
