// Methods about what a core has counted, see core_methods.h.
//
// core:metrics() returns a table: what metrics.lib.lua declares, by name, each a number or, where it has labels, a
// table by the value of the first label, and so on; and heap_bytes. Waits for the network thread, which looks at each
// session.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int metrics(lua_State* L);
int publish_system(lua_State* L);

}  // namespace pubsub_mqtt::lua
