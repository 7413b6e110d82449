// The pieces of the trees that translate.h describes. Running out of memory is std::bad_alloc, which pugixml
// itself does not throw. Any thread.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace pubsub_mqtt::payload {

pugi::xml_node append_element(pugi::xml_node parent, const char* name, std::string_view xmlns);
void append_attribute(pugi::xml_node element, const char* name, std::string_view value);
// Adds no node for an empty text, as Prosody does not.
void append_text(pugi::xml_node element, std::string_view text);

bool is_element(const pugi::xml_node& node, std::string_view name, std::string_view xmlns);
// The first one; null if there is none.
pugi::xml_node child_element(const pugi::xml_node& parent, std::string_view name, std::string_view xmlns);

// The text of an element without child elements; nothing for others.
std::optional<std::string> only_text(const pugi::xml_node& element);
// All text inside the element, in document order. Iterative.
std::string text_content(const pugi::xml_node& element);

}  // namespace pubsub_mqtt::payload
