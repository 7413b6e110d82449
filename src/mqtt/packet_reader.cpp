#include "pubsub_mqtt/mqtt/packet_reader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "packet_body.h"
#include "wire_format.h"

namespace pubsub_mqtt::mqtt {
namespace {

std::optional<Malformed> check_publish_flags(std::uint8_t flags, ProtocolLevel level) {
  const unsigned qos = (flags & publish_flags::qos) >> publish_flags::qos_shift;
  if (qos == 3) return Malformed{"PUBLISH at QoS 3 [MQTT-3.3.1-4]"};
  if (level == ProtocolLevel::mqtt_3_1) return std::nullopt;
  if (qos == 0 && (flags & publish_flags::dup) != 0)
    return Malformed{"PUBLISH at QoS 0 with DUP set [MQTT-3.3.1-2]"};
  return std::nullopt;
}

// MQTT 3.1 (section 2.1) reserves nothing: flags that a packet has no use for are disregarded.
bool are_flags(std::uint8_t flags, unsigned listed, ProtocolLevel level) {
  return flags == listed || level == ProtocolLevel::mqtt_3_1;
}

// 2.2.1 and 2.2.2
std::optional<Malformed> check_first_byte(PacketType type, std::uint8_t flags, ProtocolLevel level) {
  constexpr Malformed wrong_flags{"a fixed header with reserved flags that are not as listed [MQTT-2.2.2-2]"};
  switch (type) {
    case PacketType::publish:
      return check_publish_flags(flags, level);
    case PacketType::pubrel:
    case PacketType::subscribe:
    case PacketType::unsubscribe:
      if (are_flags(flags, acknowledged_flags, level)) return std::nullopt;
      return wrong_flags;
    case PacketType::connect:
    case PacketType::connack:
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubcomp:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingreq:
    case PacketType::pingresp:
    case PacketType::disconnect:
    case PacketType::auth:
      if (type == PacketType::auth && level != ProtocolLevel::mqtt_5) break;
      if (are_flags(flags, 0, level)) return std::nullopt;
      return wrong_flags;
  }
  return Malformed{"a packet of a forbidden type (2.2.1)"};
}

PacketType packet_type(std::string_view packet) {
  return static_cast<PacketType>(static_cast<std::uint8_t>(packet.front()) >> 4U);
}

std::uint8_t flags(std::string_view packet) { return static_cast<std::uint8_t>(packet.front()) & 0x0FU; }

constexpr std::size_t max_header_size = 5;
constexpr std::size_t longest_name_and_level = 9;  // of CONNECT, by which its body begins

struct FixedHeader {
  std::size_t size = 0;
  std::size_t packet_size = 0;  // the header included
};

// `bytes` holds at least one byte of the packet. Its faults are found as soon as the bytes that show them are
// there.
std::variant<FixedHeader, NeedMoreBytes, Malformed> read_fixed_header(std::string_view bytes,
                                                                      ProtocolLevel level,
                                                                      std::size_t max_packet_size) {
  if (const auto malformed = check_first_byte(packet_type(bytes), flags(bytes), level)) return *malformed;
  std::size_t remaining_length = 0;
  for (std::size_t i = 1; i < max_header_size; ++i) {
    if (i == bytes.size()) return NeedMoreBytes{};
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    remaining_length |= static_cast<std::size_t>(byte & 0x7FU) << (7 * (i - 1));
    if ((byte & 0x80U) != 0) continue;
    const FixedHeader header{.size = i + 1, .packet_size = i + 1 + remaining_length};
    if (header.packet_size > max_packet_size) {
      return Malformed{.reason = packet_too_large, .code = Reason::packet_too_large};
    }
    return header;
  }
  return Malformed{"a remaining length of more than four bytes (2.2.3)"};
}

// The last byte of a variable byte integer is 0 in that of a single byte only.
bool is_shortest(std::string_view remaining_length) {
  return remaining_length.size() == 1 || remaining_length.back() != 0;
}

// Twice the memory each time that there is too little, as a string does by itself, but not more than the packet
// takes.
void append(std::string_view part, std::size_t packet_size, std::string& partial) {
  const std::size_t size = partial.size() + part.size();
  if (size > partial.capacity()) {
    std::string larger;
    larger.reserve(std::min(packet_size, 2 * size));
    larger += partial;
    partial = std::move(larger);
  }
  partial += part;
}

}  // namespace

PacketStart PacketReader::start(std::string_view input) const {
  std::string packet;
  if (in_packet()) packet = partial_->substr(0, max_header_size);
  packet += input.substr(0, max_header_size - packet.size());
  if (packet.empty()) return {};
  const PacketType type = packet_type(packet);
  const auto header = read_fixed_header(packet, level_, max_packet_size_);
  const auto* complete = std::get_if<FixedHeader>(&header);
  return {.is_request =
              type == PacketType::publish || type == PacketType::subscribe || type == PacketType::unsubscribe,
          .size = complete == nullptr ? 0 : complete->packet_size};
}

ReadResult PacketReader::read(std::string_view& input) {
  if (handed_out_) {
    partial_.reset();
    handed_out_ = false;
  }
  return partial_ == nullptr ? read_in_place(input) : read_in_parts(input);
}

ReadResult PacketReader::read_in_place(std::string_view& input) {
  if (input.empty()) return NeedMoreBytes{};
  const auto header = read_fixed_header(input, level_, max_packet_size_);
  if (const auto* malformed = std::get_if<Malformed>(&header)) {
    learn_level(input);
    return *malformed;
  }
  const auto* complete = std::get_if<FixedHeader>(&header);
  if (complete != nullptr && complete->packet_size <= input.size()) {
    const auto packet = input.substr(0, complete->packet_size);
    input.remove_prefix(packet.size());
    return read_whole(packet, complete->size);
  }
  partial_ = std::make_unique<std::string>(input);
  input.remove_prefix(input.size());
  return NeedMoreBytes{};
}

ReadResult PacketReader::read_in_parts(std::string_view& input) {
  std::string& partial = *partial_;
  // The fixed header first, byte by byte: it tells how much belongs to this packet.
  auto header = read_fixed_header(partial, level_, max_packet_size_);
  while (std::holds_alternative<NeedMoreBytes>(header) && !input.empty()) {
    partial.push_back(input.front());
    input.remove_prefix(1);
    header = read_fixed_header(partial, level_, max_packet_size_);
  }
  if (const auto* malformed = std::get_if<Malformed>(&header)) {
    learn_level(partial + std::string(input.substr(0, max_header_size + longest_name_and_level)));
    return *malformed;
  }
  const auto* complete = std::get_if<FixedHeader>(&header);
  if (complete == nullptr) return NeedMoreBytes{};

  const auto part = input.substr(0, complete->packet_size - partial.size());
  append(part, complete->packet_size, partial);
  input.remove_prefix(part.size());
  if (partial.size() < complete->packet_size) return NeedMoreBytes{};
  handed_out_ = true;
  return read_whole(partial, complete->size);
}

// Who sends a CONNECT that is too large is to be told so in the form of its level, which may have come along.
void PacketReader::learn_level(std::string_view packet) {
  if (packet_type(packet) != PacketType::connect) return;
  std::size_t at = 1;
  while (at < packet.size() && (static_cast<std::uint8_t>(packet[at]) & 0x80U) != 0) ++at;
  if (++at < packet.size()) level_ = level_of_connect(packet.substr(at)).value_or(level_);
}

ReadResult PacketReader::read_whole(std::string_view packet, std::size_t header_size) {
  ReadResult result = read_body(packet_type(packet), flags(packet), packet.substr(header_size), level_);
  // Only now does a CONNECT's level stand in level_.
  if (level_ == ProtocolLevel::mqtt_5 && !is_shortest(packet.substr(1, header_size - 1))) {
    result = Malformed{"a remaining length of more bytes than it needs [MQTT5-1.5.5-1]"};
  }
  return result;
}

}  // namespace pubsub_mqtt::mqtt
