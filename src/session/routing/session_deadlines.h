// When something is due for sessions without a connection: their will, or their end. Network thread only.
#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::session {

class SessionDeadlines {
 public:
  // In place of the moment that was set for the session before.
  void set(SessionId session, Time at);
  void erase(SessionId session) noexcept;

  // nullopt: there is none.
  std::optional<Time> first() const;
  // The first session whose moment has come, which is erased.
  std::optional<SessionId> take_due(Time now) noexcept;

 private:
  std::set<std::pair<Time, SessionId>> by_time_;
  std::unordered_map<SessionId, Time> by_session_;  // the same
};

}  // namespace pubsub_mqtt::session
