// Identifiers that are unique, not secret. Any thread, each with a generator of its own.
#pragma once

#include <random>
#include <string>

namespace pubsub_mqtt {

// The `id` of an Atom entry (RFC 4287, 4.2.6): a version 4 UUID as a URN (RFC 4122).
std::string random_uuid_urn(std::mt19937_64& random);

// Of an item of pubsub: 20 characters that need no escaping, 120 bits.
std::string random_item_id(std::mt19937_64& random);

}  // namespace pubsub_mqtt
