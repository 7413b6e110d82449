// JSON texts (RFC 8259). Validated only: no value is kept. Any thread.
#pragma once

#include <string_view>

namespace pubsub_mqtt::payload {

// One value, white space around it allowed, no byte order mark. `text` is_xml_text, so it is UTF-8 and holds
// no U+0000. A number may be of any size and precision (RFC 8259, 6), and an escaped surrogate may stand
// without its partner (8.2). Stack use does not depend on the nesting.
bool is_json(std::string_view text);

// Whether that value is an object or an array.
bool is_json_structure(std::string_view text);

}  // namespace pubsub_mqtt::payload
