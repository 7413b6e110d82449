// What the gateway's store has of a node, and how large it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pubsub_mqtt::bench {

// Of `published` messages of one publisher to `node`, the last `max_items` have to be in the database at `path`, whole,
// once and in order: within ten seconds, since nobody waits for the commit at QoS 0. Returns what is wrong; empty:
// nothing.
std::string check_stored_items(const std::string& path, const std::string& node, std::uint32_t published,
                               std::uint32_t max_items);

// Of the database at `path`, with what is still in its write-ahead log.
std::size_t stored_bytes(const std::string& path);

}  // namespace pubsub_mqtt::bench
