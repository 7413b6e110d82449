#include "loop/deadlines.h"

#include <algorithm>
#include <functional>

namespace pubsub_mqtt::net {

void Deadlines::add(ConnectionId connection, Time at) {
  heap_.push_back({.at = at, .connection = connection});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

std::optional<ConnectionId> Deadlines::next(Time now) {
  if (heap_.empty() || heap_.front().at > now) return std::nullopt;
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  const ConnectionId connection = heap_.back().connection;
  heap_.pop_back();
  return connection;
}

std::optional<Time> Deadlines::first() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

void Deadlines::make_heap() { std::make_heap(heap_.begin(), heap_.end(), std::greater<>()); }

}  // namespace pubsub_mqtt::net
