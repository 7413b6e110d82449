// Time on Prosody's thread: the clock that libuv reads on the network thread, too. Any thread.
#pragma once

#include <chrono>

#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt::lua {

inline Time now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace pubsub_mqtt::lua
