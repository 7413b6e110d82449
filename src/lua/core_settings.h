// Methods that give a core its settings, see core_methods.h.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int set_limits(lua_State* L);
int set_mountpoint(lua_State* L);
int set_access(lua_State* L);

}  // namespace pubsub_mqtt::lua
