#include "routing/direct_ways.h"

#include <cstddef>
#include <utility>

namespace pubsub_mqtt::session {
namespace {

// A client that publishes to more topics than this gets each way anew from time to time. They take a
// megabyte, no more than its messages may.
constexpr std::size_t max_ways = 4096;

std::string_view type_level(std::string_view topic) {
  topic.remove_prefix(topic.find('/') + 1);
  return topic.substr(0, topic.find('/'));
}

}  // namespace

void DirectWays::add(MeantTopic topic, std::shared_ptr<const Route> route) {
  const auto type = topic::type_from_name(type_level(topic.text));
  if (!type) return;
  if (by_topic_.size() >= max_ways) by_topic_.clear();
  std::string named = topic.text.substr(topic.mounted_at);
  if (topic.mounted_at == 0) topic.text.clear();
  by_topic_.insert_or_assign(
      std::move(named),
      DirectWay{.route = std::move(route), .type = *type, .mounted = std::move(topic.text)});
}

void DirectWays::erase(std::string_view topic) {
  const auto found = by_topic_.find(topic);
  if (found != by_topic_.end()) by_topic_.erase(found);
}

const DirectWay* DirectWays::find(std::string_view topic) {
  const auto found = by_topic_.find(topic);
  if (found == by_topic_.end()) return nullptr;
  if (found->second.route->is_open()) return &found->second;
  by_topic_.erase(found);
  return nullptr;
}

}  // namespace pubsub_mqtt::session
