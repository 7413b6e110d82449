// What a piece of work costs Prosody's thread, about: one is a node that a wildcard looks at and does not select, a
// tenth of a microsecond. A client's turns come by what they have cost.
#pragma once

#include <cstddef>

namespace pubsub_mqtt::hub::work {

inline constexpr std::size_t request = 5;            // whatever it asks
inline constexpr std::size_t node = 1;               // looked at
inline constexpr std::size_t audience_change = 4;    // told to the network thread
inline constexpr std::size_t question = 30;          // to Lua: has the account a right?
inline constexpr std::size_t bytes_of_message = 10;  // of its topic, payload and properties: add one
inline constexpr std::size_t bytes_of_copy = 50;     // add one, where they are not translated
constexpr std::size_t publish(std::size_t bytes) { return 500 + bytes / bytes_of_message; }

// What takes longer than this is carried out in pieces: Prosody waits meanwhile. An item that is read from storage,
// and a topic that is subscribed to, whose node may have to be created, are a step of their own.
inline constexpr std::size_t a_step = 1000;
inline constexpr std::size_t item = a_step;
inline constexpr std::size_t subscribe = a_step;

}  // namespace pubsub_mqtt::hub::work
