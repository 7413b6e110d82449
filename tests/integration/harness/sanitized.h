// What a test may expect of speed and memory: less of a build with sanitizers.
#pragma once

namespace pubsub_mqtt::tests {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace pubsub_mqtt::tests
