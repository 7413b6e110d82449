#include "pubsub_mqtt/topic/topic.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "pubsub_mqtt/base/utf8.h"
#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::topic {
namespace {

bool is_unescaped_in_file_name(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// The characters of well-formed UTF-8 that no node name may hold: C0, U+007F, C1, and the non-characters
// U+FDD0 to U+FDEF and U+xxFFFE, U+xxFFFF (Unicode 15, 23.7).
bool is_forbidden(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || (character & 0xFFFEU) == 0xFFFE ||
         (character >= 0xFDD0 && character <= 0xFDEF);
}

// Whether it may be the name of a node, or a pattern for names.
bool is_possible(std::string_view name) {
  return !name.empty() && consists_of(name, [](char32_t character) { return !is_forbidden(character); });
}

// Takes the first level off the front of `levels`, with its slash. Nothing is left after the last one: a view
// without data, which an empty last level is not.
std::string_view take_level(std::string_view& levels) {
  const std::size_t slash = levels.find('/');
  const std::string_view level = levels.substr(0, slash);
  levels = slash == std::string_view::npos ? std::string_view() : levels.substr(slash + 1);
  return level;
}

bool is_over(std::string_view levels) { return levels.data() == nullptr; }

// 4.7.1, without the rule for `$`: inside NODE it is ordinary.
bool selects_node(std::string_view pattern, std::string_view name) {
  while (!is_over(pattern)) {
    const std::string_view level = take_level(pattern);
    if (level == "#") return true;
    if (is_over(name)) return false;
    const std::string_view actual = take_level(name);
    if (level != "+" && level != actual) return false;
  }
  return is_over(name);
}

constexpr NoNodeTopic no_topic{"a topic is HOST/TYPE/NODE"};
constexpr NoNodeTopic no_type{
    "a topic is HOST/TYPE/NODE, with a pubsub component for HOST and json, utf8, atom_title, xml, binary or "
    "any for TYPE"};
constexpr NoNodeTopic no_node{"the node's name is empty, or has a control character"};

}  // namespace

std::size_t count_levels(std::string_view topic) {
  return static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/')) + 1;
}

std::size_t encoded_size(std::string_view name) {
  std::size_t size = 0;
  for (const char byte : name) {
    if (byte == '+' || byte == '#') continue;
    size += is_unescaped_in_file_name(static_cast<std::uint8_t>(byte)) ? 1 : 3;
  }
  return size;
}

bool is_node_name(std::string_view name) { return is_possible(name) && !mqtt::has_wildcard(name); }

std::variant<NodeTopic, NoNodeTopic> parse_topic(std::string_view topic) {
  if (topic.starts_with('$')) return NoNodeTopic{"topics that begin with $ are reserved"};
  std::string_view node = topic;
  const std::string_view host = take_level(node);
  if (is_over(node)) return no_topic;
  const auto type = type_from_name(take_level(node));
  if (is_over(node)) return no_topic;
  if (!type) return no_type;
  if (!is_node_name(node)) return no_node;
  return NodeTopic{.host = host, .type = *type, .node = node};
}

std::string make_topic(std::string_view host, Type type, std::string_view node) {
  const std::string_view type_name = name(type);
  std::string topic;
  topic.reserve(host.size() + type_name.size() + node.size() + 2);
  topic += host;
  topic += '/';
  topic += type_name;
  topic += '/';
  topic += node;
  return topic;
}

bool selects(std::string_view filter, std::string_view topic) { return selects_node(filter, topic); }

bool NodePattern::selects(std::string_view host_name, std::string_view node_name) const {
  return (host == "+" || host == host_name) && selects_node(node, node_name);
}

bool is_shared(std::string_view text) { return text.starts_with(mqtt::shared_subscription_prefix); }

std::optional<GroupFilter> split_group(std::string_view text) {
  if (!is_shared(text)) return GroupFilter{.group = {}, .filter = text};
  std::string_view filter = text.substr(mqtt::shared_subscription_prefix.size());
  const std::string_view group = take_level(filter);
  if (group.empty() || mqtt::has_wildcard(group) || !mqtt::is_topic_filter(filter)) return std::nullopt;
  return GroupFilter{.group = group, .filter = filter};
}

bool is_system(std::string_view filter) {
  constexpr std::string_view first_level = "$SYS";
  return filter.starts_with(first_level) &&
         (filter.size() == first_level.size() || filter[first_level.size()] == '/');
}

bool is_response(std::string_view filter) {
  return filter.starts_with(response_prefix) && filter.size() > response_prefix.size();
}

bool is_of_server(std::string_view filter) { return is_system(filter) || is_response(filter); }

std::variant<NodeTopic, NodePattern, SystemFilter, ResponseFilter, NoNodeTopic> parse_filter(
    std::string_view filter) {
  if (is_system(filter)) return SystemFilter{};
  if (is_response(filter)) return ResponseFilter{};
  std::string_view node = filter;
  const std::string_view host = take_level(node);
  if (host.starts_with('$')) return NoNodeTopic{"topics that begin with $ are reserved"};
  if (host == "#") return NodePattern{.host = "+", .type = {}, .node = "#"};
  if (is_over(node)) return no_topic;
  const std::string_view type_level = take_level(node);
  if (type_level == "#") return NodePattern{.host = host, .type = {}, .node = "#"};
  if (is_over(node)) return no_topic;
  const auto type = type_from_name(type_level);
  if (!type && type_level != "+") return no_type;
  if (!is_possible(node)) return no_node;
  if (type && host != "+" && !mqtt::has_wildcard(node))
    return NodeTopic{.host = host, .type = *type, .node = node};
  return NodePattern{.host = host, .type = type, .node = node};
}

}  // namespace pubsub_mqtt::topic
