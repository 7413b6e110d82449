// Methods for the ports on which a core accepts, see core_methods.h.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int listen(lua_State* L);
int set_tls(lua_State* L);
int close_listener(lua_State* L);

}  // namespace pubsub_mqtt::lua
