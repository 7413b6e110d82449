#include "core_settings.h"

#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "access_settings.h"
#include "core_handle.h"
#include "limit_settings.h"
#include "protected_call.h"
#include "pubsub_mqtt/topic/mountpoint.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// A list of strings.
topic::Mountpoint::Hosts read_hosts(lua_State* L, int index) {
  topic::Mountpoint::Hosts hosts;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    for (lua_Integer i = 1; lua_rawgeti(inner, 1, i) == LUA_TSTRING; ++i) {
      hosts.emplace(check_text(inner, -1));
      lua_pop(inner, 1);
    }
    return 0;
  });
  return hosts;
}

// Returns what is wrong with the setting; nothing where all is well.
std::string_view set_mountpoint_of(lua_State* L, Core& core, const char* setting) {
  auto hosts = read_hosts(L, 3);
  std::string_view fault;
  std::optional<topic::Mountpoint> mountpoint;
  if (setting != nullptr) {
    auto parsed = topic::Mountpoint::parse(setting, std::move(hosts));
    if (const auto* invalid = std::get_if<topic::Mountpoint::Invalid>(&parsed)) {
      fault = invalid->reason;
    } else {
      mountpoint = std::get<topic::Mountpoint>(std::move(parsed));
    }
  }
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_mountpoint(std::move(mountpoint)); });
  return fault;
}

}  // namespace

int set_limits(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  const Limits limits = read_limits(L, 2);
  core.network().set_limits(limits);
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_limits(limits); });
  return 0;
}

int set_mountpoint(lua_State* L) {
  Core& core = check_core(L);
  const char* setting = luaL_optstring(L, 2, nullptr);
  luaL_checktype(L, 3, LUA_TTABLE);
  const auto fault = set_mountpoint_of(L, core, setting);
  if (fault.empty()) return 0;
  push_text(L, fault);
  return 1;
}

int set_access(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  core.network().set_access(read_access(L, 2));
  return 0;
}

}  // namespace pubsub_mqtt::lua
