// Strings as MQTT 3.1.1 sees them: UTF-8 (1.5.3), topic names and topic filters (4.7). No I/O; any thread.
#pragma once

#include <string_view>

namespace pubsub_mqtt::mqtt {

// Well-formed UTF-8 as RFC 3629 defines it (no surrogates, no overlong forms, nothing above U+10FFFF),
// without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2]. U+FEFF is a character like any other [MQTT-1.5.3-3].
bool is_utf8_string(std::string_view bytes);

// At least one character, no wildcard [MQTT-4.7.3-1, MQTT-3.3.2-2]. `text` is a UTF-8 string already.
bool is_topic_name(std::string_view text);

// At least one character; `+` and `#` alone on their level, `#` on the last one only [MQTT-4.7.1-2,
// MQTT-4.7.1-3].
bool is_topic_filter(std::string_view text);

bool has_wildcard(std::string_view topic_filter);

// What the filters of shared subscriptions begin with (MQTT 5.0, 4.8.2).
inline constexpr std::string_view shared_subscription_prefix = "$share/";

}  // namespace pubsub_mqtt::mqtt
