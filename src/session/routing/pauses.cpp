#include "routing/pauses.h"

namespace pubsub_mqtt::session {

bool Pauses::pause(SessionId publisher, SessionId subscriber, std::size_t waiting_bytes) {
  if (publisher == subscriber) return false;
  const auto crowded = subscribers_.find(subscriber);
  if (crowded != subscribers_.end()) {
    auto& [written, is_on_trial, takes] = crowded->second;
    if (is_on_trial) takes = waiting_bytes < written;
    is_on_trial = false;
    if (!takes) return false;
  }
  if (publishers_[publisher].used >= longest) return false;
  subscribers_.try_emplace(subscriber);
  edges_.add(publisher, subscriber);
  return true;
}

void Pauses::wrote(SessionId subscriber, std::size_t waiting_bytes) {
  const auto crowded = subscribers_.find(subscriber);
  if (crowded == subscribers_.end()) return;
  waiting_bytes_ += waiting_bytes - crowded->second.waiting_bytes;
  crowded->second.waiting_bytes = waiting_bytes;
}

bool Pauses::may_read_known(SessionId publisher, Time now) {
  const auto found = publishers_.find(publisher);
  if (found == publishers_.end()) return true;
  auto& [since, second, used] = found->second;
  if (since) used += now - *since;
  if (!edges_.waits(publisher)) {
    since.reset();
    if (now - second >= interval) publishers_.erase(found);
    return true;
  }
  if (!since && now - second >= interval) {
    second = now;
    used = Time::zero();
  }
  since = now;
  if (used < longest) return false;
  since.reset();
  while (const auto subscriber = edges_.take_subscriber(publisher)) {
    const auto crowded = subscribers_.find(*subscriber);
    if (crowded != subscribers_.end()) crowded->second.is_on_trial = true;
  }
  return true;
}

std::optional<Time> Pauses::deadline_of_known(SessionId publisher) const {
  const auto found = publishers_.find(publisher);
  if (found == publishers_.end() || !edges_.waits(publisher)) return std::nullopt;
  const auto& [since, second, used] = found->second;
  return since ? *since + longest - used : Time::zero();
}

}  // namespace pubsub_mqtt::session
