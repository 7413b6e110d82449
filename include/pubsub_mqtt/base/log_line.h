// A line for Prosody's log. Values; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace pubsub_mqtt {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

// `text` is one line of printable UTF-8: what a client chose has passed printable().
struct LogLine {
  LogLevel level = LogLevel::debug;
  std::string text;
};

}  // namespace pubsub_mqtt
