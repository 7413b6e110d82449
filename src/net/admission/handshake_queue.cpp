#include "admission/handshake_queue.h"

#include <ctime>
#include <utility>

namespace pubsub_mqtt::net {

std::chrono::nanoseconds thread_processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

HandshakeQueue::HandshakeQueue(const Limits& limits, std::vector<LogLine>& log, ProcessorTime processor_time)
    : limits_(limits),
      processor_time_(std::move(processor_time)),
      waiting_warning_(limits.warning_interval, "TLS handshakes had to wait", log, LogLevel::info) {}

TokenRate HandshakeQueue::rate() const {
  constexpr double second = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  return {static_cast<std::size_t>(limits_.tls_handshake_share * second), burst};
}

bool HandshakeQueue::enter(ConnectionId connection, Time now) {
  if (waiting_.empty() && has_time(now)) return true;
  waiting_.insert(connection);
  waiting_warning_.happens(now, [] {
    return "TLS handshakes have to wait: so many clients come at once that they would take more than half of "
           "the "
           "network thread's time";
  });
  return false;
}

void HandshakeQueue::leave(ConnectionId connection) { waiting_.erase(connection); }

std::optional<ConnectionId> HandshakeQueue::next(Time now) {
  if (waiting_.empty() || !has_time(now)) return std::nullopt;
  return waiting_.extract(waiting_.begin()).value();
}

void HandshakeQueue::spend(std::chrono::nanoseconds work, Time now) {
  bucket_.spend(static_cast<std::size_t>(work.count()), rate(), now);
}

std::optional<Time> HandshakeQueue::deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return std::chrono::ceil<Time>(bucket_.next(rate()));
}

}  // namespace pubsub_mqtt::net
