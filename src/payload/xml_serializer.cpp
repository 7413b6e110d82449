#include <array>
#include <cstddef>

#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

// Besides what would be markup: a parser reads a bare CR as LF (XML 1.0, 2.11), and in an attribute every
// white space as U+0020 (3.3.3).
constexpr std::string_view escape(char c, bool in_attribute) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&apos;";
    case '\r':
      return "&#13;";
    case '\n':
      return in_attribute ? "&#10;" : "";
    case '\t':
      return in_attribute ? "&#9;" : "";
    default:
      return "";
  }
}

// What stands for itself everywhere, as nearly all does.
constexpr auto is_plain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0; c < plain.size(); ++c) plain[c] = escape(static_cast<char>(c), true).empty();
  return plain;
}();

void write_start_tag(const pugi::xml_node& element, std::string_view parent_xmlns, std::string& out) {
  out += '<';
  out += element.name();
  for (auto attribute = element.first_attribute(); attribute; attribute = attribute.next_attribute()) {
    const std::string_view name = attribute.name();
    if (name == "xmlns" && attribute.value() == parent_xmlns) continue;
    out += ' ';
    out += name;
    out += "='";
    append_escaped(attribute.value(), true, out);
    out += '\'';
  }
  out += element.first_child() ? ">" : "/>";
}

void write_end_tag(const pugi::xml_node& element, std::string& out) {
  out += "</";
  out += element.name();
  out += '>';
}

}  // namespace

void append_escaped(std::string_view text, bool in_attribute, std::string& into) {
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain[static_cast<unsigned char>(text[i])]) continue;
    const std::string_view escaped = escape(text[i], in_attribute);
    if (escaped.empty()) continue;
    into += text.substr(written, i - written);
    into += escaped;
    written = i + 1;
  }
  into += text.substr(written);
}

// A loop and no recursion: an XMPP client's item may be nested as deep as it likes.
std::string serialize(const pugi::xml_node& element) {
  std::string out;
  write_start_tag(element, "", out);
  pugi::xml_node node = element;
  while (true) {
    if (const pugi::xml_node child = node.first_child()) {
      node = child;
    } else {
      while (node != element && !node.next_sibling()) {
        node = node.parent();
        write_end_tag(node, out);
      }
      if (node == element) return out;
      node = node.next_sibling();
    }
    if (node.type() == pugi::node_element) {
      write_start_tag(node, node.parent().attribute("xmlns").value(), out);
    } else {
      append_escaped(node.value(), false, out);
    }
  }
}

}  // namespace pubsub_mqtt::payload
