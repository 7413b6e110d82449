#include "protocol/client_aliases.h"

namespace pubsub_mqtt::session {

Violation ClientAliases::resolve(mqtt::Publish& packet, std::size_t maximum) {
  const auto alias = packet.properties.integer(mqtt::PropertyIdentifier::topic_alias);
  if (!alias) return std::nullopt;
  if (*alias > maximum) {
    return BrokenRule{"a topic alias above mqtt_max_topic_aliases [MQTT5-3.3.2-9]",
                      mqtt::Reason::topic_alias_invalid};
  }
  const auto number = static_cast<std::uint16_t>(*alias);
  if (!packet.topic.empty()) return set(number, packet.topic);
  constexpr BrokenRule not_set{"a topic alias that stands for no topic (5.0, 3.3.2.3.4)"};
  if (topics_ == nullptr) return not_set;
  const auto found = topics_->by_alias.find(number);
  if (found == topics_->by_alias.end()) return not_set;
  packet.topic = found->second;
  return std::nullopt;
}

Violation ClientAliases::set(std::uint16_t alias, std::string_view topic) {
  if (topics_ == nullptr) topics_ = std::make_unique<Topics>();
  auto& [by_alias, bytes] = *topics_;
  std::string& place = by_alias[alias];
  const std::size_t others = bytes - place.size();
  if (others + topic.size() > max_bytes) {
    return BrokenRule{"topics behind topic aliases that take more than 64 KiB", mqtt::Reason::quota_exceeded};
  }
  place = topic;
  bytes = others + place.size();
  return std::nullopt;
}

}  // namespace pubsub_mqtt::session
