// Time as the rooms pass it around. None of them reads a clock but the network thread's loop. Values; any
// thread.
#pragma once

#include <chrono>

namespace pubsub_mqtt {

// Since some fixed moment, of a clock that is never set back; only differences count.
using Time = std::chrono::milliseconds;

}  // namespace pubsub_mqtt
