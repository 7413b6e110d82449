#include "admission/handshake_queue.h"

#include <string>

namespace pubsub_mqtt::net {

HandshakeQueue::HandshakeQueue(const Limits& limits, std::vector<LogLine>& log)
    : limits_(limits),
      waiting_warning_(limits.warning_interval,
                       "TLS handshakes had to wait because of mqtt_max_tls_handshake_rate", log) {}

bool HandshakeQueue::enter(ConnectionId connection, Time now) {
  if (waiting_.empty() && bucket_.take(rate(), now)) return true;
  waiting_.insert(connection);
  waiting_warning_.happens(now, [this] {
    return "TLS handshakes have to wait: more in a second than mqtt_max_tls_handshake_rate (" +
           std::to_string(limits_.max_tls_handshake_rate) + ')';
  });
  return false;
}

void HandshakeQueue::leave(ConnectionId connection) { waiting_.erase(connection); }

std::optional<ConnectionId> HandshakeQueue::next(Time now) {
  if (waiting_.empty() || !bucket_.take(rate(), now)) return std::nullopt;
  return waiting_.extract(waiting_.begin()).value();
}

void HandshakeQueue::skipped() { bucket_.give_back(rate()); }

std::optional<Time> HandshakeQueue::deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return std::chrono::ceil<Time>(bucket_.next(rate()));
}

}  // namespace pubsub_mqtt::net
