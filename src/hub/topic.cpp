#include "pubsub_mqtt/hub/topic.h"

#include <cstdint>
#include <optional>

namespace pubsub_mqtt::hub {
namespace {

bool is_unescaped_in_file_name(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// The characters of well-formed UTF-8 that no node name may hold: C0, U+007F, C1, and the non-characters U+FDD0 to
// U+FDEF and U+xxFFFE, U+xxFFFF (Unicode 15, 23.7).
bool is_forbidden(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || (character & 0xFFFEU) == 0xFFFE ||
         (character >= 0xFDD0 && character <= 0xFDEF);
}

std::uint32_t next_character(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<std::uint8_t>(text[at++]);
  std::size_t more = 0;
  std::uint32_t character = lead;
  if (lead >= 0xF0) {
    more = 3;
    character = lead & 0x07U;
  } else if (lead >= 0xE0) {
    more = 2;
    character = lead & 0x0FU;
  } else if (lead >= 0xC0) {
    more = 1;
    character = lead & 0x1FU;
  }
  for (; more > 0 && at < text.size(); --more) {
    character = character << 6U | (static_cast<std::uint8_t>(text[at++]) & 0x3FU);
  }
  return character;
}

}  // namespace

bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > max_encoded_node_size) return false;
  std::size_t encoded_size = 0;
  for (const char byte : name) encoded_size += is_unescaped_in_file_name(static_cast<std::uint8_t>(byte)) ? 1 : 3;
  if (encoded_size > max_encoded_node_size) return false;
  for (std::size_t at = 0; at < name.size();) {
    if (is_forbidden(next_character(name, at))) return false;
  }
  return name.find_first_of("+#") == std::string_view::npos;
}

std::variant<NodeTopic, NoNodeTopic> parse_topic(std::string_view topic) {
  const std::size_t host_end = topic.find('/');
  const std::size_t type_end = host_end == std::string_view::npos ? host_end : topic.find('/', host_end + 1);
  if (type_end == std::string_view::npos) return NoNodeTopic{"a topic is HOST/TYPE/NODE"};
  const auto type = payload::type_from_name(topic.substr(host_end + 1, type_end - host_end - 1));
  if (!type) return NoNodeTopic{"the second level is none of the TYPEs json, utf8, atom_title, xml"};
  const std::string_view node = topic.substr(type_end + 1);
  if (!is_node_name(node)) {
    return NoNodeTopic{"the node's name is empty, longer than the node store takes, or has a control character"};
  }
  return NodeTopic{.host = topic.substr(0, host_end), .type = *type, .node = node};
}

}  // namespace pubsub_mqtt::hub
