#include "fields.h"

#include <utility>

#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::mqtt {

std::uint8_t Fields::byte() {
  const auto taken = bytes(1);
  return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
}

std::uint16_t Fields::two_byte_integer() {
  const unsigned most_significant = byte();
  return static_cast<std::uint16_t>(most_significant << 8U | byte());
}

std::uint32_t Fields::four_byte_integer() {
  const std::uint32_t most_significant = two_byte_integer();
  return most_significant << 16U | two_byte_integer();
}

std::uint32_t Fields::variable_byte_integer() {
  std::uint32_t number = 0;
  constexpr unsigned bits_of_four_bytes = 28;
  for (unsigned bits = 0; bits < bits_of_four_bytes; bits += 7) {
    const std::uint32_t next = byte();
    number |= (next & 0x7FU) << bits;
    if ((next & 0x80U) != 0) continue;
    require(bits == 0 || next != 0, "a variable byte integer of more bytes than it needs [MQTT5-1.5.5-1]");
    return number;
  }
  require(false, "a variable byte integer of more than four bytes (5.0, 1.5.5)");
  return 0;
}

std::string_view Fields::utf8_string() {
  const auto text = binary();
  require(is_utf8_string(text), "a string that is not UTF-8 or holds U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2]");
  return text;
}

std::string_view Fields::binary() { return bytes(two_byte_integer()); }

std::string_view Fields::rest() { return std::exchange(rest_, {}); }

void Fields::require(bool kept, std::string_view rule, Reason code) {
  if (kept || malformed_) return;
  malformed_ = Malformed{.reason = rule, .code = code};
  rest_ = {};
}

void Fields::fail_like(const Fields& inner) {
  if (inner.malformed_) require(false, inner.malformed_->reason, inner.malformed_->code);
}

std::string_view Fields::bytes(std::size_t size) {
  require(size <= rest_.size(), "a packet that ends before its last field [MQTT-4.8.0-1]");
  if (malformed_) return {};
  const auto taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

}  // namespace pubsub_mqtt::mqtt
