// The identifier of a client of MQTT 5.0 that brings none [MQTT5-3.1.3-6, MQTT5-3.2.2-16]. Any thread.
#pragma once

#include <string>

namespace pubsub_mqtt::session {

// 128 random bits, which nobody guesses: who knows the identifier may take the session over.
std::string assigned_client_identifier();

}  // namespace pubsub_mqtt::session
