#include "limit_settings.h"

#include <cstddef>
#include <string_view>
#include <variant>

#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// The Lua half has checked the range.
std::size_t number_field(lua_State* L, int table, std::string_view name) {
  push_text(L, name);
  lua_gettable(L, table);
  const auto number = static_cast<std::size_t>(luaL_checknumber(L, -1));
  lua_pop(L, 1);
  return number;
}

}  // namespace

void push_limit_settings(lua_State* L) {
  push_list(L, limit_settings, [L](const LimitSetting& setting) {
    lua_createtable(L, 0, 6);
    set_text(L, "name", setting.name);
    set_integer(L, "default", value_of(setting, Limits{}));
    set_integer(L, "least", setting.least);
    set_integer(L, "most", setting.most);
    set_flag(L, "is_time", std::holds_alternative<Time Limits::*>(setting.member));
    set_flag(L, "may_be_never", setting.may_be_never);
  });
}

Limits read_limits(lua_State* L, int index) {
  Limits limits;
  for (const LimitSetting& setting : limit_settings)
    set(setting, number_field(L, index, setting.name), limits);
  limits.passwords_in_the_clear = flag_field(L, index, "passwords_in_the_clear");
  limits.log_connections = flag_field(L, index, "log_connections");
  if (flag_field(L, index, "anonymous_from_everywhere")) {
    limits.anonymous = Anonymous::from_everywhere;
  } else if (!flag_field(L, index, "anonymous_from_loopback")) {
    limits.anonymous = Anonymous::from_nowhere;
  }
  if (flag_field(L, index, "shared_groups_of_accounts")) limits.shared_groups = GroupScope::account;
  return limits;
}

}  // namespace pubsub_mqtt::lua
