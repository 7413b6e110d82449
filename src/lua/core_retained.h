// Methods that tell a core what nodes retained before a restart, see core_methods.h.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int restore_retained(lua_State* L);
int restore_current(lua_State* L);

}  // namespace pubsub_mqtt::lua
