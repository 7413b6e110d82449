// Which items Prosody asks for: a table of Lua -> store::ItemQuery. Prosody's thread only.
#pragma once

#include <lua.hpp>

#include "pubsub_mqtt/store/items.h"

namespace pubsub_mqtt::lua {

// Reads the table at `index`: key, ids, with, start, end, reverse as Prosody's; before, after are positions. Does not
// raise, but throws a std::runtime_error for what is no table, and for a field of another type.
store::ItemQuery read_item_query(lua_State* L, int index);

}  // namespace pubsub_mqtt::lua
