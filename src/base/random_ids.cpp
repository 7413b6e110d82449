#include "pubsub_mqtt/base/random_ids.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pubsub_mqtt {

std::string random_uuid_urn(std::mt19937_64& random) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string urn = "urn:uuid:xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  std::uint64_t bits = 0;
  int left = 0;
  for (char& place : urn) {
    if (place != 'x' && place != 'y') continue;
    if (left == 0) {
      bits = random();
      left = 16;
    }
    // RFC 4122, 4.4: the two highest bits of `y` are 10.
    place = digits[place == 'y' ? (8 | (bits & 3U)) : (bits & 15U)];
    bits >>= 4U;
    --left;
  }
  return urn;
}

// The digits are in the order of ASCII, so that identifiers are in the order of their times.
std::string item_id(std::mt19937_64& random, std::chrono::system_clock::time_point now) {
  constexpr std::string_view digits = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t half = 10;
  std::string id(2 * half, ' ');
  const auto since_1970 = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  auto time = static_cast<std::uint64_t>(since_1970.count());
  std::uint64_t bits = random();
  for (std::size_t i = half; i > 0; --i) {
    id[i - 1] = digits[time & 63U];
    id[half + i - 1] = digits[bits & 63U];
    time >>= 6U;
    bits >>= 6U;
  }
  return id;
}

}  // namespace pubsub_mqtt
