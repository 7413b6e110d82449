#include "protocol/large_payload.h"

#include <variant>

#include "pubsub_mqtt/payload/large_item.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {

LargePayload examine_if_large(const Publication& publication, const Limits& limits) {
  const std::size_t size = publication.payload.size();
  if (size <= payload::certain_payload_size(topic::Type::xml, limits.max_item_size)) return {};
  const auto topic = topic::parse_topic(publication.topic);
  const auto* node_topic = std::get_if<topic::NodeTopic>(&topic);
  if (node_topic == nullptr) return {};
  if (size <= payload::certain_payload_size(node_topic->type, limits.max_item_size)) return {};
  auto examined = payload::examine(node_topic->type, publication.payload, limits);
  return {.refusal = examined.refusal, .content_id = std::move(examined.content_id)};
}

}  // namespace pubsub_mqtt::session
