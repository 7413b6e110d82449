// Strings, flags and integers between Lua and C++. Prosody's thread only. Where nothing else is said these may raise a
// Lua error: the rule of protected_call.h holds. A string_view is good as long as its string is on Lua's stack, or in a
// table that is.
#pragma once

#include <chrono>
#include <cstddef>
#include <lua.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/log_line.h"

namespace pubsub_mqtt::lua {

// Arguments: what is no string raises.
inline std::string_view check_text(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

inline std::optional<std::string_view> opt_text(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  return check_text(L, index);
}

// Empty for what is no string. Does not raise.
inline std::string_view text_at(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TSTRING) return {};
  std::size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return {text, size};
}

inline bool flag_field(lua_State* L, int table, const char* key) {
  lua_getfield(L, table, key);
  const bool flag = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return flag;
}

inline void push_text(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

// A list of what `push`, a callable `void(const Element&)`, puts on the stack of each.
template <typename Elements, typename Push>
void push_list(lua_State* L, const Elements& elements, Push&& push) {
  lua_createtable(L, static_cast<int>(elements.size()), 0);
  lua_Integer i = 0;
  for (const auto& each : elements) {
    push(each);
    lua_rawseti(L, -2, ++i);
  }
}

inline void push_texts(lua_State* L, const std::vector<std::string>& texts) {
  push_list(L, texts, [L](const std::string& text) { push_text(L, text); });
}

// Fields of the table on top of the stack.
inline void set_text(lua_State* L, const char* key, std::string_view text) {
  push_text(L, text);
  lua_setfield(L, -2, key);
}

inline void set_flag(lua_State* L, const char* key, bool flag) {
  lua_pushboolean(L, flag ? 1 : 0);
  lua_setfield(L, -2, key);
}

inline void set_seconds(lua_State* L, const char* key, std::chrono::nanoseconds time) {
  lua_pushnumber(L, std::chrono::duration<lua_Number>(time).count());
  lua_setfield(L, -2, key);
}

template <typename Integer>
void set_integer(lua_State* L, const char* key, Integer integer) {
  lua_pushinteger(L, static_cast<lua_Integer>(integer));
  lua_setfield(L, -2, key);
}

// As Prosody's log takes it.
inline std::string_view name_of(LogLevel level) {
  static constexpr std::string_view names[] = {"debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

}  // namespace pubsub_mqtt::lua
