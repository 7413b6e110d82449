#include "check_tree.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::payload {
namespace {

// Namespace declarations that libexpat and so every XMPP stream would refuse, and names that need one.
void check_name_of_attribute(const pugi::xml_node& element, const pugi::xml_attribute& attribute) {
  const std::string name = attribute.name();
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) return;
  const std::string prefix = name.substr(0, colon);
  require(name.find(':', colon + 1) == std::string::npos, "an attribute's name has one colon");
  if (prefix == "xml" || prefix == "xmlns") return;
  require(!element.attribute(("xmlns:" + prefix).c_str()).empty(), "a prefix is declared on its element");
}

void check_element(const pugi::xml_node& element, std::size_t depth) {
  require(depth <= max_xml_depth, "the depth is capped");
  require(element.first_attribute().name() == std::string_view("xmlns"), "every element names its namespace");
  require(std::string_view(element.name()).find(':') == std::string_view::npos, "no element has a prefix");
  require(is_xml_text(element.name()), "a name is XML text");
  for (const pugi::xml_attribute& attribute : element.attributes()) {
    require(is_xml_text(attribute.name()), "an attribute's name is XML text");
    require(is_xml_text(attribute.value()), "an attribute's value is XML text");
    check_name_of_attribute(element, attribute);
  }
  for (const pugi::xml_node& child : element.children()) {
    if (child.type() == pugi::node_element) {
      check_element(child, depth + 1);
    } else {
      require(child.type() == pugi::node_pcdata, "there are elements and text");
      require(*child.value() != '\0', "no text is empty");
      require(is_xml_text(child.value()), "text is XML text");
      require(child.next_sibling().type() != pugi::node_pcdata, "text is in one piece");
    }
  }
}

bool same_attributes(const pugi::xml_node& a, const pugi::xml_node& b) {
  pugi::xml_attribute of_b = b.first_attribute();
  for (const pugi::xml_attribute& of_a : a.attributes()) {
    if (std::string_view(of_a.name()) != of_b.name() || std::string_view(of_a.value()) != of_b.value())
      return false;
    of_b = of_b.next_attribute();
  }
  return of_b.empty();
}

bool same(const pugi::xml_node& a, const pugi::xml_node& b) {
  if (a.type() != b.type() || std::string_view(a.name()) != b.name() ||
      std::string_view(a.value()) != b.value()) {
    return false;
  }
  if (!same_attributes(a, b)) return false;
  pugi::xml_node of_b = b.first_child();
  for (const pugi::xml_node& of_a : a.children()) {
    if (!same(of_a, of_b)) return false;
    of_b = of_b.next_sibling();
  }
  return of_b.empty();
}

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_tree(const pugi::xml_document& document) {
  require(document.first_child() == document.last_child(), "the element is the document's only child");
  check_element(document.document_element(), 1);
  const std::string text = serialize(document.document_element());
  const auto again = parse_element(text);
  const auto* document_again = std::get_if<pugi::xml_document>(&again);
  require(document_again != nullptr, "what is written can be read");
  require(same(document, *document_again), "the tree survives being written and read");
}

}  // namespace pubsub_mqtt::payload
