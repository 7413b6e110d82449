#include "packet_properties.h"

#include <cstdint>

#include "property_kinds.h"
#include "property_value.h"
#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::mqtt {
namespace {

using Id = PropertyIdentifier;

// User properties may be repeated everywhere, and subscription identifiers in a PUBLISH (3.3.2.3.8).
bool may_repeat(Id identifier, PacketTypes packet) {
  return identifier == Id::user_property ||
         (identifier == Id::subscription_identifier && packet == types(PacketType::publish));
}

bool is_never_zero(Id identifier) {
  return identifier == Id::subscription_identifier || identifier == Id::receive_maximum ||
         identifier == Id::maximum_packet_size;
}

void check_integer(Fields& fields, const PropertyKind& kind, std::uint32_t value) {
  fields.require(kind.type != PropertyType::flag || value <= 1,
                 "a property that is 0 or 1 with another value (5.0, 3.1.2.11)", Reason::protocol_error);
  fields.require(!is_never_zero(kind.identifier) || value != 0,
                 "a property that is never 0 with the value 0 (5.0, 3.1.2.11)", Reason::protocol_error);
  fields.require(kind.identifier != Id::topic_alias || value != 0, "topic alias 0 [MQTT5-3.3.2-8]",
                 Reason::topic_alias_invalid);
}

void check(Fields& fields, const PropertyKind& kind, const PropertyValue& value) {
  if (const auto* integer = std::get_if<std::uint32_t>(&value)) return check_integer(fields, kind, *integer);
  if (kind.identifier != Id::response_topic) return;
  fields.require(is_topic_name(std::get<std::string_view>(value)),
                 "a response topic that is no topic name [MQTT5-3.3.2-14]", Reason::protocol_error);
}

class Seen {
 public:
  void add(Id identifier) { bits_ |= bit(identifier); }
  bool has(Id identifier) const { return (bits_ & bit(identifier)) != 0; }

 private:
  static std::uint64_t bit(Id identifier) { return std::uint64_t{1} << static_cast<unsigned>(identifier); }

  std::uint64_t bits_ = 0;
};

// 3.1.2.11.9, 3.1.2.11.10 and 3.15.2.2.2
void check_authentication(Fields& fields, const Seen& seen, PacketTypes packet) {
  const bool has_method = seen.has(Id::authentication_method);
  fields.require(has_method || !seen.has(Id::authentication_data),
                 "authentication data without a method (5.0, 3.1.2.11.10)", Reason::protocol_error);
  fields.require(has_method || packet != types(PacketType::auth), "AUTH without a method (5.0, 3.15.2.2.2)",
                 Reason::protocol_error);
}

void read_property(Fields& fields, PacketTypes packet, Seen& seen) {
  const PropertyKind* kind = find_property_kind(fields.byte());
  if (kind == nullptr || (kind->packets & packet) == 0) {
    return fields.require(false, "a property that its packet does not have (5.0, 2.2.2.2)");
  }
  fields.require(!seen.has(kind->identifier) || may_repeat(kind->identifier, packet),
                 "a property more than once (5.0, 2.2.2.2)", Reason::protocol_error);
  seen.add(kind->identifier);
  const PropertyValue value = read_value(fields, kind->type);
  check(fields, *kind, value);
}

}  // namespace

Properties read_properties(Fields& fields, PacketTypes packet) {
  const std::string_view encoded = fields.bytes(fields.variable_byte_integer());
  if (encoded.empty() && packet != types(PacketType::auth)) return {};  // as most packets have it
  Fields properties(encoded);
  Seen seen;
  while (!properties.at_end()) read_property(properties, packet, seen);
  check_authentication(properties, seen, packet);
  fields.fail_like(properties);
  return fields.malformed() ? Properties() : Properties(encoded);
}

}  // namespace pubsub_mqtt::mqtt
