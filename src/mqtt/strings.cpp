#include "pubsub_mqtt/mqtt/strings.h"

#include <cstddef>

namespace pubsub_mqtt::mqtt {
namespace {

// A well-formed sequence by its first byte (Unicode, table 3-7): how many bytes follow, and which the first
// of them may be. That byte alone rules out overlong forms, surrogates and what lies above U+10FFFF.
struct Continuation {
  std::size_t bytes = 0;
  unsigned char lowest = 0x80;
  unsigned char highest = 0xBF;
};

// Nothing follows what cannot begin a sequence of several bytes.
Continuation continuation(unsigned char first) {
  if (first < 0xC2) return {};
  if (first < 0xE0) return {.bytes = 1};
  if (first == 0xE0) return {.bytes = 2, .lowest = 0xA0};
  if (first == 0xED) return {.bytes = 2, .highest = 0x9F};
  if (first < 0xF0) return {.bytes = 2};
  if (first == 0xF0) return {.bytes = 3, .lowest = 0x90};
  if (first < 0xF4) return {.bytes = 3};
  if (first == 0xF4) return {.bytes = 3, .highest = 0x8F};
  return {};
}

bool is_in(unsigned char byte, unsigned char lowest, unsigned char highest) {
  return byte >= lowest && byte <= highest;
}

bool is_wildcard(char character) { return character == '+' || character == '#'; }

}  // namespace

bool is_utf8_string(std::string_view bytes) {
  const auto byte_at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto first = byte_at(i);
    if (first == 0) return false;
    if (first < 0x80) continue;
    const auto following = continuation(first);
    if (following.bytes == 0 || following.bytes >= bytes.size() - i) return false;
    if (!is_in(byte_at(++i), following.lowest, following.highest)) return false;
    for (std::size_t n = 1; n < following.bytes; ++n) {
      if (!is_in(byte_at(++i), 0x80, 0xBF)) return false;
    }
  }
  return true;
}

bool is_topic_name(std::string_view text) { return !text.empty() && !has_wildcard(text); }

bool is_topic_filter(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_wildcard(text[i])) continue;
    const bool is_first = i == 0 || text[i - 1] == '/';
    const bool is_last = i + 1 == text.size();
    if (!is_first || !(is_last || (text[i] == '+' && text[i + 1] == '/'))) return false;
  }
  return true;
}

bool has_wildcard(std::string_view topic_filter) {
  return topic_filter.find_first_of("+#") != std::string_view::npos;
}

}  // namespace pubsub_mqtt::mqtt
