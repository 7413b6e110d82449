#include "fields.h"

#include <utility>

#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::mqtt {

std::uint8_t Fields::byte() {
  const auto bytes = take(1);
  return bytes.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes.front());
}

std::uint16_t Fields::two_byte_integer() {
  const unsigned most_significant = byte();
  return static_cast<std::uint16_t>(most_significant << 8U | byte());
}

std::string_view Fields::utf8_string() {
  const auto bytes = binary();
  require(is_utf8_string(bytes), "a string that is not UTF-8 or holds U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2]");
  return bytes;
}

std::string_view Fields::binary() { return take(two_byte_integer()); }

std::string_view Fields::rest() { return std::exchange(rest_, {}); }

void Fields::require(bool kept, std::string_view rule) {
  if (kept || malformed_) return;
  malformed_ = Malformed{rule};
  rest_ = {};
}

std::string_view Fields::take(std::size_t size) {
  require(size <= rest_.size(), "a packet that ends before its last field [MQTT-4.8.0-1]");
  if (malformed_) return {};
  const auto bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

}  // namespace pubsub_mqtt::mqtt
