#include "pubsub_mqtt/payload/large_item.h"

#include <algorithm>
#include <variant>

#include "namespace_budget.h"
#include "pubsub_mqtt/payload/binary.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

// What `<item>`, the payload element around a text, and their attributes add; what XML escaping makes of one byte at
// most.
constexpr std::size_t item_overhead = 512;
constexpr std::size_t most_escaped_size = 6;

// As serialize() escapes text.
std::size_t escaped_size(std::string_view text) {
  std::size_t size = text.size();
  for (const char c : text) {
    if (c == '<' || c == '>') size += 3;
    if (c == '&' || c == '\r') size += 4;
    if (c == '"' || c == '\'') size += 5;
  }
  return size;
}

std::string_view media_type_of(topic::Type type) {
  switch (type) {
    case topic::Type::json:
      return "application/json";
    case topic::Type::utf8:
    case topic::Type::atom_title:
      return "text/plain";
    case topic::Type::binary:
    case topic::Type::any:
      return "application/octet-stream";
    case topic::Type::xml:
      break;
  }
  return "application/xml";
}

}  // namespace

std::size_t certain_payload_size(std::size_t max_item_size) {
  return (std::max(max_item_size, item_overhead) - item_overhead) / most_escaped_size;
}

std::size_t certain_payload_size(topic::Type type, std::size_t max_item_size) {
  if (type != Type::xml) return certain_payload_size(max_item_size);
  const std::size_t around = item_overhead + namespace_allowance;
  return (std::max(max_item_size, around) - around) / (most_escaped_size + namespace_growth);
}

Examined examine(topic::Type type, std::string_view payload, const Limits& limits) {
  std::size_t size = 0;
  if (type == Type::xml) {
    const auto document = parse_element(payload, limits.max_xml_elements);
    if (const auto* refused = std::get_if<Refused>(&document))
      return {.refusal = refused->reason, .content_id = {}};
    size = serialize(std::get<pugi::xml_document>(document).document_element()).size();
  } else {
    if (const auto refused = check_text(type, payload)) return {.refusal = refused->reason, .content_id = {}};
    size = escaped_size(payload);
  }
  if (size + item_overhead <= limits.max_item_size) return {};
  return {.refusal = {}, .content_id = content_id(payload)};
}

pugi::xml_document stand_in(topic::Type type, std::string_view content_id) {
  return bits_of_binary(content_id, media_type_of(type));
}

}  // namespace pubsub_mqtt::payload
