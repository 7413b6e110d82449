// XML text <-> the trees that translate.h describes. libexpat parses, namespace-aware; pugixml holds and
// serialises. Any thread.
#pragma once

#include <cstddef>
#include <limits>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::payload {

// Elements inside elements; deeper input is refused, since Prosody walks stanzas recursively.
inline constexpr std::size_t max_xml_depth = 100;

// For what pubsub or the store gives, which was judged when it was published.
inline constexpr std::size_t no_xml_limit = std::numeric_limits<std::size_t>::max();

// Why a payload is refused that is one element, but too large a one.
inline constexpr std::string_view too_many_elements =
    "the payload has more elements and attributes than mqtt_max_xml_elements";

// Only characters of XML 1.0's production Char, in well-formed UTF-8.
bool is_xml_text(std::string_view text);

// Exactly one well-formed element with a namespace. Refused: DOCTYPE, processing instructions (an XML
// declaration too), unbound prefixes, duplicate attributes, depth over max_xml_depth, anything but white
// space or comments around it (a byte order mark before it is skipped), an element with the prefix `xml`,
// namespace names that would make the tree many times larger than the text. Comments are dropped, CDATA
// sections become text.
//
// Refused, too, before anything is parsed: more than `max_elements` elements, attributes and namespace
// declarations together. A declaration that the tree adds for a namespaced attribute counts like one of the
// text.
std::variant<pugi::xml_document, Refused> parse_element(std::string_view text,
                                                        std::size_t max_elements = no_xml_limit);

// Text as it stands in XML, in an attribute's value or outside, so that a parser reads the same again.
void append_escaped(std::string_view text, bool in_attribute, std::string& into);

// The element as XML text, without a declaration or added white space. Each `xmlns` is written where it
// differs from the parent's, as Prosody does.
std::string serialize(const pugi::xml_node& element);

}  // namespace pubsub_mqtt::payload
