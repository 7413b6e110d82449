// What a test may expect of speed and memory: less of a module with a sanitizer.
#pragma once

#include <cstdlib>

namespace pubsub_mqtt::tests {

// The runtime that goes with it, as tests/run says.
inline constexpr const char* sanitizer_variable = "PUBSUB_MQTT_SANITIZER";
inline const bool sanitized = std::getenv(sanitizer_variable) != nullptr;

}  // namespace pubsub_mqtt::tests
