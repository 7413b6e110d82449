#include "core_ports.h"

#include <cerrno>
#include <cstring>

#include "core_handle.h"
#include "tls_contexts.h"

namespace pubsub_mqtt::lua {

int listen(lua_State* L) {
  Core& core = check_core(L);
  const auto fd = static_cast<int>(luaL_checkinteger(L, 2));
  const auto* tls = lua_isnoneornil(L, 3) ? nullptr : &check_tls_contexts(L, 3);
  const net::ListenerId listener = core.next_listener();
  if (!core.network().listen(listener, fd, tls == nullptr ? nullptr : (*tls)->contexts())) {
    lua_pushnil(L);
    lua_pushstring(L, std::strerror(errno));
    return 2;
  }
  lua_pushinteger(L, static_cast<lua_Integer>(listener));
  return 1;
}

int set_tls(lua_State* L) {
  Core& core = check_core(L);
  const auto listener = static_cast<net::ListenerId>(luaL_checkinteger(L, 2));
  core.network().set_tls(listener, check_tls_contexts(L, 3)->contexts());
  return 0;
}

int close_listener(lua_State* L) {
  check_core(L).network().close_listener(static_cast<net::ListenerId>(luaL_checkinteger(L, 2)));
  return 0;
}

}  // namespace pubsub_mqtt::lua
