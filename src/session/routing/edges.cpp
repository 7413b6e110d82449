#include "routing/edges.h"

namespace pubsub_mqtt::session {

bool Edges::add(SessionId publisher, SessionId subscriber) {
  const auto [place, is_new] = by_publisher_.emplace(publisher, subscriber);
  if (!is_new) return false;
  try {
    by_subscriber_.emplace(subscriber, publisher);
  } catch (...) {
    by_publisher_.erase(place);
    throw;
  }
  return true;
}

bool Edges::has_any(const Pairs& pairs, SessionId first) {
  const auto place = pairs.lower_bound({first, 0});
  return place != pairs.end() && place->first == first;
}

std::optional<SessionId> Edges::take(Pairs& pairs, Pairs& reversed, SessionId first) noexcept {
  const auto place = pairs.lower_bound({first, 0});
  if (place == pairs.end() || place->first != first) return std::nullopt;
  const SessionId second = place->second;
  pairs.erase(place);
  reversed.erase({second, first});
  return second;
}

std::optional<SessionId> Edges::take_publisher(SessionId subscriber) noexcept {
  return take(by_subscriber_, by_publisher_, subscriber);
}

std::optional<SessionId> Edges::take_subscriber(SessionId publisher) noexcept {
  return take(by_publisher_, by_subscriber_, publisher);
}

}  // namespace pubsub_mqtt::session
