#include "pubsub_mqtt/mqtt/strings.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pubsub_mqtt::mqtt {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t last_code_point = 0x10FFFF;

bool is_surrogate(std::uint32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

// The encoding table of RFC 3629, section 3, applied to any number, a surrogate or one beyond U+10FFFF
// included.
std::string encode(std::uint32_t number) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | (number >> shift & 0x3FU)); };
  if (number < 0x80) return {byte(number)};
  if (number < 0x800) return {byte(0xC0U | number >> 6U), tail(0)};
  if (number < 0x10000) return {byte(0xE0U | number >> 12U), tail(6), tail(0)};
  return {byte(0xF0U | number >> 18U), tail(12), tail(6), tail(0)};
}

// Another way to the same answer: decode by the bit patterns alone, then encode again and compare.
bool is_one_character(std::string_view sequence) {
  constexpr std::array<unsigned, 5> first_byte_bits{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t number = static_cast<unsigned char>(sequence[0]) & first_byte_bits.at(sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) {
    number = number << 6U | (static_cast<unsigned char>(sequence[i]) & 0x3FU);
  }
  return number != 0 && number <= last_code_point && !is_surrogate(number) && encode(number) == sequence;
}

bool reference_is_utf8_string(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t size = 1;
    while (size <= 4 && size <= bytes.size() && !is_one_character(bytes.substr(0, size))) ++size;
    if (size > 4 || size > bytes.size()) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

TEST(Utf8String, TakesEveryCodePointButU0000AndSurrogates_MQTT_1_5_3_1_and_2) {
  for (std::uint32_t code_point = 0; code_point <= last_code_point; ++code_point) {
    ASSERT_EQ(is_utf8_string(encode(code_point)), code_point != 0 && !is_surrogate(code_point)) << code_point;
  }
}

TEST(Utf8String, RefusesEverythingAboveU10FFFF_MQTT_1_5_3_1) {
  for (std::uint32_t number = last_code_point + 1; number < 0x200000; ++number) {
    ASSERT_FALSE(is_utf8_string(encode(number))) << number;
  }
}

TEST(Utf8String, AgreesWithADecoderOnEverySequenceOfThreeBytes_MQTT_1_5_3_1) {
  std::string sequence(3, '\0');
  for (unsigned first = 0; first < 0x100; ++first) {
    for (unsigned second = 0; second < 0x100; ++second) {
      // The third byte only ever matters by its two highest bits, and by being 0.
      for (const unsigned third :
           {0x00U, 0x01U, 0x7FU, 0x80U, 0x8FU, 0x90U, 0x9FU, 0xA0U, 0xBFU, 0xC0U, 0xFFU}) {
        sequence[0] = static_cast<char>(first);
        sequence[1] = static_cast<char>(second);
        sequence[2] = static_cast<char>(third);
        ASSERT_EQ(is_utf8_string(sequence), reference_is_utf8_string(sequence))
            << first << ' ' << second << ' ' << third;
      }
    }
  }
}

TEST(Utf8String, AgreesWithADecoderOnSequencesOfFourBytes_MQTT_1_5_3_1) {
  constexpr std::array edges{0x01U, 0x7FU, 0x80U, 0x8FU, 0x90U, 0x9FU, 0xA0U, 0xBFU, 0xC0U, 0xFFU};
  std::string sequence(4, '\0');
  for (unsigned first = 0xE0; first < 0x100; ++first) {
    for (unsigned second = 0; second < 0x100; ++second) {
      for (const unsigned third : edges) {
        for (const unsigned fourth : edges) {
          sequence[0] = static_cast<char>(first);
          sequence[1] = static_cast<char>(second);
          sequence[2] = static_cast<char>(third);
          sequence[3] = static_cast<char>(fourth);
          ASSERT_EQ(is_utf8_string(sequence), reference_is_utf8_string(sequence))
              << first << ' ' << second << ' ' << third << ' ' << fourth;
        }
      }
    }
  }
}

TEST(Utf8String, RefusesACharacterThatIsCutOff_MQTT_1_5_3_1) {
  for (const std::string_view character : {"\xC2\xA2"sv, "\xE2\x82\xAC"sv, "\xF0\x9F\x98\x80"sv}) {
    EXPECT_TRUE(is_utf8_string(character));
    for (std::size_t size = 1; size < character.size(); ++size) {
      EXPECT_FALSE(is_utf8_string(character.substr(0, size)));
      EXPECT_FALSE(
          is_utf8_string(std::string("before ") + std::string(character.substr(0, size)) + " after"));
    }
  }
}

TEST(Utf8String, RefusesU0000Anywhere_MQTT_1_5_3_2) {
  EXPECT_FALSE(is_utf8_string("\0"sv));
  EXPECT_FALSE(is_utf8_string("a\0b"sv));
  EXPECT_FALSE(is_utf8_string("ab\0"sv));
  EXPECT_FALSE(is_utf8_string("\xC0\x80"sv)) << "the overlong form";
}

TEST(Utf8String, TakesTheByteOrderMarkAsACharacter_MQTT_1_5_3_3) {
  EXPECT_TRUE(is_utf8_string("\xEF\xBB\xBF"sv));
  EXPECT_TRUE(is_utf8_string("a\xEF\xBB\xBF/b"sv));
}

TEST(Utf8String, TakesControlAndNonCharacters) {
  // 1.5.3: a receiver MAY close the connection; mapping.md decides per use.
  EXPECT_TRUE(is_utf8_string("\x01\x1F\x7F\xC2\x80\xC2\x9F"sv));
  EXPECT_TRUE(is_utf8_string("\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xB7\x90\xF4\x8F\xBF\xBF"sv));
}

TEST(Utf8String, TakesTheEmptyString) { EXPECT_TRUE(is_utf8_string("")); }

TEST(TopicName, HasAtLeastOneCharacterAndNoWildcard_MQTT_3_3_2_2_MQTT_4_7_3_1) {
  for (const auto* name :
       {"a", "/", "//", "a/b", "/a", "a/", "a//b", "$SYS/a", "a b", "Accounts payable", "\x01"}) {
    EXPECT_TRUE(is_topic_name(name)) << name;
  }
  for (const auto* name : {"", "+", "#", "a/+", "a/#", "a+b", "a#b", "+/a"}) {
    EXPECT_FALSE(is_topic_name(name)) << name;
  }
}

TEST(TopicFilter, MayHoldWildcardsOnLevelsOfTheirOwn_MQTT_4_7_1_2_and_3) {
  for (const auto* filter :
       {"a", "/", "#", "+", "/#", "+/", "/+", "+/+", "+/#", "a/#", "a/+", "a/+/b", "+/a/#", "sport/tennis/#",
        "sport/+/player1", "+/tennis/#", "a//+//#", "$SYS/#"}) {
    EXPECT_TRUE(is_topic_filter(filter)) << filter;
  }
}

TEST(TopicFilter, MayNotBeEmpty_MQTT_4_7_3_1) { EXPECT_FALSE(is_topic_filter("")); }

TEST(TopicFilter, HasTheMultiLevelWildcardAloneAndLast_MQTT_4_7_1_2) {
  for (const auto* filter :
       {"sport/tennis#", "sport/tennis/#/ranking", "#/", "#/a", "##", "#a", "a#", "a/##", "/#/"}) {
    EXPECT_FALSE(is_topic_filter(filter)) << filter;
  }
}

TEST(TopicFilter, HasTheSingleLevelWildcardAlone_MQTT_4_7_1_3) {
  for (const auto* filter : {"sport+", "+sport", "a/+b", "a/b+", "a/b+/c", "++", "+#", "#+", "a/++/b"}) {
    EXPECT_FALSE(is_topic_filter(filter)) << filter;
  }
}

TEST(TopicFilter, HasAWildcardOrNot) {
  EXPECT_TRUE(has_wildcard("#"));
  EXPECT_TRUE(has_wildcard("a/+/b"));
  EXPECT_FALSE(has_wildcard("a/b"));
  EXPECT_FALSE(has_wildcard(""));
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
