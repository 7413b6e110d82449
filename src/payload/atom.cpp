#include "atom.h"

#include <array>

#include "html.h"
#include "tree.h"

namespace pubsub_mqtt::payload {
namespace {

constexpr std::string_view xmlns_xhtml = "http://www.w3.org/1999/xhtml";

void append_text_element(pugi::xml_node parent, const char* name, std::string_view text) {
  append_text(append_element(parent, name, xmlns_atom), text);
}

// RFC 3339, as RFC 4287, 3.3 asks for.
std::string date(std::time_t time) {
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, sizeof "2026-11-22T12:34:56Z"> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), size};
}

}  // namespace

pugi::xml_document atom_entry(std::string_view title, const AtomEntry& atom) {
  pugi::xml_document document;
  const pugi::xml_node entry = append_element(document.root(), "entry", xmlns_atom);
  append_text_element(entry, "title", title);
  append_text_element(entry, "id", atom.id);
  append_text_element(entry, "updated", date(atom.updated));
  append_text_element(append_element(entry, "author", xmlns_atom), "name", atom.author);
  return document;
}

std::string_view atom_author(std::string_view account, std::string_view host, bool exposes_publisher) {
  if (account.empty()) return "anonymous";
  return exposes_publisher ? account : host;
}

std::optional<std::string> atom_title(const pugi::xml_node& entry) {
  const pugi::xml_node title = child_element(entry, "title", xmlns_atom);
  if (!title) return std::nullopt;
  const std::string_view type = title.attribute("type").value();
  if (type == "html") return plain_text_of_html(text_content(title));
  if (type == "xhtml") {
    // The div is not part of the content, nor is white space around it.
    if (const pugi::xml_node div = child_element(title, "div", xmlns_xhtml)) return text_content(div);
  }
  return text_content(title);
}

}  // namespace pubsub_mqtt::payload
