// Names that whoever knows libstdc++ can find: std::hash, MurmurHash64A with a seed that is no secret, has
// one value for all of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace pubsub_mqtt {

namespace detail {

inline constexpr std::uint64_t murmur = 0xc6a4a7935bd1e995;

constexpr std::uint64_t inverse_of_murmur() {
  std::uint64_t inverse = murmur;
  for (int i = 0; i < 6; ++i) inverse *= 2 - murmur * inverse;
  return inverse;
}

constexpr std::uint64_t mix(std::uint64_t word, std::uint64_t factor) {
  word *= factor;
  word ^= word >> 47U;
  return word * factor;
}

inline std::uint64_t random_word(std::mt19937_64& random) {
  std::array<char, 8> letters{};
  for (char& letter : letters) letter = static_cast<char>('a' + random() % 26);
  std::uint64_t word = 0;
  std::memcpy(&word, letters.data(), letters.size());
  return word;
}

inline std::string letters(std::uint64_t word) {
  std::string text(sizeof word, ' ');
  std::memcpy(text.data(), &word, sizeof word);
  return text;
}

inline bool is_alphanumeric(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; });
}

}  // namespace detail

// The cube of `count` names, of 48 letters and digits.
inline std::vector<std::string> colliding_names(std::size_t count) {
  using namespace detail;
  std::mt19937_64 random(1);
  std::vector<std::string> names{""};
  std::uint64_t state = 0xc70f6907U ^ (48 * murmur);
  for (int part = 0; part < 3; ++part) {
    const auto after = [&](std::uint64_t word) { return (state ^ mix(word, murmur)) * murmur; };
    // Whatever the first eight bytes are, the second eight can lead to this.
    const std::uint64_t end = random();
    std::vector<std::string> parts;
    while (parts.size() < count) {
      const std::uint64_t first = random_word(random);
      const std::string second = letters(mix(end * inverse_of_murmur() ^ after(first), inverse_of_murmur()));
      if (is_alphanumeric(second)) parts.push_back(letters(first) + second);
    }
    state = end;
    std::vector<std::string> longer;
    for (const auto& name : names) {
      for (const auto& more : parts) longer.push_back(name + more);
    }
    names = longer;
  }
  EXPECT_EQ(std::hash<std::string>{}(names.front()), std::hash<std::string>{}(names.back()));
  return names;
}

}  // namespace pubsub_mqtt
