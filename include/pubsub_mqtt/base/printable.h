// Text of a client's choosing, made fit for one line of a log: control characters and quotation marks are
// escaped, and what is longer than `max_printable` bytes is cut at a character. Takes UTF-8, gives UTF-8. Any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pubsub_mqtt {

inline constexpr std::size_t max_printable = 100;

std::string printable(std::string_view text);

}  // namespace pubsub_mqtt
