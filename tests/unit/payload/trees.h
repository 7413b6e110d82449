// What the tests of this room share: trees from text, and results as text.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::payload {

inline constexpr std::string_view not_xml_text =
    "refused: the payload is not UTF-8, or holds a character that XML 1.0 cannot carry";

using Result = std::variant<pugi::xml_document, Refused>;

// As to_element, with an id, author and date that the tests know: "urn:uuid:1", "anonymous",
// 2026-11-22T12:34:56Z.
Result element_of(Type type, std::string_view mqtt_payload);

// The element in XML text, or "refused: " and the reason.
std::string as_text(const Result& result);

// What a subscriber of `to` gets of what is published to `from`.
std::optional<std::string> carried(Type from, Type to, std::string_view mqtt_payload);

// What a subscriber of `to` gets of an item that an XMPP client published.
std::optional<std::string> carried_from_xmpp(Type to, std::string_view element);

// The tree an XMPP client's item has; the test fails if the text is refused.
pugi::xml_document tree_of(std::string_view element);

// As UTF-8 bytes, also what is no character.
std::string utf8(char32_t code_point);

}  // namespace pubsub_mqtt::payload
