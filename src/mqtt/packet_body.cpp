#include "packet_body.h"

#include <optional>
#include <utility>

#include "fields.h"
#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::mqtt {
namespace {

template <typename AnyPacket>
ReadResult finish(Fields& fields, AnyPacket packet) {
  fields.require(fields.at_end(), "a packet with bytes after its last field [MQTT-4.8.0-1]");
  if (fields.malformed()) return *fields.malformed();
  return Packet(std::move(packet));
}

PacketIdentifier read_packet_identifier(Fields& fields) {
  const PacketIdentifier packet_identifier = fields.two_byte_integer();
  fields.require(packet_identifier != 0, "packet identifier 0 [MQTT-2.3.1-1]");
  return packet_identifier;
}

std::string_view read_topic_name(Fields& fields) {
  const auto topic = fields.utf8_string();
  fields.require(!topic.empty(), "an empty topic name [MQTT-4.7.3-1]");
  fields.require(is_topic_name(topic), "a topic name with a wildcard [MQTT-3.3.2-2, MQTT-4.7.1-1]");
  return topic;
}

std::string_view read_topic_filter(Fields& fields) {
  const auto topic_filter = fields.utf8_string();
  fields.require(!topic_filter.empty(), "an empty topic filter [MQTT-4.7.3-1]");
  fields.require(is_topic_filter(topic_filter),
                 "a topic filter with a wildcard where none may stand [MQTT-4.7.1-2, MQTT-4.7.1-3]");
  return topic_filter;
}

Publish read_will(Fields& fields, std::uint8_t flags) {
  const unsigned qos = (flags & connect_flags::will_qos) >> connect_flags::will_qos_shift;
  fields.require(qos <= 2, "a will at QoS 3 [MQTT-3.1.2-14]");
  Publish will;
  will.topic = read_topic_name(fields);
  will.payload = fields.binary();
  will.qos = static_cast<QoS>(qos);
  will.retain = (flags & connect_flags::will_retain) != 0;
  return will;
}

// 3.1.2.3 to 3.1.2.9. MQTT 3.1 disregards the reserved bit and, without a will, its QoS and RETAIN.
void check_connect_flags(Fields& fields, std::uint8_t flags, ProtocolLevel level) {
  const auto is_set = [flags](unsigned mask) { return (flags & mask) != 0; };
  fields.require(!is_set(connect_flags::password) || is_set(connect_flags::user_name),
                 "CONNECT with a password but no user name [MQTT-3.1.2-22]");
  if (level == ProtocolLevel::mqtt_3_1) return;
  fields.require(!is_set(connect_flags::reserved), "CONNECT with its reserved flag set [MQTT-3.1.2-3]");
  fields.require(is_set(connect_flags::will) || !is_set(connect_flags::will_qos),
                 "CONNECT with a will QoS but no will [MQTT-3.1.2-11, MQTT-3.1.2-13]");
  fields.require(is_set(connect_flags::will) || !is_set(connect_flags::will_retain),
                 "CONNECT with will retain but no will [MQTT-3.1.2-11, MQTT-3.1.2-15]");
}

ReadResult read_connect(Fields& fields) {
  const auto name = fields.binary();
  fields.require(name == protocol_name || name == protocol_name_3_1,
                 "CONNECT with a protocol name that is not MQTT's [MQTT-3.1.2-1]");
  const auto level = name == protocol_name ? ProtocolLevel::mqtt_3_1_1 : ProtocolLevel::mqtt_3_1;
  const std::uint8_t level_byte = fields.byte();
  const bool level_is_ours = (level_byte & ~(0U | bridge_bit)) == static_cast<std::uint8_t>(level);
  if (fields.malformed()) return *fields.malformed();
  // What follows is for those who know that level.
  if (!level_is_ours) return UnsupportedProtocolLevel{};

  const std::uint8_t flags = fields.byte();
  check_connect_flags(fields, flags, level);
  Connect connect;
  connect.level = level;
  connect.is_bridge = (level_byte & bridge_bit) != 0;
  connect.clean_session = (flags & connect_flags::clean_session) != 0;
  connect.keep_alive = fields.two_byte_integer();
  connect.client_identifier = fields.utf8_string();
  if ((flags & connect_flags::will) != 0) connect.will = read_will(fields, flags);

  // By MQTT 3.1 (section 3.1) a user name and a password may be missing although they were announced.
  const auto follows = [&](unsigned mask) {
    return (flags & mask) != 0 && (level != ProtocolLevel::mqtt_3_1 || !fields.at_end());
  };
  if (follows(connect_flags::user_name)) connect.user_name = fields.utf8_string();
  if (follows(connect_flags::password)) connect.password = fields.binary();
  return finish(fields, connect);
}

ReadResult read_connack(Fields& fields) {
  const std::uint8_t flags = fields.byte();
  const std::uint8_t code = fields.byte();
  Connack connack;
  connack.session_present = flags == connack_flags::session_present;
  connack.code = static_cast<ConnectReturnCode>(code);
  fields.require(flags == 0 || connack.session_present, "CONNACK with a reserved flag set (3.2.2.1)");
  fields.require(code <= static_cast<std::uint8_t>(ConnectReturnCode::not_authorized),
                 "CONNACK with a reserved return code (3.2.2.3)");
  fields.require(code == 0 || !connack.session_present,
                 "CONNACK that refuses with a session present [MQTT-3.2.2-4]");
  return finish(fields, connack);
}

ReadResult read_publish(Fields& fields, std::uint8_t flags) {
  Publish publish;
  publish.dup = (flags & publish_flags::dup) != 0;
  publish.qos = static_cast<QoS>((flags & publish_flags::qos) >> publish_flags::qos_shift);
  publish.retain = (flags & publish_flags::retain) != 0;
  publish.topic = read_topic_name(fields);
  if (publish.qos != QoS::at_most_once) publish.packet_identifier = read_packet_identifier(fields);
  publish.payload = fields.rest();
  return finish(fields, publish);
}

template <typename Acknowledgement>
ReadResult read_acknowledgement(Fields& fields) {
  return finish(fields, Acknowledgement{read_packet_identifier(fields)});
}

ReadResult read_subscribe(Fields& fields) {
  Subscribe subscribe;
  subscribe.packet_identifier = read_packet_identifier(fields);
  fields.require(!fields.at_end(), "SUBSCRIBE without a topic filter [MQTT-3.8.3-3]");
  while (!fields.at_end()) {
    const auto topic_filter = read_topic_filter(fields);
    const std::uint8_t qos = fields.byte();
    fields.require(qos <= 2, "SUBSCRIBE for a QoS above 2 or with reserved bits set [MQTT-3-8.3-4]");
    subscribe.subscriptions.push_back({.topic_filter = topic_filter, .qos = static_cast<QoS>(qos)});
  }
  return finish(fields, std::move(subscribe));
}

ReadResult read_suback(Fields& fields) {
  Suback suback;
  suback.packet_identifier = read_packet_identifier(fields);
  fields.require(!fields.at_end(), "SUBACK without a return code [MQTT-3.8.4-5]");
  while (!fields.at_end()) {
    const std::uint8_t code = fields.byte();
    fields.require(code <= 2 || code == static_cast<std::uint8_t>(SubackReturnCode::failure),
                   "SUBACK with a reserved return code [MQTT-3.9.3-2]");
    suback.return_codes.push_back(static_cast<SubackReturnCode>(code));
  }
  return finish(fields, std::move(suback));
}

ReadResult read_unsubscribe(Fields& fields) {
  Unsubscribe unsubscribe;
  unsubscribe.packet_identifier = read_packet_identifier(fields);
  fields.require(!fields.at_end(), "UNSUBSCRIBE without a topic filter [MQTT-3.10.3-2]");
  while (!fields.at_end()) unsubscribe.topic_filters.push_back(read_topic_filter(fields));
  return finish(fields, std::move(unsubscribe));
}

}  // namespace

ReadResult read_body(PacketType type, std::uint8_t flags, std::string_view body) {
  Fields fields(body);
  switch (type) {
    case PacketType::connect:
      return read_connect(fields);
    case PacketType::connack:
      return read_connack(fields);
    case PacketType::publish:
      return read_publish(fields, flags);
    case PacketType::puback:
      return read_acknowledgement<Puback>(fields);
    case PacketType::pubrec:
      return read_acknowledgement<Pubrec>(fields);
    case PacketType::pubrel:
      return read_acknowledgement<Pubrel>(fields);
    case PacketType::pubcomp:
      return read_acknowledgement<Pubcomp>(fields);
    case PacketType::subscribe:
      return read_subscribe(fields);
    case PacketType::suback:
      return read_suback(fields);
    case PacketType::unsubscribe:
      return read_unsubscribe(fields);
    case PacketType::unsuback:
      return read_acknowledgement<Unsuback>(fields);
    case PacketType::pingreq:
      return finish(fields, Pingreq{});
    case PacketType::pingresp:
      return finish(fields, Pingresp{});
    case PacketType::disconnect:
      return finish(fields, Disconnect{});
  }
  return Malformed{"a packet of a forbidden type (2.2.1)"};
}

}  // namespace pubsub_mqtt::mqtt
