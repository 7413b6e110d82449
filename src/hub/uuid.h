// The `id` of an Atom entry (RFC 4287, 4.2.6): a version 4 UUID as a URN (RFC 4122). Unique, not secret. Any
// thread, each with a generator of its own.
#pragma once

#include <random>
#include <string>

namespace pubsub_mqtt::hub {

std::string random_uuid_urn(std::mt19937_64& random);

}  // namespace pubsub_mqtt::hub
