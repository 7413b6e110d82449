// Integers and strings as the wire format has them (wire_format.h), appended to what is written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pubsub_mqtt::mqtt {

inline void put_byte(std::size_t byte, std::string& out) { out.push_back(static_cast<char>(byte)); }

inline void put_two_byte_integer(std::size_t number, std::string& out) {
  put_byte(number >> 8U & 0xFFU, out);
  put_byte(number & 0xFFU, out);
}

inline void put_four_byte_integer(std::size_t number, std::string& out) {
  put_two_byte_integer(number >> 16U & 0xFFFFU, out);
  put_two_byte_integer(number & 0xFFFFU, out);
}

inline void put_variable_byte_integer(std::size_t number, std::string& out) {
  while (number > 0x7F) {
    put_byte((number & 0x7FU) | 0x80U, out);
    number >>= 7U;
  }
  put_byte(number, out);
}

inline void put_string(std::string_view bytes, std::string& out) {
  put_two_byte_integer(bytes.size(), out);
  out += bytes;
}

}  // namespace pubsub_mqtt::mqtt
