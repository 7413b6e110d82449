#include "tree.h"

#include <new>

namespace pubsub_mqtt::payload {
namespace {

void check(bool allocated) {
  if (!allocated) throw std::bad_alloc();
}

// The node after `node` in document order, null behind the last one inside `root`.
pugi::xml_node next_inside(const pugi::xml_node& root, pugi::xml_node node) {
  if (const pugi::xml_node child = node.first_child()) return child;
  for (; node != root; node = node.parent()) {
    if (const pugi::xml_node sibling = node.next_sibling()) return sibling;
  }
  return {};
}

}  // namespace

pugi::xml_node append_element(pugi::xml_node parent, const char* name, std::string_view xmlns) {
  const pugi::xml_node element = parent.append_child(name);
  check(!element.empty());
  append_attribute(element, "xmlns", xmlns);
  return element;
}

void append_attribute(pugi::xml_node element, const char* name, std::string_view value) {
  pugi::xml_attribute attribute = element.append_attribute(name);
  check(attribute.set_value(value.data(), value.size()));
}

void append_text(pugi::xml_node element, std::string_view text) {
  if (text.empty()) return;
  pugi::xml_node node = element.append_child(pugi::node_pcdata);
  check(node.set_value(text.data(), text.size()));
}

bool is_element(const pugi::xml_node& node, std::string_view name, std::string_view xmlns) {
  return node.name() == name && node.attribute("xmlns").value() == xmlns;
}

pugi::xml_node child_element(const pugi::xml_node& parent, std::string_view name, std::string_view xmlns) {
  return parent.find_child([=](const pugi::xml_node& child) { return is_element(child, name, xmlns); });
}

std::optional<std::string> only_text(const pugi::xml_node& element) {
  std::string text;
  for (const pugi::xml_node& child : element.children()) {
    if (child.type() == pugi::node_element) return std::nullopt;
    text += child.value();
  }
  return text;
}

std::string text_content(const pugi::xml_node& element) {
  std::string text;
  for (pugi::xml_node node = element; node; node = next_inside(element, node)) text += node.value();
  return text;
}

}  // namespace pubsub_mqtt::payload
