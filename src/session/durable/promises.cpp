#include "durable/promises.h"

namespace pubsub_mqtt::session {

Turn Promises::owed_by_known(SessionId session) const {
  const auto found = turns_.find(session);
  return found == turns_.end() || found->second <= committed_ ? 0 : found->second;
}

// Turns do not go back in the queue, so that the first is always the next; and what the session is told later does not
// overtake this.
void Promises::hold(SessionId session, ConnectionId connection, Held held) {
  const Turn turn = held_.empty() ? owed(session) : std::max(owed(session), held_.back().turn);
  promise(session, turn);
  held_.push_back({.turn = turn, .session = session, .connection = connection, .held = std::move(held)});
}

// Those that are committed are looked for where there may be many of them.
void Promises::committed(Turn turn) {
  committed_ = turn;
  if (turns_.size() < 2 * most_turns_ + 64) return;
  std::erase_if(turns_, [&](const auto& each) { return each.second <= committed_; });
  most_turns_ = turns_.size();
}

std::optional<Promises::Waiting> Promises::take() {
  if (held_.empty() || held_.front().turn > committed_) return std::nullopt;
  std::optional<Waiting> first(std::move(held_.front()));
  held_.pop_front();
  return first;
}

}  // namespace pubsub_mqtt::session
