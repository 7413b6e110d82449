#include "protocol/given_aliases.h"

#include <cstddef>

namespace pubsub_mqtt::session {
namespace {

// Topics without an alias that are remembered. Of a client that gets more, those that come seldom are forgotten.
constexpr std::size_t most_sent_once = 256;

}  // namespace

std::uint16_t GivenAliases::find(const std::string& topic) const {
  const auto found = by_topic_.find(topic);
  return found == by_topic_.end() ? std::uint16_t{0} : found->second;
}

void GivenAliases::forget_sent_once() {
  std::erase_if(by_topic_, [](const auto& each) { return each.second == 0; });
}

std::uint16_t GivenAliases::give(const std::string& topic, std::uint16_t maximum) {
  if (last_ >= maximum) return 0;
  const auto found = by_topic_.find(topic);
  if (found != by_topic_.end()) {
    const std::uint16_t alias = found->second = ++last_;
    if (last_ == maximum) forget_sent_once();
    return alias;
  }
  if (by_topic_.size() - last_ >= most_sent_once) forget_sent_once();
  by_topic_.emplace(topic, std::uint16_t{0});
  return 0;
}

}  // namespace pubsub_mqtt::session
