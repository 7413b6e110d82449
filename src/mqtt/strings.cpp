#include "pubsub_mqtt/mqtt/strings.h"

#include <cstddef>

#include "pubsub_mqtt/base/utf8.h"

namespace pubsub_mqtt::mqtt {
namespace {

bool is_wildcard(char character) { return character == '+' || character == '#'; }

}  // namespace

bool is_utf8_string(std::string_view bytes) {
  return consists_of(bytes, [](char32_t character) { return character != 0; });
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

// Twice with memchr(), which is many times faster than find_first_of(): each PUBLISH comes here.
bool has_wildcard(std::string_view topic_filter) {
  return topic_filter.find('+') != std::string_view::npos || topic_filter.find('#') != std::string_view::npos;
}

}  // namespace pubsub_mqtt::mqtt
