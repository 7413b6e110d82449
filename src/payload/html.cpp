#include "html.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "html_entities.h"
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

// What a character reference stands for, and how many bytes it takes.
struct Reference {
  std::string characters;
  std::size_t size;
};

// "&#65;" and "&#x41;", with which `text` begins; nullopt for anything else, and for what is no character of
// XML 1.0.
std::optional<Reference> numbered_reference(std::string_view text) {
  constexpr std::size_t longest = std::string_view("&#x10FFFF;").size();
  const std::size_t semicolon = text.substr(0, longest).find(';');
  if (!text.starts_with("&#") || semicolon == std::string_view::npos) return std::nullopt;
  std::string_view number = text.substr(2, semicolon - 2);
  int base = 10;
  if (number.starts_with('x') || number.starts_with('X')) {
    base = 16;
    number.remove_prefix(1);
  }
  std::uint32_t code_point = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, code_point, base);
  if (error != std::errc() || stop != end || code_point > last_code_point || is_surrogate(code_point)) {
    return std::nullopt;
  }
  std::string character;
  append_utf8(code_point, character);
  if (!is_xml_text(character)) return std::nullopt;
  return Reference{.characters = std::move(character), .size = semicolon + 1};
}

std::optional<Reference> reference(std::string_view text) {
  if (auto numbered = numbered_reference(text)) return numbered;
  const auto entity = html_entity(text.substr(1));
  if (!entity) return std::nullopt;
  return Reference{.characters = std::string(entity->characters), .size = 1 + entity->name.size()};
}

// Appends what a reader sees of the markup or reference that `html`, which begins with '<' or '&', begins
// with; that character, where it is neither. Returns how many bytes of `html` these are.
std::size_t append_seen(std::string_view html, std::string& text) {
  if (html[0] == '<' && begins_markup(html.substr(1))) return 1 + markup_size(html.substr(1));
  if (html[0] == '&') {
    if (const auto found = reference(html)) {
      text += found->characters;
      return found->size;
    }
  }
  text += html[0];
  return 1;
}

}  // namespace

std::string plain_text_of_html(std::string_view html) {
  std::string text;
  while (true) {
    const std::size_t plain = std::min(html.find_first_of("<&"), html.size());
    text += html.substr(0, plain);
    html.remove_prefix(plain);
    if (html.empty()) return text;
    html.remove_prefix(append_seen(html, text));
  }
}

}  // namespace pubsub_mqtt::payload
