// Methods that answer what clients asked to be let in for, see core_methods.h.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int logged_in(lua_State* L);
int authenticated(lua_State* L);

}  // namespace pubsub_mqtt::lua
