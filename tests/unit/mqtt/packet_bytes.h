// Packets written by hand, byte for byte, so that reader and writer are held to the specification and not to
// each other.
#pragma once

#include <string>
#include <string_view>

namespace pubsub_mqtt::mqtt {

inline void append(std::string& out, int byte) { out.push_back(static_cast<char>(byte)); }
inline void append(std::string& out, std::string_view text) { out += text; }

// Numbers are bytes, strings stand for themselves.
template <typename... Parts>
std::string bytes(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

// Two bytes of length, then the text (1.5.3).
inline std::string field(std::string_view text) {
  return bytes(static_cast<int>(text.size() >> 8U), static_cast<int>(text.size() & 0xFFU), text);
}

// First byte, a remaining length of one byte that is right, body.
template <typename... Parts>
std::string packet(int first_byte, const Parts&... parts) {
  const auto body = bytes(parts...);
  return bytes(first_byte, static_cast<int>(body.size()), body);
}

}  // namespace pubsub_mqtt::mqtt
