// Topics and filters -> nodes and back: `HOST/TYPE/NODE` (docs/mapping.md, "Topics and nodes", "Subscribe").
// Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::topic {

// Of a topic or a filter.
std::size_t count_levels(std::string_view topic);

inline constexpr std::string_view too_many_levels = "it has more levels than mqtt_max_topic_levels allows";

struct NodeTopic {
  std::string_view host;
  Type type = Type::json;
  std::string_view node;
};

struct NoNodeTopic {
  std::string_view reason;  // a string literal: a sentence without a full stop
};

// The views borrow from the topic name.
std::variant<NodeTopic, NoNodeTopic> parse_topic(std::string_view topic);

std::string make_topic(std::string_view host, Type type, std::string_view node);

// Whether MQTT may see a node of this name: no control character or non-character (with U+0001 every
// disco#items of the service would raise), no wildcard, not empty.
bool is_node_name(std::string_view name);

// How long a node's name is, percent-encoded as Prosody's internal storage does for the name of a file; of a pattern
// for names, how long those are at least that it selects.
std::size_t encoded_size(std::string_view name);

// A filter with a wildcard that can select topics of nodes.
struct NodePattern {
  std::string_view host;     // "+": every host
  std::optional<Type> type;  // nothing: the natural TYPE of each item
  std::string_view node;     // levels, of which some are wildcards

  bool selects(std::string_view host_name, std::string_view node_name) const;
  // Which of a node's topics; nullopt: the natural one.
  std::optional<Form> form(bool is_mounted) const {
    return type ? std::optional(Form(*type, is_mounted)) : std::nullopt;
  }
};

// `$SYS/...`: topics of the server itself (docs/mapping.md, "What the server says of itself").
struct SystemFilter {};

// Whether parse_filter() finds a SystemFilter. Costs a comparison.
bool is_system(std::string_view filter);

// `$pubsub/...`: what clients ask the server for, and below `$pubsub/reply/` its answers (docs/mapping.md, "History and
// lists over MQTT").
inline constexpr std::string_view request_prefix = "$pubsub/";
inline constexpr std::string_view response_prefix = "$pubsub/reply/";

// A filter that selects answers alone. Who subscribes to it gets those to what he has asked himself.
struct ResponseFilter {};

// Whether parse_filter() finds one. Costs a comparison.
bool is_response(std::string_view filter);

// Whether it finds a SystemFilter or a ResponseFilter, which select no nodes.
bool is_of_server(std::string_view filter);

// What a client subscribes to: a filter for itself alone, or, as `$share/GROUP/FILTER`, one whose messages it shares
// with the others of a group (MQTT 5.0, 4.8.2).
struct GroupFilter {
  std::string_view group;  // empty: for itself alone
  std::string_view filter;
  bool is_mounted = false;  // see mountpoint.h

  bool is_shared() const { return !group.empty(); }
};

// Whether a filter selects a topic, both by the rules of MQTT (4.7.1); without the rule for `$`, since no topic that
// the server sends begins with that.
bool selects(std::string_view filter, std::string_view topic);

// Returns nullopt where `text` begins with `$share/` and does not go on as said [MQTT5-4.8.2-1, MQTT5-4.8.2-2]. The
// views borrow from it.
std::optional<GroupFilter> split_group(std::string_view text);

// Whether split_group() would find a group, if any. Costs a comparison.
bool is_shared(std::string_view text);

// The views borrow from the filter, whose syntax is MQTT's already. One with a group is none: see split_group().
std::variant<NodeTopic, NodePattern, SystemFilter, ResponseFilter, NoNodeTopic> parse_filter(
    std::string_view filter);

}  // namespace pubsub_mqtt::topic
