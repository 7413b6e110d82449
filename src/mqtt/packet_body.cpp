#include "packet_body.h"

#include <optional>
#include <utility>

#include "fields.h"
#include "packet_properties.h"
#include "pubsub_mqtt/mqtt/strings.h"
#include "reasons_of_packets.h"

namespace pubsub_mqtt::mqtt {
namespace {

template <typename AnyPacket>
ReadResult finish(Fields& fields, AnyPacket packet) {
  fields.require(fields.at_end(), "a packet with bytes after its last field [MQTT-4.8.0-1]");
  if (fields.malformed()) return *fields.malformed();
  return Packet(std::move(packet));
}

bool speaks_5(ProtocolLevel level) { return level == ProtocolLevel::mqtt_5; }

// Before 5.0 a packet has none.
Properties properties_of(Fields& fields, PacketType type, ProtocolLevel level) {
  return speaks_5(level) ? read_properties(fields, types(type)) : Properties();
}

Reason read_reason(Fields& fields, PacketType type) {
  const auto reason = static_cast<Reason>(fields.byte());
  fields.require(is_reason_of(type, reason), "a reason code that its packet does not have (5.0, 2.4)");
  return reason;
}

PacketIdentifier read_packet_identifier(Fields& fields) {
  const PacketIdentifier packet_identifier = fields.two_byte_integer();
  fields.require(packet_identifier != 0, "packet identifier 0 [MQTT-2.3.1-1]", Reason::protocol_error);
  return packet_identifier;
}

std::string_view read_topic_name(Fields& fields) {
  const auto topic = fields.utf8_string();
  fields.require(!topic.empty(), "an empty topic name [MQTT-4.7.3-1]", Reason::protocol_error);
  fields.require(is_topic_name(topic), "a topic name with a wildcard [MQTT-3.3.2-2, MQTT-4.7.1-1]");
  return topic;
}

std::string_view read_topic_filter(Fields& fields) {
  const auto topic_filter = fields.utf8_string();
  fields.require(!topic_filter.empty(), "an empty topic filter [MQTT-4.7.3-1]", Reason::protocol_error);
  fields.require(is_topic_filter(topic_filter),
                 "a topic filter with a wildcard where none may stand [MQTT-4.7.1-2, MQTT-4.7.1-3]");
  return topic_filter;
}

Publish read_will(Fields& fields, std::uint8_t flags, ProtocolLevel level) {
  const unsigned qos = (flags & connect_flags::will_qos) >> connect_flags::will_qos_shift;
  fields.require(qos <= 2, "a will at QoS 3 [MQTT-3.1.2-14]");
  Publish will;
  if (speaks_5(level)) will.properties = read_properties(fields, mqtt::will);
  will.topic = read_topic_name(fields);
  will.payload = fields.binary();
  will.qos = static_cast<QoS>(qos);
  will.retain = (flags & connect_flags::will_retain) != 0;
  return will;
}

// 3.1.2.3 to 3.1.2.9. MQTT 3.1 disregards the reserved bit and, without a will, its QoS and RETAIN. 5.0 takes a
// password alone (3.1.2.9).
void check_connect_flags(Fields& fields, std::uint8_t flags, ProtocolLevel level) {
  const auto is_set = [flags](unsigned mask) { return (flags & mask) != 0; };
  fields.require(!is_set(connect_flags::password) || is_set(connect_flags::user_name) || speaks_5(level),
                 "CONNECT with a password but no user name [MQTT-3.1.2-22]");
  if (level == ProtocolLevel::mqtt_3_1) return;
  fields.require(!is_set(connect_flags::reserved), "CONNECT with its reserved flag set [MQTT-3.1.2-3]");
  fields.require(is_set(connect_flags::will) || !is_set(connect_flags::will_qos),
                 "CONNECT with a will QoS but no will [MQTT-3.1.2-11, MQTT-3.1.2-13]");
  fields.require(is_set(connect_flags::will) || !is_set(connect_flags::will_retain),
                 "CONNECT with will retain but no will [MQTT-3.1.2-11, MQTT-3.1.2-15]");
}

// Returns nullopt for a level that is not served.
std::optional<ProtocolLevel> protocol_level(std::string_view name, std::uint8_t level_byte) {
  const unsigned number = level_byte & ~(0U | bridge_bit);
  if (name == protocol_name_3_1) {
    return number == 3 ? std::optional(ProtocolLevel::mqtt_3_1) : std::nullopt;
  }
  if (number == 4) return ProtocolLevel::mqtt_3_1_1;
  return level_byte == 5 ? std::optional(ProtocolLevel::mqtt_5) : std::nullopt;
}

ReadResult read_connect(Fields& fields, ProtocolLevel& level) {
  const auto name = fields.binary();
  fields.require(name == protocol_name || name == protocol_name_3_1,
                 "CONNECT with a protocol name that is not MQTT's [MQTT-3.1.2-1]");
  const std::uint8_t level_byte = fields.byte();
  if (fields.malformed()) return *fields.malformed();
  const auto served = protocol_level(name, level_byte);
  // What follows is for those who know that level. A later one than 5.0 is answered in the form of 5.0.
  if (!served) {
    if (name == protocol_name && level_byte > 5 && (level_byte & bridge_bit) == 0) {
      level = ProtocolLevel::mqtt_5;
    }
    return UnsupportedProtocolLevel{};
  }
  level = *served;

  const std::uint8_t flags = fields.byte();
  check_connect_flags(fields, flags, level);
  Connect connect;
  connect.level = level;
  connect.is_bridge = (level_byte & bridge_bit) != 0;
  connect.clean_session = (flags & connect_flags::clean_session) != 0;
  connect.keep_alive = fields.two_byte_integer();
  connect.properties = properties_of(fields, PacketType::connect, level);
  connect.client_identifier = fields.utf8_string();
  if ((flags & connect_flags::will) != 0) connect.will = read_will(fields, flags, level);

  // By MQTT 3.1 (section 3.1) a user name and a password may be missing although they were announced.
  const auto follows = [&](unsigned mask) {
    return (flags & mask) != 0 && (level != ProtocolLevel::mqtt_3_1 || !fields.at_end());
  };
  if (follows(connect_flags::user_name)) connect.user_name = fields.utf8_string();
  if (follows(connect_flags::password)) connect.password = fields.binary();
  return finish(fields, connect);
}

Reason read_connect_return_code(Fields& fields) {
  const std::uint8_t code = fields.byte();
  fields.require(code <= connect_return_code(Reason::not_authorized),
                 "CONNACK with a reserved return code (3.2.2.3)");
  return reason_of_connect_return_code(code);
}

ReadResult read_connack(Fields& fields, ProtocolLevel level) {
  const std::uint8_t flags = fields.byte();
  Connack connack;
  connack.session_present = flags == connack_flags::session_present;
  connack.reason =
      speaks_5(level) ? read_reason(fields, PacketType::connack) : read_connect_return_code(fields);
  fields.require(flags == 0 || connack.session_present, "CONNACK with a reserved flag set (3.2.2.1)");
  fields.require(connack.reason == Reason::success || !connack.session_present,
                 "CONNACK that refuses with a session present [MQTT-3.2.2-4]");
  connack.properties = properties_of(fields, PacketType::connack, level);
  return finish(fields, connack);
}

ReadResult read_publish(Fields& fields, std::uint8_t flags, ProtocolLevel level) {
  Publish publish;
  publish.dup = (flags & publish_flags::dup) != 0;
  publish.qos = static_cast<QoS>((flags & publish_flags::qos) >> publish_flags::qos_shift);
  publish.retain = (flags & publish_flags::retain) != 0;
  publish.topic = fields.utf8_string();
  fields.require(publish.topic.empty() || is_topic_name(publish.topic),
                 "a topic name with a wildcard [MQTT-3.3.2-2, MQTT-4.7.1-1]");
  if (publish.qos != QoS::at_most_once) publish.packet_identifier = read_packet_identifier(fields);
  publish.properties = properties_of(fields, PacketType::publish, level);
  fields.require(!publish.topic.empty() || publish.properties.integer(PropertyIdentifier::topic_alias),
                 "an empty topic name [MQTT-4.7.3-1], and no topic alias", Reason::protocol_error);
  publish.payload = fields.rest();
  return finish(fields, publish);
}

// The reason and the properties may be left out at the end of a packet (5.0, 3.4.2.1, 3.14.2.1).
template <typename AnyPacket>
void read_reason_and_properties(Fields& fields, PacketType type, ProtocolLevel level, AnyPacket& packet) {
  if (!speaks_5(level) || fields.at_end()) return;
  packet.reason = read_reason(fields, type);
  if (!fields.at_end()) packet.properties = read_properties(fields, types(type));
}

template <typename Acknowledgement>
ReadResult read_acknowledgement(Fields& fields, PacketType type, ProtocolLevel level) {
  Acknowledgement packet;
  packet.packet_identifier = read_packet_identifier(fields);
  read_reason_and_properties(fields, type, level, packet);
  return finish(fields, packet);
}

SubscriptionRequest read_subscription(Fields& fields, ProtocolLevel level) {
  const auto topic_filter = read_topic_filter(fields);
  const std::uint8_t options = fields.byte();
  const unsigned qos = options & subscription_options::qos;
  const unsigned retain_handling =
      (options & subscription_options::retain_handling) >> subscription_options::retain_handling_shift;
  const bool no_local = (options & subscription_options::no_local) != 0;
  const unsigned reserved =
      speaks_5(level) ? unsigned{subscription_options::reserved} : ~unsigned{subscription_options::qos};
  constexpr std::string_view bad_options =
      "SUBSCRIBE for a QoS above 2 or with reserved bits set [MQTT-3-8.3-4]";
  fields.require((options & reserved) == 0, bad_options);
  fields.require(qos <= 2, bad_options, Reason::protocol_error);
  fields.require(retain_handling <= 2, "SUBSCRIBE with retain handling 3 (5.0, 3.8.3.1)",
                 Reason::protocol_error);
  fields.require(!no_local || !topic_filter.starts_with(shared_subscription_prefix),
                 "No Local on a shared subscription [MQTT5-3.8.3-4]", Reason::protocol_error);
  return {.topic_filter = topic_filter,
          .qos = static_cast<QoS>(qos),
          .no_local = no_local,
          .retain_as_published = (options & subscription_options::retain_as_published) != 0,
          .retain_handling = static_cast<RetainHandling>(retain_handling)};
}

ReadResult read_subscribe(Fields& fields, ProtocolLevel level) {
  Subscribe subscribe;
  subscribe.packet_identifier = read_packet_identifier(fields);
  subscribe.properties = properties_of(fields, PacketType::subscribe, level);
  fields.require(!fields.at_end(), "SUBSCRIBE without a topic filter [MQTT-3.8.3-3]", Reason::protocol_error);
  while (!fields.at_end()) subscribe.subscriptions.push_back(read_subscription(fields, level));
  return finish(fields, std::move(subscribe));
}

Reason read_suback_return_code(Fields& fields) {
  const std::uint8_t code = fields.byte();
  fields.require(code <= 2 || code == suback_return_code(Reason::unspecified_error),
                 "SUBACK with a reserved return code [MQTT-3.9.3-2]");
  return static_cast<Reason>(code);
}

ReadResult read_suback(Fields& fields, ProtocolLevel level) {
  Suback suback;
  suback.packet_identifier = read_packet_identifier(fields);
  suback.properties = properties_of(fields, PacketType::suback, level);
  fields.require(!fields.at_end(), "SUBACK without a return code [MQTT-3.8.4-5]");
  while (!fields.at_end()) {
    suback.reasons.push_back(speaks_5(level) ? read_reason(fields, PacketType::suback)
                                             : read_suback_return_code(fields));
  }
  return finish(fields, std::move(suback));
}

ReadResult read_unsubscribe(Fields& fields, ProtocolLevel level) {
  Unsubscribe unsubscribe;
  unsubscribe.packet_identifier = read_packet_identifier(fields);
  unsubscribe.properties = properties_of(fields, PacketType::unsubscribe, level);
  fields.require(!fields.at_end(), "UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]",
                 Reason::protocol_error);
  while (!fields.at_end()) unsubscribe.topic_filters.push_back(read_topic_filter(fields));
  return finish(fields, std::move(unsubscribe));
}

ReadResult read_unsuback(Fields& fields, ProtocolLevel level) {
  Unsuback unsuback;
  unsuback.packet_identifier = read_packet_identifier(fields);
  unsuback.properties = properties_of(fields, PacketType::unsuback, level);
  fields.require(!speaks_5(level) || !fields.at_end(), "UNSUBACK without a reason code [MQTT5-3.11.3-1]");
  while (speaks_5(level) && !fields.at_end()) {
    unsuback.reasons.push_back(read_reason(fields, PacketType::unsuback));
  }
  return finish(fields, std::move(unsuback));
}

ReadResult read_disconnect(Fields& fields, ProtocolLevel level) {
  Disconnect disconnect;
  read_reason_and_properties(fields, PacketType::disconnect, level, disconnect);
  return finish(fields, disconnect);
}

// The reason and the properties may be left out together only (5.0, 3.15.2.1).
ReadResult read_auth(Fields& fields) {
  Auth auth;
  if (!fields.at_end()) {
    auth.reason = read_reason(fields, PacketType::auth);
    auth.properties = read_properties(fields, types(PacketType::auth));
  }
  return finish(fields, auth);
}

}  // namespace

std::optional<ProtocolLevel> level_of_connect(std::string_view body) {
  Fields fields(body);
  const auto name = fields.binary();
  const std::uint8_t level_byte = fields.byte();
  const bool is_there = !fields.malformed() && (name == protocol_name || name == protocol_name_3_1);
  return is_there ? protocol_level(name, level_byte) : std::nullopt;
}

ReadResult read_body(PacketType type, std::uint8_t flags, std::string_view body, ProtocolLevel& level) {
  Fields fields(body);
  switch (type) {
    case PacketType::connect:
      return read_connect(fields, level);
    case PacketType::connack:
      return read_connack(fields, level);
    case PacketType::publish:
      return read_publish(fields, flags, level);
    case PacketType::puback:
      return read_acknowledgement<Puback>(fields, type, level);
    case PacketType::pubrec:
      return read_acknowledgement<Pubrec>(fields, type, level);
    case PacketType::pubrel:
      return read_acknowledgement<Pubrel>(fields, type, level);
    case PacketType::pubcomp:
      return read_acknowledgement<Pubcomp>(fields, type, level);
    case PacketType::subscribe:
      return read_subscribe(fields, level);
    case PacketType::suback:
      return read_suback(fields, level);
    case PacketType::unsubscribe:
      return read_unsubscribe(fields, level);
    case PacketType::unsuback:
      return read_unsuback(fields, level);
    case PacketType::pingreq:
      return finish(fields, Pingreq{});
    case PacketType::pingresp:
      return finish(fields, Pingresp{});
    case PacketType::disconnect:
      return read_disconnect(fields, level);
    case PacketType::auth:
      return read_auth(fields);
  }
  return Malformed{"a packet of a forbidden type (2.2.1)"};
}

}  // namespace pubsub_mqtt::mqtt
