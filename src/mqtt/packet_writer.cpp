#include "pubsub_mqtt/mqtt/packet_writer.h"

#include <cstdint>
#include <string_view>

#include "wire_format.h"

namespace pubsub_mqtt::mqtt {
namespace {

void put_byte(unsigned byte, std::string& out) { out.push_back(static_cast<char>(byte)); }

void put_two_byte_integer(std::size_t number, std::string& out) {
  put_byte(number >> 8U & 0xFFU, out);
  put_byte(number & 0xFFU, out);
}

std::size_t string_size(std::string_view bytes) { return 2 + bytes.size(); }

void put_string(std::string_view bytes, std::string& out) {
  put_two_byte_integer(bytes.size(), out);
  out += bytes;
}

void put_fixed_header(PacketType type, unsigned flags, std::size_t remaining_length, std::string& out) {
  put_byte(static_cast<unsigned>(type) << 4U | flags, out);
  while (remaining_length > 0x7F) {
    put_byte((remaining_length & 0x7FU) | 0x80U, out);
    remaining_length >>= 7U;
  }
  put_byte(remaining_length & 0x7FU, out);
}

void put_acknowledgement(PacketType type, unsigned flags, PacketIdentifier packet_identifier,
                         std::string& out) {
  put_fixed_header(type, flags, 2, out);
  put_two_byte_integer(packet_identifier, out);
}

unsigned flags_of(const Connect& connect) {
  unsigned flags = connect.clean_session ? connect_flags::clean_session : 0U;
  if (connect.will) {
    flags |= connect_flags::will | static_cast<unsigned>(connect.will->qos) << connect_flags::will_qos_shift;
    if (connect.will->retain) flags |= connect_flags::will_retain;
  }
  if (connect.user_name) flags |= connect_flags::user_name;
  if (connect.password) flags |= connect_flags::password;
  return flags;
}

unsigned flags_of(const Publish& publish) {
  unsigned flags = static_cast<unsigned>(publish.qos) << publish_flags::qos_shift;
  if (publish.retain) flags |= publish_flags::retain;
  if (publish.dup) flags |= publish_flags::dup;
  return flags;
}

}  // namespace

void write(const Connect& connect, std::string& out) {
  const auto name = connect.level == ProtocolLevel::mqtt_3_1 ? protocol_name_3_1 : protocol_name;
  constexpr std::size_t level_flags_and_keep_alive = 4;
  std::size_t remaining_length =
      string_size(name) + level_flags_and_keep_alive + string_size(connect.client_identifier);
  if (connect.will) remaining_length += string_size(connect.will->topic) + string_size(connect.will->payload);
  if (connect.user_name) remaining_length += string_size(*connect.user_name);
  if (connect.password) remaining_length += string_size(*connect.password);

  put_fixed_header(PacketType::connect, 0, remaining_length, out);
  put_string(name, out);
  put_byte(static_cast<unsigned>(connect.level) | (connect.is_bridge ? bridge_bit : 0U), out);
  put_byte(flags_of(connect), out);
  put_two_byte_integer(connect.keep_alive, out);
  put_string(connect.client_identifier, out);
  if (connect.will) {
    put_string(connect.will->topic, out);
    put_string(connect.will->payload, out);
  }
  if (connect.user_name) put_string(*connect.user_name, out);
  if (connect.password) put_string(*connect.password, out);
}

void write(const Connack& connack, std::string& out) {
  put_fixed_header(PacketType::connack, 0, 2, out);
  put_byte(connack.session_present ? connack_flags::session_present : 0U, out);
  put_byte(static_cast<unsigned>(connack.code), out);
}

void write(const Publish& publish, std::string& out) {
  write_publish_header(publish, publish.payload.size(), out);
  out += publish.payload;
}

void write(const Puback& packet, std::string& out) {
  put_acknowledgement(PacketType::puback, 0, packet.packet_identifier, out);
}

void write(const Pubrec& packet, std::string& out) {
  put_acknowledgement(PacketType::pubrec, 0, packet.packet_identifier, out);
}

void write(const Pubrel& packet, std::string& out) {
  put_acknowledgement(PacketType::pubrel, acknowledged_flags, packet.packet_identifier, out);
}

void write(const Pubcomp& packet, std::string& out) {
  put_acknowledgement(PacketType::pubcomp, 0, packet.packet_identifier, out);
}

void write(const Subscribe& subscribe, std::string& out) {
  std::size_t remaining_length = 2;
  for (const auto& request : subscribe.subscriptions)
    remaining_length += string_size(request.topic_filter) + 1;
  put_fixed_header(PacketType::subscribe, acknowledged_flags, remaining_length, out);
  put_two_byte_integer(subscribe.packet_identifier, out);
  for (const auto& request : subscribe.subscriptions) {
    put_string(request.topic_filter, out);
    put_byte(static_cast<unsigned>(request.qos), out);
  }
}

void write(const Suback& suback, std::string& out) {
  put_fixed_header(PacketType::suback, 0, 2 + suback.return_codes.size(), out);
  put_two_byte_integer(suback.packet_identifier, out);
  for (const auto code : suback.return_codes) put_byte(static_cast<unsigned>(code), out);
}

void write(const Unsubscribe& unsubscribe, std::string& out) {
  std::size_t remaining_length = 2;
  for (const auto topic_filter : unsubscribe.topic_filters) remaining_length += string_size(topic_filter);
  put_fixed_header(PacketType::unsubscribe, acknowledged_flags, remaining_length, out);
  put_two_byte_integer(unsubscribe.packet_identifier, out);
  for (const auto topic_filter : unsubscribe.topic_filters) put_string(topic_filter, out);
}

void write(const Unsuback& packet, std::string& out) {
  put_acknowledgement(PacketType::unsuback, 0, packet.packet_identifier, out);
}

void write(const Pingreq& /*no fields*/, std::string& out) {
  put_fixed_header(PacketType::pingreq, 0, 0, out);
}

void write(const Pingresp& /*no fields*/, std::string& out) {
  put_fixed_header(PacketType::pingresp, 0, 0, out);
}

void write(const Disconnect& /*no fields*/, std::string& out) {
  put_fixed_header(PacketType::disconnect, 0, 0, out);
}

void write_publish_header(const Publish& publish, std::size_t payload_size, std::string& out) {
  const bool has_packet_identifier = publish.qos != QoS::at_most_once;
  const std::size_t header_size = string_size(publish.topic) + (has_packet_identifier ? 2 : 0);
  put_fixed_header(PacketType::publish, flags_of(publish), header_size + payload_size, out);
  put_string(publish.topic, out);
  if (has_packet_identifier) put_two_byte_integer(publish.packet_identifier, out);
}

void rewrite_publish_header(std::span<char> header, const Publish& publish) {
  header.front() = static_cast<char>(static_cast<unsigned>(PacketType::publish) << 4U | flags_of(publish));
  if (publish.qos == QoS::at_most_once) return;
  // The packet identifier is the last field (3.3.2.2).
  const auto place = header.last(2);
  place[0] = static_cast<char>(publish.packet_identifier >> 8U);
  place[1] = static_cast<char>(publish.packet_identifier & 0xFFU);
}

}  // namespace pubsub_mqtt::mqtt
