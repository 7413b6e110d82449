#include "durable/held_requests.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pubsub_mqtt::session {

void HeldRequests::prepare(SessionId session) {
  if (held_.size() == held_.capacity()) held_.reserve(2 * held_.size() + 1);
  counts_.try_emplace(session, 0);
}

void HeldRequests::hold(SessionId session, Turn turn, Request&& request) noexcept {
  ++counts_.find(session)->second;
  held_.push_back({.turn = turn, .session = session, .request = std::move(request)});
}

void HeldRequests::release(Turn committed, std::vector<Request>& into) {
  const auto end =
      std::find_if(held_.begin(), held_.end(), [&](const Held& each) { return each.turn > committed; });
  if (end == held_.begin()) return;
  into.reserve(into.size() + static_cast<std::size_t>(std::distance(held_.begin(), end)));
  for (auto each = held_.begin(); each != end; ++each) {
    const auto count = counts_.find(each->session);
    if (--count->second == 0) counts_.erase(count);
    into.push_back(std::move(each->request));
  }
  held_.erase(held_.begin(), end);
}

}  // namespace pubsub_mqtt::session
