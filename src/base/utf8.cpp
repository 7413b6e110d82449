#include "pubsub_mqtt/base/utf8.h"

namespace pubsub_mqtt {

void append_utf8(char32_t code_point, std::string& text) {
  const auto first = [code_point](unsigned mark, unsigned shift) {
    return static_cast<char>(mark | (code_point >> shift));
  };
  const auto following = [code_point](unsigned shift) {
    return static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  if (code_point < 0x80) {
    text += first(0, 0);
  } else if (code_point < 0x800) {
    text += {first(0xC0, 6), following(0)};
  } else if (code_point < 0x10000) {
    text += {first(0xE0, 12), following(6), following(0)};
  } else {
    text += {first(0xF0, 18), following(12), following(6), following(0)};
  }
}

}  // namespace pubsub_mqtt
