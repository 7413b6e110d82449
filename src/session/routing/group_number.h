// Stands for a group of shared subscriptions (routing/shared_groups.h). Values; any thread.
#pragma once

#include <cstdint>

namespace pubsub_mqtt::session {

// Never another group's in the life of a core, but after four thousand million of them. 0: no group.
using GroupNumber = std::uint32_t;

}  // namespace pubsub_mqtt::session
