// HTML's named character references (https://html.spec.whatwg.org/#named-character-references). Any thread.
#pragma once

#include <optional>
#include <string_view>

namespace pubsub_mqtt::payload {

struct HtmlEntity {
  std::string_view name;        // with its semicolon, if that belongs to it
  std::string_view characters;  // one or two
};

// The one with the longest name that `text`, which follows a '&', begins with: `notin;` in "notin;", `not` in
// "notit;".
std::optional<HtmlEntity> html_entity(std::string_view text);

}  // namespace pubsub_mqtt::payload
