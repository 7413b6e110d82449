#include "property_value.h"

#include <cstdint>

#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::mqtt {
namespace {

using Id = PropertyIdentifier;

// User properties may be repeated everywhere, and so may subscription identifiers in a PUBLISH (3.3.2.3.8).
bool may_repeat(Id identifier, PacketTypes packet) {
  return identifier == Id::user_property ||
         (identifier == Id::subscription_identifier && packet == types(PacketType::publish));
}

bool is_flag(Id identifier) {
  switch (identifier) {
    case Id::payload_format_indicator:
    case Id::request_problem_information:
    case Id::request_response_information:
    case Id::maximum_qos:
    case Id::retain_available:
    case Id::wildcard_subscription_available:
    case Id::subscription_identifier_available:
    case Id::shared_subscription_available:
      return true;
    default:
      return false;
  }
}

bool is_never_zero(Id identifier) {
  return identifier == Id::subscription_identifier || identifier == Id::receive_maximum ||
         identifier == Id::maximum_packet_size;
}

void check(Fields& fields, const Property& property) {
  const auto& [identifier, value] = property;
  if (const auto* integer = std::get_if<std::uint32_t>(&value)) {
    fields.require(!is_flag(identifier) || *integer <= 1, "a property that is 0 or 1 with another value",
                   Reason::protocol_error);
    fields.require(!is_never_zero(identifier) || *integer != 0, "a property that is never 0 with the value 0",
                   Reason::protocol_error);
    fields.require(identifier != Id::topic_alias || *integer != 0, "topic alias 0 [MQTT5-3.3.2-8]",
                   Reason::topic_alias_invalid);
  } else if (identifier == Id::response_topic) {
    fields.require(is_topic_name(std::get<std::string_view>(value)),
                   "a response topic that is no topic name [MQTT5-3.3.2-14]", Reason::protocol_error);
  }
}

}  // namespace

PropertyValue read_value(Fields& fields, PropertyType type) {
  switch (type) {
    case PropertyType::byte:
      return std::uint32_t{fields.byte()};
    case PropertyType::two_byte_integer:
      return std::uint32_t{fields.two_byte_integer()};
    case PropertyType::four_byte_integer:
      return fields.four_byte_integer();
    case PropertyType::variable_byte_integer:
      return fields.variable_byte_integer();
    case PropertyType::utf8_string:
      return fields.utf8_string();
    case PropertyType::binary_data:
      return fields.binary();
    case PropertyType::utf8_string_pair: {
      const auto name = fields.utf8_string();
      return UserProperty{.name = name, .value = fields.utf8_string()};
    }
  }
  return {};
}

Properties read_properties(Fields& fields, PacketTypes packet) {
  const std::string_view encoded = fields.bytes(fields.variable_byte_integer());
  Fields rest(encoded);
  std::uint64_t seen = 0;
  bool has_method = false;
  bool has_data = false;
  while (!rest.at_end()) {
    const std::uint8_t identifier = rest.byte();
    const PropertyKind* kind = find_property_kind(identifier);
    rest.require(kind != nullptr && (kind->packets & packet) != 0,
                 "a property that its packet does not have (5.0, 2.2.2.2)");
    if (rest.malformed()) break;
    const std::uint64_t bit = std::uint64_t{1} << identifier;
    rest.require((seen & bit) == 0 || may_repeat(kind->identifier, packet),
                 "a property more than once (5.0, 2.2.2.2)", Reason::protocol_error);
    seen |= bit;
    has_method = has_method || kind->identifier == Id::authentication_method;
    has_data = has_data || kind->identifier == Id::authentication_data;
    check(rest, {.identifier = kind->identifier, .value = read_value(rest, kind->type)});
  }
  rest.require(has_method || !has_data, "authentication data without a method (5.0, 3.1.2.11.10)",
               Reason::protocol_error);
  fields.fail_like(rest);
  return Properties(encoded);
}

}  // namespace pubsub_mqtt::mqtt
