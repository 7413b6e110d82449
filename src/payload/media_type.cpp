#include "media_type.h"

#include <algorithm>
#include <cstddef>

namespace pubsub_mqtt::payload {
namespace {

bool is_token_character(char c) {
  constexpr std::string_view tspecials = "()<>@,;:\\\"/[]?=";
  return c > ' ' && c < '\x7F' && tspecials.find(c) == std::string_view::npos;
}

// These take what they are named after off the front of `rest`, and return false where it does not begin so.
bool take(char c, std::string_view& rest) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

bool take_token(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_token_character);
  const auto size = static_cast<std::size_t>(end - rest.begin());
  rest.remove_prefix(size);
  return size > 0;
}

// RFC 822, 3.3.
bool take_quoted_string(std::string_view& rest) {
  if (!take('"', rest)) return false;
  while (!rest.empty() && rest.front() != '"') {
    if (take('\\', rest) && rest.empty()) return false;
    if (rest.front() < ' ' || rest.front() > '~') return false;
    rest.remove_prefix(1);
  }
  return take('"', rest);
}

void skip_spaces(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

bool take_parameter(std::string_view& rest) {
  skip_spaces(rest);
  if (!take(';', rest)) return false;
  skip_spaces(rest);
  return take_token(rest) && take('=', rest) && (take_quoted_string(rest) || take_token(rest));
}

}  // namespace

bool is_media_type(std::string_view text) {
  if (!take_token(text) || !take('/', text) || !take_token(text)) return false;
  while (!text.empty()) {
    if (!take_parameter(text)) return false;
  }
  return true;
}

}  // namespace pubsub_mqtt::payload
