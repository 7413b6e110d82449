// Identifiers that are unique, not secret. Any thread, each with a generator of its own.
#pragma once

#include <chrono>
#include <random>
#include <string>

namespace pubsub_mqtt {

// The `id` of an Atom entry (RFC 4287, 4.2.6): a version 4 UUID as a URN (RFC 4122).
std::string random_uuid_urn(std::mt19937_64& random);

// Of an item of pubsub: 20 characters that need no escaping, the time in microseconds and 60 random bits. Those made
// later come later in the order of bytes, so that an index of them grows at its end (as version 7 of RFC 9562's UUIDs).
std::string item_id(std::mt19937_64& random, std::chrono::system_clock::time_point now);

}  // namespace pubsub_mqtt
