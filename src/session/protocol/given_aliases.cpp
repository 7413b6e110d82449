#include "protocol/given_aliases.h"

#include <utility>

namespace pubsub_mqtt::session {
namespace {

// Of the topics that are sent without an alias, one of so many asks for one. So where there are several times as many
// topics as aliases, and all come in turn, those that have an alias keep it until they come again.
constexpr unsigned asks_once_in = 8;

// More uses than that are not remembered: what came often once gives its alias up, too.
constexpr std::uint8_t most_uses = 7;

// An alias in place of the topic is three bytes, too (3.3.2.3.4).
constexpr std::size_t shortest_topic = 4;

}  // namespace

std::uint16_t GivenAliases::find(const std::string& topic) const {
  const auto found = by_topic_.find(topic);
  return found == by_topic_.end() ? std::uint16_t{0} : found->second.alias;
}

std::uint16_t GivenAliases::use(const std::string& topic) {
  const auto found = by_topic_.find(topic);
  if (found == by_topic_.end()) return 0;
  auto& [alias, uses] = found->second;
  if (uses < most_uses) ++uses;
  return alias;
}

std::uint16_t GivenAliases::give(const std::string& topic, std::uint16_t maximum) {
  if (topic.size() < shortest_topic) return 0;
  const bool is_one_left = by_alias_.size() < maximum && bytes_ + topic.size() <= max_bytes;
  return is_one_left ? give_new(topic) : take_over(topic);
}

std::uint16_t GivenAliases::give_new(const std::string& topic) {
  const auto alias = static_cast<std::uint16_t>(by_alias_.size() + 1);
  by_alias_.push_back(by_topic_.emplace(topic, Given{.alias = alias}).first);
  bytes_ += topic.size();
  return alias;
}

// Who asks makes the uses of one alias one less, in turn, and gets one that has none left.
std::uint16_t GivenAliases::take_over(const std::string& topic) {
  if (by_alias_.empty() || ++without_ % asks_once_in != 0) return 0;
  if (next_ == by_alias_.size()) next_ = 0;
  auto& holder = by_alias_[next_++];
  auto& [alias, uses] = holder->second;
  if (uses > 0) {
    --uses;
    return 0;
  }
  const std::size_t others = bytes_ - holder->first.size();
  if (others + topic.size() > max_bytes) return 0;
  auto given = by_topic_.extract(holder);
  given.key() = topic;
  holder = by_topic_.insert(std::move(given)).position;
  bytes_ = others + topic.size();
  return holder->second.alias;
}

}  // namespace pubsub_mqtt::session
