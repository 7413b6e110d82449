// What the XML of many items begins and ends with, which is not written with each. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pubsub_mqtt::store {

struct Wrapping {
  std::string_view before;
  std::string_view after;

  bool is_around(std::string_view value) const {
    return value.size() >= before.size() + after.size() && value.starts_with(before) &&
           value.ends_with(after);
  }
};

// Numbers are written: none is ever another. 0 is that of what has nothing in common with others.
inline constexpr std::array<Wrapping, 4> wrappings{{
    {},
    {.before = "<data xmlns='https://prosody.im/protocol/mqtt'>", .after = "</data>"},
    {.before = "<json xmlns='urn:xmpp:json:0'>", .after = "</json>"},
    {.before = "<entry xmlns='http://www.w3.org/2005/Atom'>", .after = "</entry>"},
}};

inline std::size_t wrapping_of(std::string_view value) {
  std::size_t number = wrappings.size() - 1;
  while (!wrappings[number].is_around(value)) --number;
  return number;
}

}  // namespace pubsub_mqtt::store
