// The numbers of the wire format that reader and writer share (MQTT 3.1.1 and 5.0, chapters 2 and 3).
//
//   packet           = first byte, remaining length, body
//   first byte       = packet type (4 bits), flags (4 bits)
//   remaining length = a variable byte integer
//   variable byte integer = 1 to 4 bytes of 7 bits, the least significant first; 0x80 says that another one follows
//   two-byte integer = the most significant byte first
//   string           = two-byte integer: how many bytes, then the bytes
#pragma once

#include <cstdint>
#include <string_view>

namespace pubsub_mqtt::mqtt {

// 2.2.1, table 2.1. 0 is forbidden, and 15 before 5.0.
enum class PacketType : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth,  // 5.0 only
};

// A set of packet types. Bit 0 stands for the will of a CONNECT, which has properties of its own.
using PacketTypes = std::uint32_t;
constexpr PacketTypes types() { return 0; }
template <typename... Types>
constexpr PacketTypes types(PacketType first, Types... others) {
  return PacketTypes{1} << static_cast<unsigned>(first) | types(others...);
}
inline constexpr PacketTypes will = 1;

// 3.1.2, figures 3.2 and 3.4. MQTT 3.1 has another protocol name.
inline constexpr std::string_view protocol_name = "MQTT";
inline constexpr std::string_view protocol_name_3_1 = "MQIsdp";

// In the protocol level byte; mosquitto.conf(5), try_private.
inline constexpr std::uint8_t bridge_bit = 0x80;

namespace connect_flags {
inline constexpr std::uint8_t reserved = 0x01;
inline constexpr std::uint8_t clean_session = 0x02;
inline constexpr std::uint8_t will = 0x04;
inline constexpr std::uint8_t will_qos_shift = 3;
inline constexpr std::uint8_t will_qos = 0x18;
inline constexpr std::uint8_t will_retain = 0x20;
inline constexpr std::uint8_t password = 0x40;
inline constexpr std::uint8_t user_name = 0x80;
}  // namespace connect_flags

// 3.2.2.1
namespace connack_flags {
inline constexpr std::uint8_t session_present = 0x01;
}  // namespace connack_flags

// 3.3.1, figure 3.10
namespace publish_flags {
inline constexpr std::uint8_t retain = 0x01;
inline constexpr std::uint8_t qos_shift = 1;
inline constexpr std::uint8_t qos = 0x06;
inline constexpr std::uint8_t dup = 0x08;
}  // namespace publish_flags

// Of each filter of a SUBSCRIBE (5.0, 3.8.3.1)
namespace subscription_options {
inline constexpr std::uint8_t qos = 0x03;
inline constexpr std::uint8_t no_local = 0x04;
inline constexpr std::uint8_t retain_as_published = 0x08;
inline constexpr std::uint8_t retain_handling_shift = 4;
inline constexpr std::uint8_t retain_handling = 0x30;
inline constexpr std::uint8_t reserved = 0xC0;
}  // namespace subscription_options

// Table 2.2: the flags of PUBREL, SUBSCRIBE and UNSUBSCRIBE. All other types but PUBLISH have 0.
inline constexpr std::uint8_t acknowledged_flags = 0x02;

}  // namespace pubsub_mqtt::mqtt
