// Media types (RFC 2045, 5.1). Any thread.
#pragma once

#include <string_view>

namespace pubsub_mqtt::payload {

// `type/subtype`, with parameters or without, and with white space around semicolons.
bool is_media_type(std::string_view text);

}  // namespace pubsub_mqtt::payload
