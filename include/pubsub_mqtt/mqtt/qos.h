// How surely a message is delivered (MQTT 3.1.1 and 5.0, 4.3). A value; any thread.
#pragma once

#include <cstdint>

namespace pubsub_mqtt::mqtt {

enum class QoS : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

}  // namespace pubsub_mqtt::mqtt
