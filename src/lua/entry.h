// Functions as Lua calls them: no C++ exception leaves them. Prosody's thread only.
#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>
#include <lua.hpp>
#include <new>

namespace pubsub_mqtt::lua {

// What Function returns; -1: it has thrown, and `message` says what.
template <int (*Function)(lua_State*), std::size_t Size>
int call_caught(lua_State* L, char (&message)[Size]) {
  try {
    return Function(L);
  } catch (const std::bad_alloc&) {
    std::snprintf(message, Size, "the server has too little memory");
  } catch (const std::exception& exception) {
    std::snprintf(message, Size, "%s", exception.what());
  }
  return -1;
}

// A C++ exception becomes a Lua error, raised where nothing is left to destroy.
template <int (*Function)(lua_State*)>
int entry(lua_State* L) {
  char message[300] = "";
  const int results = call_caught<Function>(L, message);
  return results >= 0 ? results : luaL_error(L, "pubsub_mqtt: %s", message);
}

// A C++ exception becomes nil and why, as Prosody's storages return what cannot be done.
template <int (*Function)(lua_State*)>
int storage_entry(lua_State* L) {
  char message[300] = "";
  const int results = call_caught<Function>(L, message);
  if (results >= 0) return results;
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

}  // namespace pubsub_mqtt::lua
