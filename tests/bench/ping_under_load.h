// How long XMPP pings take while Prosody has something to do.
#pragma once

#include <functional>

#include "event_loop.h"
#include "prosody.h"
#include "row.h"

namespace pubsub_mqtt::bench {

// Seconds: 500 pings, so that their p99 means something.
inline constexpr double shortest_pinging = 5;

// Pings for `duration` seconds. `load` is called at every turn, with the seconds that have passed. The sample's value
// is the pings' p99 in milliseconds.
Sample ping_under_load(const Prosody& prosody, EventLoop& loop, double duration,
                       const std::function<void(double)>& load);

Sample ping_at_rest(const Prosody& prosody, double duration);

}  // namespace pubsub_mqtt::bench
