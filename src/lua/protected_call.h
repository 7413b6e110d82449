// Calls into Lua that may raise, made safe for C++ frames.
//
// Debian's Lua is C: an error is a longjmp that skips the destructors of the frames it leaves. So everything
// that may raise (allocation in Lua, metamethods, calls of Lua functions) happens inside a body that runs
// under lua_pcall, and the C++ objects live outside of it. Prosody's thread only.
#pragma once

#include <cstdio>
#include <exception>
#include <lua.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace pubsub_mqtt::lua {

namespace detail {

template <typename Body>
int run_body(lua_State* L) {
  Body& body = *static_cast<Body*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  char message[200] = "unknown C++ exception";
  try {
    return body(L);
  } catch (const std::exception& exception) {
    std::snprintf(message, sizeof message, "%s", exception.what());
  } catch (...) {
  }
  // Raised only here, where the exception object is gone: a longjmp out of the handler would leak it.
  lua_pushstring(L, message);
  return lua_error(L);
}

}  // namespace detail

// Runs `body`, a callable `int(lua_State*)`, as a lua_CFunction under lua_pcall. The topmost `arguments`
// values are taken off the stack and are the body's 1, 2, ...; the body returns how many values on top of its
// stack are results. Returns lua_pcall's status: after LUA_OK the stack has `results` values more, else one,
// the error (pop_error).
//
// The rule: wherever a Lua call in the body may raise, only trivially destructible objects are alive in the
// body's own frames (int, pointers, string_view). What the body fills (a std::string, a struct) belongs to
// the caller's frame and is captured by reference. Beware of temporaries: f(std::string(...),
// lua_tostring(...)). A C++ exception in the body, std::bad_alloc say, ends it as a Lua error does.
//
// Itself it never raises and allocates nothing. It needs two free stack slots; a C function starts with
// LUA_MINSTACK.
template <typename Body>
[[nodiscard]] int protected_call(lua_State* L, int arguments, int results, Body&& body) {
  using Callable = std::remove_reference_t<Body>;
  static_assert(std::is_invocable_r_v<int, Callable&, lua_State*> && !std::is_const_v<Callable>);
  lua_pushcfunction(L, detail::run_body<Callable>);
  lua_insert(L, -1 - arguments);
  lua_pushlightuserdata(L, &body);
  return lua_pcall(L, arguments + 1, results, 0);
}

// Takes the error that a failed call left on the stack and returns its text. Does not raise.
inline std::string pop_error(lua_State* L) {
  // Only a string is converted: lua_tolstring on a number allocates in Lua.
  std::string text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "the error is not a string";
  lua_pop(L, 1);
  return text;
}

// As protected_call(), but throws a std::runtime_error with the text of a Lua error: for what entry.h gives to Lua.
template <typename Body>
void checked_call(lua_State* L, int arguments, int results, Body&& body) {
  if (protected_call(L, arguments, results, body) != LUA_OK) throw std::runtime_error(pop_error(L));
}

// Pushes what `body`, a callable `void(lua_State*)`, leaves on its stack, which are `results` values, and returns how
// many these are. Throws as checked_call() does.
template <typename Body>
int checked_push(lua_State* L, int results, Body&& body) {
  checked_call(L, 0, results, [&](lua_State* inner) {
    body(inner);
    return results;
  });
  return results;
}

}  // namespace pubsub_mqtt::lua
