// Methods that tell a core what nodes retained before a restart, and keep that in the store, see core_methods.h.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

int restore_retained(lua_State* L);
int restore_current(lua_State* L);

int keeps_retained(lua_State* L);
int put_retained(lua_State* L);
int find_retained(lua_State* L);
int retained_nodes(lua_State* L);
int take_over_retained(lua_State* L);
int has_taken_over_retained(lua_State* L);
int is_all_committed(lua_State* L);

}  // namespace pubsub_mqtt::lua
