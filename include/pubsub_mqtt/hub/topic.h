// Topic -> node and back: `HOST/TYPE/NODE` (docs/mapping.md, "Topics and nodes"). Any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::hub {

// A node's name, percent-encoded as Prosody's internal storage does for a file name, must fit into one.
inline constexpr std::size_t max_encoded_node_size = 200;

struct NodeTopic {
  std::string_view host;
  payload::Type type = payload::Type::json;
  std::string_view node;
};

struct NoNodeTopic {
  std::string_view reason;  // a string literal: a sentence without a full stop
};

// Takes a topic name, or a topic filter without wildcards. The views borrow from it.
std::variant<NodeTopic, NoNodeTopic> parse_topic(std::string_view topic);

// Whether MQTT may see a node of this name: no control character or non-character (with U+0001 every disco#items of the
// service would raise), not too long, not empty.
bool is_node_name(std::string_view name);

}  // namespace pubsub_mqtt::hub
