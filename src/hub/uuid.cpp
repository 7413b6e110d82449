#include "uuid.h"

#include <cstdint>
#include <string_view>

namespace pubsub_mqtt::hub {

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

}  // namespace pubsub_mqtt::hub
