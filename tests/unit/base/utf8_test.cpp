#include "pubsub_mqtt/base/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pubsub_mqtt {
namespace {

// The encoding table of RFC 3629, section 3, for any number: surrogates and what lies above U+10FFFF, too.
std::string encoded(char32_t number) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | (number >> shift & 0x3FU)); };
  if (number < 0x80) return {byte(number)};
  if (number < 0x800) return {byte(0xC0U | number >> 6U), tail(0)};
  if (number < 0x10000) return {byte(0xE0U | number >> 12U), tail(6), tail(0)};
  return {byte(0xF0U | number >> 18U), tail(12), tail(6), tail(0)};
}

// A row of table 3-7 of the Unicode standard: the range of each byte of a well-formed character.
struct Range {
  unsigned from = 0;
  unsigned to = 0;
};
struct Row {
  std::size_t size;
  std::array<Range, 4> bytes;
};
constexpr Range tail{0x80, 0xBF};
constexpr std::array<Row, 9> table_3_7{{
    {1, {{{0x00, 0x7F}}}},
    {2, {{{0xC2, 0xDF}, tail}}},
    {3, {{{0xE0, 0xE0}, {0xA0, 0xBF}, tail}}},
    {3, {{{0xE1, 0xEC}, tail, tail}}},
    {3, {{{0xED, 0xED}, {0x80, 0x9F}, tail}}},
    {3, {{{0xEE, 0xEF}, tail, tail}}},
    {4, {{{0xF0, 0xF0}, {0x90, 0xBF}, tail, tail}}},
    {4, {{{0xF1, 0xF3}, tail, tail, tail}}},
    {4, {{{0xF4, 0xF4}, {0x80, 0x8F}, tail, tail}}},
}};

// The number of bytes of the character that `text` begins with by that table; 0 for none.
std::size_t size_by_table(std::string_view text) {
  for (const Row& row : table_3_7) {
    std::size_t matching = 0;
    while (matching < row.size && matching < text.size()) {
      const auto byte = static_cast<std::uint8_t>(text[matching]);
      if (byte < row.bytes.at(matching).from || byte > row.bytes.at(matching).to) break;
      ++matching;
    }
    if (matching == row.size) return row.size;
  }
  return 0;
}

std::size_t size_of_next(std::string_view text) {
  const auto character = next_character(text);
  return character ? character->size : 0;
}

bool anything(char32_t /*code_point*/) { return true; }

TEST(Utf8, DecodesEveryCharacter) {
  for (char32_t c = 0; c <= last_code_point; ++c) {
    const auto character = next_character(encoded(c) + "\x80z");
    ASSERT_EQ(character.has_value(), !is_surrogate(c)) << std::hex << static_cast<unsigned>(c);
    if (!character) continue;
    ASSERT_EQ(character->code_point, c);
    ASSERT_EQ(character->size, encoded(c).size());
  }
}

TEST(Utf8, EncodesEveryCharacterBehindWhatIsThere) {
  for (char32_t c = 0; c <= last_code_point; ++c) {
    if (is_surrogate(c)) continue;
    std::string text = "a";
    append_utf8(c, text);
    ASSERT_EQ(text, "a" + encoded(c));
  }
}

TEST(Utf8, HasNoCharacterAboveU10FFFF) {
  for (char32_t number = last_code_point + 1; number < 0x200000; ++number) {
    ASSERT_FALSE(next_character(encoded(number))) << std::hex << static_cast<unsigned>(number);
  }
}

TEST(Utf8, IsWellFormedByTable3_7) {
  std::string text;
  for (unsigned first = 0; first < 0x100; ++first) {
    for (unsigned second = 0; second < 0x100; ++second) {
      text = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(size_of_next(text), size_by_table(text)) << first << ' ' << second;
      ASSERT_EQ(consists_of(text, anything),
                size_by_table(text) == 2 || (size_by_table(text) == 1 && second < 0x80));
      for (unsigned third = 0; third < 0x100; ++third) {
        text = {static_cast<char>(first), static_cast<char>(second), static_cast<char>(third)};
        ASSERT_EQ(size_of_next(text), size_by_table(text)) << first << ' ' << second << ' ' << third;
        if (first < 0xF0 || first > 0xF5) continue;
        for (const unsigned fourth : {0x00U, 0x7FU, 0x80U, 0x8FU, 0x90U, 0x9FU, 0xA0U, 0xBFU, 0xC0U, 0xFFU}) {
          text.resize(3);
          text += static_cast<char>(fourth);
          ASSERT_EQ(size_of_next(text), size_by_table(text)) << first << ' ' << second << ' ' << third;
        }
      }
    }
  }
}

TEST(Utf8, HasNoCharacterThatIsCutOff) {
  EXPECT_FALSE(next_character(""));
  for (const char32_t c : {U'\u00E9', U'\u20AC', U'\U0001F600'}) {
    const std::string whole = encoded(c);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      // What lies behind the view completes the character.
      EXPECT_FALSE(next_character(std::string_view(whole).substr(0, size)));
      EXPECT_FALSE(consists_of(std::string_view(whole).substr(0, size), anything));
    }
  }
}

TEST(Utf8, KnowsWhereATextMayNotBeCut) {
  for (unsigned byte = 0; byte < 0x100; ++byte) {
    EXPECT_EQ(continues_character(static_cast<char>(byte)), byte >= 0x80 && byte <= 0xBF) << byte;
  }
}

// Printable ASCII is skipped eight bytes at a time, and whatever stands among it is seen.
TEST(Utf8, AsksForEveryCharacterButPrintableAscii) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x80; ++byte) {
        std::string text(size, '~');
        text[at] = static_cast<char>(byte);
        const bool printable = byte >= 0x20 && byte <= 0x7E;
        ASSERT_EQ(consists_of(text, [](char32_t) { return false; }), printable)
            << size << ' ' << at << ' ' << byte;
        ASSERT_TRUE(consists_of(text, [byte](char32_t c) { return c == byte; }))
            << size << ' ' << at << ' ' << byte;
      }
    }
  }
}

TEST(Utf8, SeesWhatIsMalformedAmongPrintableAscii) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0x80; byte < 0x100; ++byte) {
        std::string text(size, ' ');
        text[at] = static_cast<char>(byte);
        ASSERT_FALSE(consists_of(text, anything)) << size << ' ' << at << ' ' << byte;
      }
      std::string text(size, ' ');
      text.replace(at, 1, "\xE2\x82\xAC");
      ASSERT_TRUE(consists_of(text, [](char32_t c) { return c == U'\u20AC'; }));
      ASSERT_FALSE(consists_of(text, [](char32_t c) { return c != U'\u20AC'; }));
    }
  }
}

TEST(Utf8, ConsistsOfAnythingWhereThereIsNothing) {
  EXPECT_TRUE(consists_of("", [](char32_t) { return false; }));
}

}  // namespace
}  // namespace pubsub_mqtt
