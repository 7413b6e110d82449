// UTF-8 (RFC 3629): the one decoder and the one encoder. No I/O; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace pubsub_mqtt {

inline constexpr char32_t last_code_point = 0x10FFFF;

// The halves of a surrogate pair, which are UTF-16's alone: no character of UTF-8.
constexpr bool is_surrogate(char32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

struct Character {
  char32_t code_point;
  std::size_t size;  // in bytes
};

// Whether `byte` is one that follows the first byte of a character, so that a text cannot be cut before it.
constexpr bool continues_character(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80; }

// The character that `text` begins with; nullopt where `text` is empty or begins with anything but a
// well-formed one: cut off, overlong, a surrogate, above U+10FFFF (Unicode, table 3-7).
constexpr std::optional<Character> next_character(std::string_view text);

// Appends `code_point`, which is a character: at most U+10FFFF and no surrogate.
void append_utf8(char32_t code_point, std::string& text);

// Whether `text` is well-formed and `is_allowed(code_point)` holds for every character in it. Printable
// ASCII, U+0020 to U+007E, is allowed without being asked for.
template <typename IsAllowed>
bool consists_of(std::string_view text, IsAllowed is_allowed);

namespace utf8 {

constexpr bool is_printable_ascii(char byte) { return byte >= 0x20 && byte <= 0x7E; }

// How many bytes of printable ASCII `text` begins with. Eight at a time.
inline std::size_t count_printable_ascii(std::string_view text) {
  constexpr std::uint64_t each_byte = 0x0101010101010101;
  constexpr std::uint64_t highest_bits = each_byte * 0x80;
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    // The highest bit of each byte that is below 0x20, 0x7F or above. What one byte carries over into another
    // alters those behind the first such byte alone.
    const std::uint64_t others = (bytes | (bytes - each_byte * 0x20) | (bytes + each_byte)) & highest_bits;
    if (others == 0) continue;
    if constexpr (std::endian::native != std::endian::little) break;
    return at + static_cast<std::size_t>(std::countr_zero(others)) / 8;
  }
  while (at < text.size() && is_printable_ascii(text[at])) ++at;
  return at;
}

}  // namespace utf8

constexpr std::optional<Character> next_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char32_t first = static_cast<std::uint8_t>(text[0]);
  const auto continues_at = [text](std::size_t i) { return i < text.size() && continues_character(text[i]); };
  const auto bits_at = [text](std::size_t i) -> char32_t {
    return static_cast<std::uint8_t>(text[i]) & 0x3FU;
  };
  if (first < 0x80) return Character{.code_point = first, .size = 1};
  // C0 and C1 would begin overlong forms.
  if (first < 0xC2 || !continues_at(1)) return std::nullopt;
  if (first < 0xE0) return Character{.code_point = (first & 0x1FU) << 6U | bits_at(1), .size = 2};
  if (!continues_at(2)) return std::nullopt;
  if (first < 0xF0) {
    const char32_t code_point = (first & 0x0FU) << 12U | bits_at(1) << 6U | bits_at(2);
    if (code_point < 0x800 || is_surrogate(code_point)) return std::nullopt;
    return Character{.code_point = code_point, .size = 3};
  }
  if (first > 0xF4 || !continues_at(3)) return std::nullopt;
  const char32_t code_point = (first & 0x07U) << 18U | bits_at(1) << 12U | bits_at(2) << 6U | bits_at(3);
  if (code_point < 0x10000 || code_point > last_code_point) return std::nullopt;
  return Character{.code_point = code_point, .size = 4};
}

template <typename IsAllowed>
bool consists_of(std::string_view text, IsAllowed is_allowed) {
  while (!text.empty()) {
    if (utf8::is_printable_ascii(text[0])) {
      text.remove_prefix(1);
      // Among letters beyond ASCII, one space or 'e' by itself is common, and counting not worth its while.
      if (!text.empty() && utf8::is_printable_ascii(text[0]))
        text.remove_prefix(utf8::count_printable_ascii(text));
      continue;
    }
    const auto character = next_character(text);
    if (!character || !is_allowed(character->code_point)) return false;
    text.remove_prefix(character->size);
  }
  return true;
}

}  // namespace pubsub_mqtt
