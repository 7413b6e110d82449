#include "html.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "pubsub_mqtt/base/utf8.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether the '<' before `text` begins a tag, comment or declaration; it is text in "1 < 2".
bool begins_markup(std::string_view text) {
  return !text.empty() && (is_letter(text[0]) || text[0] == '/' || text[0] == '!' || text[0] == '?');
}

// How many bytes of `text`, which begins behind a '<', the markup takes; all, if it does not end.
std::size_t markup_size(std::string_view text) {
  constexpr std::string_view comment_begin = "!--";
  constexpr std::string_view comment_end = "-->";
  if (text.starts_with(comment_begin)) {
    const std::size_t end = text.find(comment_end, comment_begin.size());
    return end == std::string_view::npos ? text.size() : end + comment_end.size();
  }
  char quote = '\0';  // around an attribute's value, where '>' is text
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != '\0') {
      if (text[i] == quote) quote = '\0';
    } else if (text[i] == '>') {
      return i + 1;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    }
  }
  return text.size();
}

// "#65" and "#x41"; empty if it names no character of XML 1.0.
std::string numbered_character(std::string_view number) {
  int base = 10;
  number.remove_prefix(1);
  if (number.starts_with('x') || number.starts_with('X')) {
    base = 16;
    number.remove_prefix(1);
  }
  std::uint32_t code_point = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, code_point, base);
  if (error != std::errc() || stop != end || code_point > last_code_point) return {};
  if (is_surrogate(code_point)) return {};
  std::string character;
  append_utf8(code_point, character);
  return is_xml_text(character) ? character : std::string();
}

// The character for what stands between '&' and ';'; empty if unknown.
std::string referenced_character(std::string_view name) {
  if (name.starts_with('#')) return numbered_character(name);
  if (name == "amp") return "&";
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "quot") return "\"";
  if (name == "apos") return "'";
  if (name == "nbsp") return "\u00A0";
  return {};
}

// The name in "&name;", with which `text` begins; empty if it does not.
std::string_view reference_name(std::string_view text) {
  constexpr std::size_t longest = std::string_view("&#x10FFFF;").size();
  const std::size_t end = text.substr(0, longest).find(';');
  return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
}

}  // namespace

std::string plain_text_of_html(std::string_view html) {
  std::string text;
  while (!html.empty()) {
    if (html[0] == '<' && begins_markup(html.substr(1))) {
      html.remove_prefix(1 + markup_size(html.substr(1)));
      continue;
    }
    if (html[0] == '&') {
      const std::string_view name = reference_name(html);
      if (const std::string character = referenced_character(name); !character.empty()) {
        text += character;
        html.remove_prefix(name.size() + 2);
        continue;
      }
    }
    text += html[0];
    html.remove_prefix(1);
  }
  return text;
}

}  // namespace pubsub_mqtt::payload
