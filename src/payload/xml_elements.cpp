#include "xml_elements.h"

#include <algorithm>

namespace pubsub_mqtt::payload {
namespace {

// Where what begins at `from` is over; the end of the text, if it does not end.
std::size_t behind(std::string_view text, std::string_view end, std::size_t from) {
  const std::size_t at = text.find(end, from);
  return at == std::string_view::npos ? text.size() : at + end.size();
}

// Takes a start tag off the front of `text` and returns how many '=' stand in it outside of attributes'
// values.
std::size_t take_start_tag(std::string_view& text) {
  std::size_t attributes = 0;
  std::size_t at = 0;
  while (at < text.size() && text[at] != '>') {
    const char c = text[at++];
    if (c == '=') ++attributes;
    if (c == '"' || c == '\'') at = behind(text, {&c, 1}, at);
  }
  text.remove_prefix(at);
  return attributes;
}

}  // namespace

std::size_t count_elements(std::string_view text, std::size_t limit) {
  constexpr std::string_view comment = "<!--";
  constexpr std::string_view section = "<![CDATA[";
  std::size_t elements = 0;
  while (elements <= limit) {
    text.remove_prefix(std::min(text.find('<'), text.size()));
    if (text.empty()) break;
    if (text.starts_with(comment)) {
      text.remove_prefix(behind(text, "-->", comment.size()));
    } else if (text.starts_with(section)) {
      text.remove_prefix(behind(text, "]]>", section.size()));
    } else if (text.starts_with("</")) {
      text.remove_prefix(behind(text, ">", 0));
    } else {
      elements += 1 + take_start_tag(text);
    }
  }
  return elements;
}

}  // namespace pubsub_mqtt::payload
