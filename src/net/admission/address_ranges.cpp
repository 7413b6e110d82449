#include "admission/address_ranges.h"

#include <algorithm>
#include <climits>

namespace pubsub_mqtt::net {
namespace {

bool contains(const AddressRange& range, const std::array<std::uint8_t, 16>& address) {
  const std::size_t whole = range.bits / CHAR_BIT;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  range.address.begin()))
    return false;
  const unsigned rest = range.bits % CHAR_BIT;
  return rest == 0 || (address[whole] ^ range.address[whole]) >> (CHAR_BIT - rest) == 0;
}

}  // namespace

bool contains(const std::vector<AddressRange>& ranges, const RemoteAddress& address) {
  const auto bytes = address.bytes();
  return std::ranges::any_of(ranges, [&](const AddressRange& range) { return contains(range, bytes); });
}

}  // namespace pubsub_mqtt::net
