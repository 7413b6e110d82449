// Atom entries (RFC 4287). Any thread.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::payload {

inline constexpr std::string_view xmlns_atom = "http://www.w3.org/2005/Atom";

pugi::xml_document atom_entry(std::string_view title, const AtomEntry& atom);

// The title of an `entry` as plain text, whatever its Text construct's type (RFC 4287, 3.1); nothing if it
// has none.
std::optional<std::string> atom_title(const pugi::xml_node& entry);

}  // namespace pubsub_mqtt::payload
