// The turn of one connection to begin its TLS handshake. It leaves the queue with its owner. Network thread
// only.
#pragma once

#include "admission/handshake_queue.h"

namespace pubsub_mqtt::net {

class HandshakeTurn {
 public:
  // The queue outlives this.
  HandshakeTurn(HandshakeQueue& queue, ConnectionId connection) : queue_(queue), connection_(connection) {}
  ~HandshakeTurn() {
    if (has_asked_) queue_.leave(connection_);
  }
  HandshakeTurn(const HandshakeTurn&) = delete;
  HandshakeTurn& operator=(const HandshakeTurn&) = delete;

  // Who asks for the first time lines up. Later it has come when HandshakeQueue::next() has named the
  // connection.
  bool has_come(Time now) {
    if (has_asked_) return !queue_.has(connection_);
    has_asked_ = true;
    return queue_.enter(connection_, now);
  }

 private:
  HandshakeQueue& queue_;
  ConnectionId connection_;
  bool has_asked_ = false;
};

}  // namespace pubsub_mqtt::net
