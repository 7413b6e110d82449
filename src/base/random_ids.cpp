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

std::string random_item_id(std::mt19937_64& random) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string id(20, ' ');
  for (std::size_t i = 0; i < id.size(); i += 10) {
    std::uint64_t bits = random();
    for (std::size_t j = 0; j < 10; ++j) {
      id[i + j] = digits[bits & 63U];
      bits >>= 6U;
    }
  }
  return id;
}

}  // namespace pubsub_mqtt
