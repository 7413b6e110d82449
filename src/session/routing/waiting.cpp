#include "routing/waiting.h"

#include <algorithm>

namespace pubsub_mqtt::session {

// Returns nullptr where nobody waits for it.
Waiting::Subscriber* Waiting::find_waited_for(SessionId subscriber, FullQueue queue) {
  const auto [place, is_new] = subscribers_.try_emplace(subscriber);
  Subscriber& full = place->second;
  full.queued = queue.messages;
  full.most = queue.most;
  if (is_new) measure(full, std::nullopt);
  const std::size_t most_abandoned = std::max(full.most, most_left_behind);
  return full.is_stuck || full.abandoned > most_abandoned ? nullptr : &full;
}

bool Waiting::wait(SessionId publisher, SessionId subscriber, FullQueue queue) {
  Subscriber* full = find_waited_for(subscriber, queue);
  if (full == nullptr) return false;
  if (publisher == subscriber || edges_.waits(subscriber) || edges_.is_waited_for(publisher)) return false;
  edges_.add(publisher, subscriber);
  ++full->queued;
  return true;
}

bool Waiting::leave_behind(SessionId subscriber, FullQueue queue) {
  Subscriber* full = find_waited_for(subscriber, queue);
  if (full == nullptr) return false;
  ++full->abandoned;
  ++full->queued;
  return true;
}

// What publishers that wait have put beyond its limits is not its debt.
void Waiting::measure(Subscriber& subscriber, std::optional<Time> since) {
  subscriber.since = since;
  subscriber.due = std::min(subscriber.queued, subscriber.most);
  subscriber.taken = 0;
  subscriber.taken_bytes = 0;
}

// Returns whether it has room.
bool Waiting::count(SessionId subscriber, std::size_t messages, std::size_t bytes, const Queue& left) {
  const auto found = subscribers_.find(subscriber);
  if (found == subscribers_.end()) return false;
  Subscriber& full = found->second;
  full.taken += messages;
  full.taken_bytes += bytes;
  full.queued = left.messages;
  if (left.keeps_to_limits) full.abandoned = 0;
  return left.keeps_to_limits;
}

void Waiting::abandon(SessionId publisher, std::size_t unacknowledged) noexcept {
  while (const auto subscriber = edges_.take_subscriber(publisher)) {
    const auto found = subscribers_.find(*subscriber);
    if (found != subscribers_.end()) found->second.abandoned += unacknowledged;
  }
}

bool Waiting::becomes_stuck(Subscriber& subscriber, Time now) {
  if (!subscriber.since) {
    subscriber.since = now;
    return false;
  }
  const bool was_fast = subscriber.taken >= subscriber.due &&
                        (subscriber.taken >= least_messages || subscriber.taken_bytes >= least_bytes);
  if (!was_fast && now - *subscriber.since <= patience) return false;
  const bool was_stuck = subscriber.is_stuck;
  subscriber.is_stuck = !was_fast || (was_stuck && subscriber.queued > subscriber.most);
  measure(subscriber, now);
  return subscriber.is_stuck && !was_stuck;
}

std::vector<SessionId> Waiting::judge(Time now) {
  std::vector<SessionId> stuck;
  for (auto& [session, subscriber] : subscribers_) {
    if (becomes_stuck(subscriber, now)) stuck.push_back(session);
  }
  return stuck;
}

}  // namespace pubsub_mqtt::session
