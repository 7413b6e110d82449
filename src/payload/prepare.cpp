#include "pubsub_mqtt/payload/prepare.h"

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

// XML that names its namespaces seldom becomes larger, since pubsub's form of the element names them often.
std::size_t certain_xml_size(std::size_t max_item_size) {
  const std::size_t around = item_overhead + namespace_allowance;
  return (std::max(max_item_size, around) - around) / (most_escaped_size + namespace_growth);
}

bool is_certain(Type type, std::string_view payload, const Limits& limits) {
  const std::size_t certain =
      type == Type::xml ? certain_xml_size(limits.max_item_size) : certain_payload_size(limits.max_item_size);
  return payload.size() <= certain;
}

// Of what the item's payload element holds, as XML; or why the payload is refused.
std::variant<std::size_t, Refused> size_of_text(Type type, std::string_view payload, const Limits& limits) {
  if (type == Type::xml) {
    const auto document = parse_element(payload, limits.max_xml_elements);
    if (const auto* refused = std::get_if<Refused>(&document)) return *refused;
    return serialize(std::get<pugi::xml_document>(document).document_element()).size();
  }
  if (const auto refused = check_text(type, payload)) return *refused;
  return escaped_size(payload);
}

std::string_view media_type_of(Type type) {
  switch (type) {
    case Type::json:
      return "application/json";
    case Type::xml:
      return "application/xml";
    default:
      return "text/plain";
  }
}

}  // namespace

std::size_t max_element_size(std::size_t max_item_size) {
  return std::max(max_item_size, item_overhead) - item_overhead;
}

std::size_t certain_payload_size(std::size_t max_item_size) {
  return max_element_size(max_item_size) / most_escaped_size;
}

Prepared prepare(Type type, std::string_view payload, std::string_view content_type, const Limits& limits) {
  Prepared prepared{.type = type == Type::any ? type_of_any(payload) : type};
  if (prepared.type == Type::binary) {
    prepared.media_type = media_type(content_type);
    prepared.content_id = content_id(payload);
    const std::size_t size = base64_size(payload.size()) + escaped_size(prepared.media_type);
    if (size + item_overhead <= limits.max_item_size) prepared.base64 = base64(payload);
    return prepared;
  }
  if (is_certain(prepared.type, payload, limits)) return prepared;
  const auto size = size_of_text(prepared.type, payload, limits);
  if (const auto* refused = std::get_if<Refused>(&size)) {
    prepared.refusal = refused->reason;
  } else if (std::get<std::size_t>(size) + item_overhead > limits.max_item_size) {
    prepared.media_type = media_type_of(prepared.type);
    prepared.content_id = content_id(payload);
  }
  return prepared;
}

}  // namespace pubsub_mqtt::payload
