// Drives a PacketReader and notes what it said, so that readings of the same bytes can be compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::mqtt {

inline constexpr std::size_t default_max_packet_size = 262144;

// A CONNECT is written in the form of its own level.
inline void write(const Connect& connect, std::string& out, ProtocolLevel /*not the reader's*/) {
  write(connect, out);
}

inline std::string encoded(const Packet& packet, ProtocolLevel level = ProtocolLevel::mqtt_3_1_1) {
  std::string out;
  std::visit([&](const auto& any) { write(any, out, level); }, packet);
  return out;
}

struct Reading {
  std::vector<std::string> packets;  // encoded again
  std::string end;                   // why it stopped
  Reason code = Reason::success;     // of what was malformed

  bool operator==(const Reading&) const = default;
};

// Each fragment lies in memory of its own, which is gone when the next one comes. `level` is the client's, where no
// CONNECT among the fragments says another one.
inline Reading read_fragments(const std::vector<std::string_view>& fragments,
                              std::size_t max_packet_size = default_max_packet_size,
                              ProtocolLevel level = ProtocolLevel::mqtt_3_1_1) {
  PacketReader reader(max_packet_size);
  reader.set_level(level);
  Reading reading;
  for (const auto fragment : fragments) {
    const std::vector<char> memory(fragment.begin(), fragment.end());
    std::string_view input(memory.data(), memory.size());
    for (;;) {
      const auto result = reader.read(input);
      if (const auto* packet = std::get_if<Packet>(&result)) {
        reading.packets.push_back(encoded(*packet, reader.level()));
        continue;
      }
      if (std::holds_alternative<NeedMoreBytes>(result)) break;
      const auto* malformed = std::get_if<Malformed>(&result);
      reading.end = malformed != nullptr ? malformed->reason : "unsupported protocol level";
      if (malformed != nullptr) reading.code = malformed->code;
      return reading;
    }
  }
  reading.end = reader.in_packet() ? "in a packet" : "between packets";
  return reading;
}

inline Reading read_byte_by_byte(std::string_view bytes,
                                 std::size_t max_packet_size = default_max_packet_size,
                                 ProtocolLevel level = ProtocolLevel::mqtt_3_1_1) {
  std::vector<std::string_view> fragments;
  for (std::size_t i = 0; i < bytes.size(); ++i) fragments.push_back(bytes.substr(i, 1));
  return read_fragments(fragments, max_packet_size, level);
}

}  // namespace pubsub_mqtt::mqtt
