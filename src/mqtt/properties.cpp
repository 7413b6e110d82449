#include "pubsub_mqtt/mqtt/properties.h"

#include "fields.h"
#include "packet_properties.h"
#include "property_kinds.h"
#include "property_value.h"
#include "wire_values.h"

namespace pubsub_mqtt::mqtt {
namespace {

bool is_forwarded(PropertyIdentifier identifier, bool of_payload) {
  switch (identifier) {
    case PropertyIdentifier::payload_format_indicator:
    case PropertyIdentifier::content_type:
      return of_payload;
    case PropertyIdentifier::response_topic:
    case PropertyIdentifier::correlation_data:
    case PropertyIdentifier::user_property:
      return true;
    default:
      return false;
  }
}

}  // namespace

Properties::Iterator::Iterator(std::string_view rest) : rest_(rest) { read(); }

Properties::Iterator& Properties::Iterator::operator++() {
  read();
  return *this;
}

Properties::Iterator Properties::Iterator::operator++(int) {
  const Iterator before = *this;
  read();
  return before;
}

void Properties::Iterator::read() {
  encoded_ = {};
  if (rest_.empty()) return;
  Fields fields(rest_);
  const PropertyKind* kind = find_property_kind(fields.byte());
  property_ = {.identifier = kind->identifier, .value = read_value(fields, kind->type)};
  const std::string_view after = fields.rest();
  encoded_ = rest_.substr(0, rest_.size() - after.size());
  rest_ = after;
}

std::optional<std::uint32_t> Properties::integer(PropertyIdentifier identifier) const {
  for (const auto& [each, value] : *this) {
    if (each == identifier) return std::get<std::uint32_t>(value);
  }
  return std::nullopt;
}

std::optional<std::string_view> Properties::bytes(PropertyIdentifier identifier) const {
  for (const auto& [each, value] : *this) {
    if (each == identifier) return std::get<std::string_view>(value);
  }
  return std::nullopt;
}

void append(const Property& property, std::string& encoded) {
  const auto identifier = static_cast<std::uint8_t>(property.identifier);
  put_byte(identifier, encoded);
  put_value(find_property_kind(identifier)->type, property.value, encoded);
}

std::string forwarded(const Properties& properties, bool of_payload) {
  std::string encoded;
  for (auto each = properties.begin(); each != Properties::end(); ++each) {
    if (is_forwarded(each->identifier, of_payload)) encoded += each.encoded();
  }
  return encoded;
}

bool are_forwarded(std::string_view encoded) {
  std::string with_length;
  put_variable_byte_integer(encoded.size(), with_length);
  with_length += encoded;
  Fields fields(with_length);
  const Properties properties = read_properties(fields, types(PacketType::publish));
  return !fields.malformed() && forwarded(properties) == encoded;
}

}  // namespace pubsub_mqtt::mqtt
