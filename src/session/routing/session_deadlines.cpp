#include "routing/session_deadlines.h"

namespace pubsub_mqtt::session {

void SessionDeadlines::set(SessionId session, Time at) {
  erase(session);
  const auto place = by_time_.emplace(at, session).first;
  try {
    by_session_.emplace(session, at);
  } catch (...) {
    by_time_.erase(place);
    throw;
  }
}

void SessionDeadlines::erase(SessionId session) noexcept {
  const auto found = by_session_.find(session);
  if (found == by_session_.end()) return;
  by_time_.erase({found->second, session});
  by_session_.erase(found);
}

std::optional<Time> SessionDeadlines::first() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

std::optional<SessionId> SessionDeadlines::take_due(Time now) noexcept {
  if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
  const SessionId session = by_time_.begin()->second;
  erase(session);
  return session;
}

}  // namespace pubsub_mqtt::session
