#include "protocol/given_aliases.h"

#include <algorithm>
#include <cstddef>

namespace pubsub_mqtt::session {
namespace {

// Topics without an alias that are remembered. Of a client that gets more, those that come seldom are forgotten.
constexpr std::size_t most_sent_once = 256;

}  // namespace

GivenAliases::Alias GivenAliases::use(const std::string& topic, std::uint16_t maximum) {
  const bool any_left = last_ < std::min(maximum, most);
  const auto found = by_topic_.find(topic);
  if (found == by_topic_.end()) {
    if (!any_left) return {};
    if (by_topic_.size() - last_ >= most_sent_once) {
      std::erase_if(by_topic_, [](const auto& each) { return each.second == 0; });
    }
    by_topic_.emplace(topic, std::uint16_t{0});
    return {};
  }
  if (found->second != 0) return {.number = found->second};
  if (!any_left) return {};
  found->second = ++last_;
  return {.number = found->second, .is_new = true};
}

}  // namespace pubsub_mqtt::session
