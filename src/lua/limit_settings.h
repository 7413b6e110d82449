// The settings of limits, as docs/configuration.md calls them: what the Lua half reads of them, and what the core gets.
// Prosody's thread only. Both may raise a Lua error.
#pragma once

#include <lua.hpp>

#include "pubsub_mqtt/base/limits.h"

namespace pubsub_mqtt::lua {

// A list of { name =, default =, least =, most =, is_time =, may_be_never = }.
void push_limit_settings(lua_State* L);

// The table at `index`: a number for each of these by its name, in its range, and the flags passwords_in_the_clear,
// log_connections, anonymous_from_everywhere, anonymous_from_loopback and shared_groups_of_accounts.
Limits read_limits(lua_State* L, int index);

}  // namespace pubsub_mqtt::lua
