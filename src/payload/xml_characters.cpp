#include <cstdint>

#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

// What follows a leading byte (RFC 3629, section 4). The bounds of the second byte keep out overlong forms,
// surrogates and what lies above U+10FFFF; every byte after it is 80..BF.
struct Sequence {
  std::size_t length = 0;  // 0: no leading byte
  std::uint8_t second_from = 0x80;
  std::uint8_t second_to = 0xBF;
};

Sequence sequence_of(std::uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {.length = 2};
  if (lead == 0xE0) return {.length = 3, .second_from = 0xA0};
  if (lead == 0xED) return {.length = 3, .second_to = 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {.length = 3};
  if (lead == 0xF0) return {.length = 4, .second_from = 0x90};
  if (lead == 0xF4) return {.length = 4, .second_to = 0x8F};
  if (lead >= 0xF1 && lead <= 0xF3) return {.length = 4};
  return {};
}

// The length of the character of more than one byte that `text` begins with, 0 if it is none.
std::size_t long_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const Sequence sequence = sequence_of(byte(0));
  if (sequence.length == 0 || text.size() < sequence.length) return 0;
  if (byte(1) < sequence.second_from || byte(1) > sequence.second_to) return 0;
  for (std::size_t i = 2; i < sequence.length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  // U+FFFE and U+FFFF are the only ones beyond ASCII that UTF-8 can write and Char leaves out.
  const bool is_excluded = byte(0) == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
  return is_excluded ? 0 : sequence.length;
}

bool is_ascii_character(std::uint8_t byte) {
  return byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r';
}

}  // namespace

bool is_xml_text(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte < 0x80) {
      if (!is_ascii_character(byte)) return false;
      ++at;
    } else {
      const std::size_t length = long_character(text.substr(at));
      if (length == 0) return false;
      at += length;
    }
  }
  return true;
}

}  // namespace pubsub_mqtt::payload
