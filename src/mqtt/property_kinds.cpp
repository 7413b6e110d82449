#include "property_kinds.h"

#include <algorithm>
#include <array>

namespace pubsub_mqtt::mqtt {
namespace {

using enum PacketType;
using Id = PropertyIdentifier;
using Type = PropertyType;

constexpr PacketTypes message = types(publish) | will;
constexpr PacketTypes authentication = types(connect, connack, auth);
constexpr PacketTypes answers =
    types(connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth);
constexpr PacketTypes with_properties = answers | types(connect, publish, subscribe, unsubscribe) | will;

constexpr std::array properties_table{
    PropertyKind{Id::payload_format_indicator, Type::flag, message},
    PropertyKind{Id::message_expiry_interval, Type::four_byte_integer, message},
    PropertyKind{Id::content_type, Type::utf8_string, message},
    PropertyKind{Id::response_topic, Type::utf8_string, message},
    PropertyKind{Id::correlation_data, Type::binary_data, message},
    PropertyKind{Id::subscription_identifier, Type::variable_byte_integer, types(publish, subscribe)},
    PropertyKind{Id::session_expiry_interval, Type::four_byte_integer, types(connect, connack, disconnect)},
    PropertyKind{Id::assigned_client_identifier, Type::utf8_string, types(connack)},
    PropertyKind{Id::server_keep_alive, Type::two_byte_integer, types(connack)},
    PropertyKind{Id::authentication_method, Type::utf8_string, authentication},
    PropertyKind{Id::authentication_data, Type::binary_data, authentication},
    PropertyKind{Id::request_problem_information, Type::flag, types(connect)},
    PropertyKind{Id::will_delay_interval, Type::four_byte_integer, will},
    PropertyKind{Id::request_response_information, Type::flag, types(connect)},
    PropertyKind{Id::response_information, Type::utf8_string, types(connack)},
    PropertyKind{Id::server_reference, Type::utf8_string, types(connack, disconnect)},
    PropertyKind{Id::reason_string, Type::utf8_string, answers},
    PropertyKind{Id::receive_maximum, Type::two_byte_integer, types(connect, connack)},
    PropertyKind{Id::topic_alias_maximum, Type::two_byte_integer, types(connect, connack)},
    PropertyKind{Id::topic_alias, Type::two_byte_integer, types(publish)},
    PropertyKind{Id::maximum_qos, Type::flag, types(connack)},
    PropertyKind{Id::retain_available, Type::flag, types(connack)},
    PropertyKind{Id::user_property, Type::utf8_string_pair, with_properties},
    PropertyKind{Id::maximum_packet_size, Type::four_byte_integer, types(connect, connack)},
    PropertyKind{Id::wildcard_subscription_available, Type::flag, types(connack)},
    PropertyKind{Id::subscription_identifier_available, Type::flag, types(connack)},
    PropertyKind{Id::shared_subscription_available, Type::flag, types(connack)},
};

}  // namespace

const PropertyKind* find_property_kind(std::uint8_t identifier) {
  const auto* const kind = std::ranges::find(properties_table, static_cast<PropertyIdentifier>(identifier),
                                             &PropertyKind::identifier);
  return kind == properties_table.end() ? nullptr : kind;
}

}  // namespace pubsub_mqtt::mqtt
