// How many bytes of namespace names a parsed element may have in all. In the tree every element names its namespace,
// so that a long name on many small elements would make a tree that is many times larger than the text.
#pragma once

#include <cstddef>

namespace pubsub_mqtt::payload {

// So many for each byte of the text, and some for every text.
inline constexpr std::size_t namespace_growth = 16;
inline constexpr std::size_t namespace_allowance = 65536;

}  // namespace pubsub_mqtt::payload
