#include "protocol/client_aliases.h"

#include <string_view>

namespace pubsub_mqtt::session {

Violation ClientAliases::resolve(mqtt::Publish& packet, std::size_t maximum) {
  const auto alias = packet.properties.integer(mqtt::PropertyIdentifier::topic_alias);
  if (!alias) return std::nullopt;
  if (*alias > maximum) {
    return BrokenRule{"a topic alias above mqtt_max_topic_aliases [MQTT5-3.3.2-9]",
                      mqtt::Reason::topic_alias_invalid};
  }
  if (!packet.topic.empty()) return set(*alias, packet.topic);
  const bool is_set =
      topics_ != nullptr && *alias <= topics_->by_alias.size() && !topics_->by_alias[*alias - 1].empty();
  if (!is_set) return BrokenRule{"a topic alias that stands for no topic (5.0, 3.3.2.3.4)"};
  packet.topic = topics_->by_alias[*alias - 1];
  return std::nullopt;
}

Violation ClientAliases::set(std::size_t alias, std::string_view topic) {
  if (topics_ == nullptr) topics_ = std::make_unique<Topics>();
  auto& [by_alias, bytes] = *topics_;
  if (by_alias.size() < alias) by_alias.resize(alias);
  std::string& place = by_alias[alias - 1];
  const std::size_t others = bytes - place.size();
  if (others + topic.size() > max_bytes) {
    return BrokenRule{"topics behind topic aliases that take more than 64 KiB", mqtt::Reason::quota_exceeded};
  }
  place = topic;
  bytes = others + place.size();
  return std::nullopt;
}

}  // namespace pubsub_mqtt::session
