#include "pubsub_mqtt/mqtt/packet_writer.h"

#include <cstdint>
#include <string_view>

#include "wire_format.h"
#include "wire_values.h"

namespace pubsub_mqtt::mqtt {
namespace {

std::size_t string_size(std::string_view bytes) { return 2 + bytes.size(); }

void put_fixed_header(PacketType type, unsigned flags, std::size_t remaining_length, std::string& out) {
  put_byte(static_cast<unsigned>(type) << 4U | flags, out);
  put_variable_byte_integer(remaining_length, out);
}

std::size_t variable_byte_integer_size(std::size_t number) {
  std::size_t size = 1;
  while ((number >>= 7U) != 0) ++size;
  return size;
}

// Of so many bytes and of the number in front of them that says how many there are.
std::size_t size_with_length(std::size_t bytes) { return variable_byte_integer_size(bytes) + bytes; }

bool has_properties(ProtocolLevel level) { return level == ProtocolLevel::mqtt_5; }

// 5.0, 2.2.2
std::size_t size(const Properties& properties, ProtocolLevel level) {
  return has_properties(level) ? size_with_length(properties.encoded().size()) : 0;
}

void put(const Properties& properties, ProtocolLevel level, std::string& out) {
  if (!has_properties(level)) return;
  if (properties.empty()) return put_byte(0, out);  // as most packets have it
  put_variable_byte_integer(properties.encoded().size(), out);
  out += properties.encoded();
}

// The reason that packets end with in 5.0 and its properties: neither where there is nothing to say (5.0, 3.4.2.1).
std::size_t size(Reason reason, const Properties& properties, ProtocolLevel level) {
  if (!has_properties(level) || (reason == Reason::success && properties.empty())) return 0;
  return 1 + (properties.empty() ? 0 : size(properties, level));
}

void put(Reason reason, const Properties& properties, ProtocolLevel level, std::string& out) {
  if (size(reason, properties, level) == 0) return;
  put_byte(static_cast<unsigned>(reason), out);
  if (!properties.empty()) put(properties, level, out);
}

template <typename Acknowledgement>
void put_acknowledgement(PacketType type, unsigned flags, const Acknowledgement& packet, ProtocolLevel level,
                         std::string& out) {
  put_fixed_header(type, flags, 2 + size(packet.reason, packet.properties, level), out);
  put_two_byte_integer(packet.packet_identifier, out);
  put(packet.reason, packet.properties, level, out);
}

unsigned options_byte(const SubscriptionRequest& options, ProtocolLevel level) {
  unsigned byte = static_cast<unsigned>(options.qos);
  if (level != ProtocolLevel::mqtt_5) return byte;
  if (options.no_local) byte |= subscription_options::no_local;
  if (options.retain_as_published) byte |= subscription_options::retain_as_published;
  return byte | static_cast<unsigned>(options.retain_handling) << subscription_options::retain_handling_shift;
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

unsigned publish_flags_of(QoS qos, bool retain, bool dup) {
  return static_cast<unsigned>(qos) << publish_flags::qos_shift | (retain ? publish_flags::retain : 0U) |
         (dup ? publish_flags::dup : 0U);
}

std::size_t size_of_identifier(QoS qos) { return qos == QoS::at_most_once ? 0 : 2; }

std::size_t variable_header_size(const Publish& publish, ProtocolLevel level) {
  return string_size(publish.topic) + size_of_identifier(publish.qos) + size(publish.properties, level);
}

}  // namespace

void write(const Connect& connect, std::string& out) {
  const auto name = connect.level == ProtocolLevel::mqtt_3_1 ? protocol_name_3_1 : protocol_name;
  constexpr std::size_t level_flags_and_keep_alive = 4;
  std::size_t remaining_length = string_size(name) + level_flags_and_keep_alive +
                                 size(connect.properties, connect.level) +
                                 string_size(connect.client_identifier);
  if (connect.will) {
    remaining_length += size(connect.will->properties, connect.level) + string_size(connect.will->topic) +
                        string_size(connect.will->payload);
  }
  if (connect.user_name) remaining_length += string_size(*connect.user_name);
  if (connect.password) remaining_length += string_size(*connect.password);

  put_fixed_header(PacketType::connect, 0, remaining_length, out);
  put_string(name, out);
  put_byte(static_cast<unsigned>(connect.level) | (connect.is_bridge ? bridge_bit : 0U), out);
  put_byte(flags_of(connect), out);
  put_two_byte_integer(connect.keep_alive, out);
  put(connect.properties, connect.level, out);
  put_string(connect.client_identifier, out);
  if (connect.will) {
    put(connect.will->properties, connect.level, out);
    put_string(connect.will->topic, out);
    put_string(connect.will->payload, out);
  }
  if (connect.user_name) put_string(*connect.user_name, out);
  if (connect.password) put_string(*connect.password, out);
}

void write(const Connack& connack, std::string& out, ProtocolLevel level) {
  put_fixed_header(PacketType::connack, 0, 2 + size(connack.properties, level), out);
  put_byte(connack.session_present ? connack_flags::session_present : 0U, out);
  put_byte(level == ProtocolLevel::mqtt_5 ? static_cast<unsigned>(connack.reason)
                                          : connect_return_code(connack.reason),
           out);
  put(connack.properties, level, out);
}

void write(const Publish& publish, std::string& out, ProtocolLevel level) {
  write_publish_header(publish, publish.payload.size(), out, level);
  out += publish.payload;
}

void write(const Puback& packet, std::string& out, ProtocolLevel level) {
  put_acknowledgement(PacketType::puback, 0, packet, level, out);
}

void write(const Pubrec& packet, std::string& out, ProtocolLevel level) {
  put_acknowledgement(PacketType::pubrec, 0, packet, level, out);
}

void write(const Pubrel& packet, std::string& out, ProtocolLevel level) {
  put_acknowledgement(PacketType::pubrel, acknowledged_flags, packet, level, out);
}

void write(const Pubcomp& packet, std::string& out, ProtocolLevel level) {
  put_acknowledgement(PacketType::pubcomp, 0, packet, level, out);
}

void write(const Subscribe& subscribe, std::string& out, ProtocolLevel level) {
  std::size_t remaining_length = 2 + size(subscribe.properties, level);
  for (const auto& request : subscribe.subscriptions)
    remaining_length += string_size(request.topic_filter) + 1;
  put_fixed_header(PacketType::subscribe, acknowledged_flags, remaining_length, out);
  put_two_byte_integer(subscribe.packet_identifier, out);
  put(subscribe.properties, level, out);
  for (const auto& request : subscribe.subscriptions) {
    put_string(request.topic_filter, out);
    put_byte(options_byte(request, level), out);
  }
}

void write(const Suback& suback, std::string& out, ProtocolLevel level) {
  put_fixed_header(PacketType::suback, 0, 2 + size(suback.properties, level) + suback.reasons.size(), out);
  put_two_byte_integer(suback.packet_identifier, out);
  put(suback.properties, level, out);
  for (const auto reason : suback.reasons) {
    put_byte(level == ProtocolLevel::mqtt_5 ? static_cast<unsigned>(reason) : suback_return_code(reason),
             out);
  }
}

void write(const Unsubscribe& unsubscribe, std::string& out, ProtocolLevel level) {
  std::size_t remaining_length = 2 + size(unsubscribe.properties, level);
  for (const auto topic_filter : unsubscribe.topic_filters) remaining_length += string_size(topic_filter);
  put_fixed_header(PacketType::unsubscribe, acknowledged_flags, remaining_length, out);
  put_two_byte_integer(unsubscribe.packet_identifier, out);
  put(unsubscribe.properties, level, out);
  for (const auto topic_filter : unsubscribe.topic_filters) put_string(topic_filter, out);
}

void write(const Unsuback& packet, std::string& out, ProtocolLevel level) {
  const std::size_t reasons = level == ProtocolLevel::mqtt_5 ? packet.reasons.size() : 0;
  put_fixed_header(PacketType::unsuback, 0, 2 + size(packet.properties, level) + reasons, out);
  put_two_byte_integer(packet.packet_identifier, out);
  put(packet.properties, level, out);
  for (std::size_t i = 0; i < reasons; ++i) put_byte(static_cast<unsigned>(packet.reasons[i]), out);
}

void write(const Pingreq& /*no fields*/, std::string& out, ProtocolLevel /*of all the same*/) {
  put_fixed_header(PacketType::pingreq, 0, 0, out);
}

void write(const Pingresp& /*no fields*/, std::string& out, ProtocolLevel /*of all the same*/) {
  put_fixed_header(PacketType::pingresp, 0, 0, out);
}

void write(const Disconnect& packet, std::string& out, ProtocolLevel level) {
  put_fixed_header(PacketType::disconnect, 0, size(packet.reason, packet.properties, level), out);
  put(packet.reason, packet.properties, level, out);
}

// Reason and properties are left out together or not at all (5.0, 3.15.2.1).
void write(const Auth& packet, std::string& out, ProtocolLevel level) {
  const bool is_empty = size(packet.reason, packet.properties, level) == 0;
  put_fixed_header(PacketType::auth, 0, is_empty ? 0 : 1 + size(packet.properties, level), out);
  if (is_empty) return;
  put_byte(static_cast<unsigned>(packet.reason), out);
  put(packet.properties, level, out);
}

std::size_t packet_size(std::string_view topic, QoS qos, std::size_t properties_size,
                        std::size_t payload_size) {
  const std::size_t remaining_length =
      string_size(topic) + size_of_identifier(qos) + size_with_length(properties_size) + payload_size;
  return 1 + size_with_length(remaining_length);
}

std::size_t write_publish_header(const Publish& publish, std::size_t payload_size, std::string& out,
                                 ProtocolLevel level) {
  const std::size_t start = out.size();
  const bool has_packet_identifier = publish.qos != QoS::at_most_once;
  const std::size_t remaining_length = variable_header_size(publish, level) + payload_size;
  put_fixed_header(PacketType::publish, publish_flags_of(publish.qos, publish.retain, publish.dup),
                   remaining_length, out);
  put_string(publish.topic, out);
  const std::size_t identifier_place = out.size() - start;
  if (has_packet_identifier) put_two_byte_integer(publish.packet_identifier, out);
  put(publish.properties, level, out);
  return identifier_place;
}

void rewrite_publish_header(std::span<char> header, std::size_t identifier_place, PublishFlags flags) {
  header.front() = static_cast<char>(static_cast<unsigned>(PacketType::publish) << 4U |
                                     publish_flags_of(flags.qos, flags.retain, flags.dup));
  if (flags.qos == QoS::at_most_once) return;
  const auto place = header.subspan(identifier_place, 2);
  place[0] = static_cast<char>(flags.packet_identifier >> 8U);
  place[1] = static_cast<char>(flags.packet_identifier & 0xFFU);
}

}  // namespace pubsub_mqtt::mqtt
