#include "pubsub_mqtt/base/printable.h"

#include <cstdint>

#include "pubsub_mqtt/base/utf8.h"

namespace pubsub_mqtt {
namespace {

void append_escaped(std::uint8_t byte, std::string& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4U];
  out += digits[byte & 0x0FU];
}

}  // namespace

std::string printable(std::string_view text) {
  const bool cut = text.size() > max_printable;
  if (cut) {
    std::size_t end = max_printable;
    while (end > 0 && continues_character(text[end])) --end;
    text = text.substr(0, end);
  }
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\') {
      append_escaped(byte, out);
    } else if (c1) {
      append_escaped(byte, out);
      append_escaped(static_cast<std::uint8_t>(text[++i]), out);
    } else {
      out += text[i];
    }
  }
  if (cut) out += "...";
  return out;
}

}  // namespace pubsub_mqtt
