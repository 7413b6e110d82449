#include "protocol/prepared_item.h"

#include <utility>
#include <variant>

#include "pubsub_mqtt/payload/prepare.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {

PreparedItem prepare(const Publication& publication, const Limits& limits) {
  const auto topic = topic::parse_topic(publication.topic);
  const auto* node_topic = std::get_if<topic::NodeTopic>(&topic);
  if (node_topic == nullptr) return {};
  auto prepared =
      payload::prepare(node_topic->type, publication.payload, publication.envelope.content_type(), limits);
  return {.refusal = prepared.refusal,
          .type = prepared.type,
          .content_id = std::move(prepared.content_id),
          .media_type = std::move(prepared.media_type),
          .base64 = std::move(prepared.base64)};
}

}  // namespace pubsub_mqtt::session
