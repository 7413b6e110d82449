// An IPv4 address of this machine that is not loopback's: a client that comes from there comes from outside,
// as far as Prosody can tell.
#pragma once

#include <string>

namespace pubsub_mqtt::tests {

// Throws std::runtime_error where the machine has none.
std::string outside_address();

}  // namespace pubsub_mqtt::tests
