#include "protocol/assigned_identifier.h"

#include <cstddef>
#include <random>
#include <string_view>

namespace pubsub_mqtt::session {

std::string assigned_client_identifier() {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t words = 4;
  constexpr std::size_t digits_a_word = 8;
  std::random_device random;  // of the kernel or the processor: no generator that its past would give away
  std::string identifier = "auto-";
  for (std::size_t word = 0; word < words; ++word) {
    auto bits = random();
    for (std::size_t i = 0; i < digits_a_word; ++i) {
      identifier += digits[bits & 0xFU];
      bits >>= 4U;
    }
  }
  return identifier;
}

}  // namespace pubsub_mqtt::session
