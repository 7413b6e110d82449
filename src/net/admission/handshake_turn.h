// The turns of one connection, as long as its TLS handshake takes: one for each flight of the client's. It leaves
// the queue with its owner. Network thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "admission/handshake_queue.h"

namespace pubsub_mqtt::net {

class HandshakeTurn {
 public:
  // The queue outlives this.
  HandshakeTurn(HandshakeQueue& queue, ConnectionId connection) : queue_(queue), connection_(connection) {}
  ~HandshakeTurn() {
    if (waits_) queue_.leave(connection_);
  }
  HandshakeTurn(const HandshakeTurn&) = delete;
  HandshakeTurn& operator=(const HandshakeTurn&) = delete;

  // Whether the handshake may go on now. Who may not lines up, and its turn comes when HandshakeQueue::next() has
  // named the connection; after it, it asks again.
  bool has_come() {
    waits_ = waits_ ? queue_.has(connection_) : !queue_.enter(connection_);
    return !waits_;
  }

  // Goes on with the handshake: what `work` costs the processor counts.
  template <typename Work>
  auto go_on(Work&& work) {
    const Meter meter(queue_);
    return std::forward<Work>(work)();
  }

  // The handshake has ended: see HandshakeQueue.
  void end(std::uint64_t Handshakes::*result) { queue_.end(result); }

 private:
  class Meter {
   public:
    explicit Meter(HandshakeQueue& queue) : queue_(queue), from_(queue.processor_time()) {}
    ~Meter() { queue_.spend(queue_.processor_time() - from_); }
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

   private:
    HandshakeQueue& queue_;
    std::chrono::nanoseconds from_;
  };

  HandshakeQueue& queue_;
  ConnectionId connection_;
  bool waits_ = false;
};

}  // namespace pubsub_mqtt::net
