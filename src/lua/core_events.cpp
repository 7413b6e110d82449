#include "core_events.h"

#include <cstddef>
#include <optional>

namespace pubsub_mqtt::lua {

int item_published(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 5, LUA_TTABLE);
  core.item_published(L, check_text(L, 2), check_text(L, 3), check_text(L, 4), 5,
                      opt_text(L, 6).value_or(""));
  return 0;
}

int set_max_node_name(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  std::optional<std::size_t> bytes;
  if (!lua_isnoneornil(L, 3)) bytes = static_cast<std::size_t>(luaL_checkinteger(L, 3));
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_max_node_name(host, bytes); });
  return 0;
}

int close_account(lua_State* L) {
  Core& core = check_core(L);
  const auto account = check_text(L, 2);
  const bool was_deleted = lua_toboolean(L, 3) != 0;
  core.tell_hub(L, [&](hub::Hub& hub) { hub.close_account(account, was_deleted); });
  return 0;
}

}  // namespace pubsub_mqtt::lua
