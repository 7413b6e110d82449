// C++ objects that Lua owns: made in a full userdata, destroyed when Lua collects it. Prosody's thread only. All of
// these may raise a Lua error: the rule of protected_call.h holds.
#pragma once

#include <lua.hpp>
#include <memory>
#include <type_traits>

namespace pubsub_mqtt::lua {

// The argument at `index`, which raises where it is none of this type.
template <typename Object>
Object& check_userdata(lua_State* L, int index, const char* type) {
  return *static_cast<Object*>(luaL_checkudata(L, index, type));
}

// Pushes one that is empty, to be filled when nothing can raise any more.
template <typename Object>
Object& push_userdata(lua_State* L, const char* type) {
  static_assert(std::is_nothrow_default_constructible_v<Object>);
  auto* object = std::construct_at(static_cast<Object*>(lua_newuserdatauv(L, sizeof(Object), 0)));
  luaL_setmetatable(L, type);
  return *object;
}

namespace detail {

template <typename Object>
int collect(lua_State* L) {
  std::destroy_at(static_cast<Object*>(lua_touserdata(L, 1)));
  return 0;
}

}  // namespace detail

// methods: ended by { nullptr, nullptr }
template <typename Object>
void register_userdata(lua_State* L, const char* type, const luaL_Reg* methods) {
  luaL_newmetatable(L, type);
  lua_pushcfunction(L, detail::collect<Object>);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

}  // namespace pubsub_mqtt::lua
