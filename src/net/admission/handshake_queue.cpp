#include "admission/handshake_queue.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace pubsub_mqtt::net {

std::chrono::nanoseconds thread_processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

HandshakeQueue::HandshakeQueue(ProcessorTime processor_time) : processor_time_(std::move(processor_time)) {}

bool HandshakeQueue::enter(ConnectionId connection) {
  if (waiting_.empty() && spent_ < budget_) return true;
  waiting_.insert(connection);
  return false;
}

void HandshakeQueue::begin_turn() {
  const auto now = processor_time_();
  const auto others = now - turn_began_ - spent_;
  budget_ = std::clamp(others, least, most);
  turn_began_ = now;
  spent_ = std::chrono::nanoseconds(0);
}

std::optional<ConnectionId> HandshakeQueue::next() {
  if (waiting_.empty() || spent_ >= budget_) return std::nullopt;
  return waiting_.extract(waiting_.begin()).value();
}

}  // namespace pubsub_mqtt::net
