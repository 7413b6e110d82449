#include "core_methods.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core_administration.h"
#include "core_answers.h"
#include "core_events.h"
#include "core_handle.h"
#include "core_logins.h"
#include "core_metrics.h"
#include "core_ports.h"
#include "core_retained.h"
#include "core_settings.h"
#include "entry.h"
#include "limit_settings.h"
#include "protected_call.h"
#include "storage.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

int attach(lua_State* L) {
  Core& core = check_core(L);
  core.callbacks().attach(L, 2);
  // Its settings may judge otherwise.
  core.tell_hub(L, [](hub::Hub& hub) { hub.withdraw_all_routes(); });
  return 0;
}

// Durability and path, or nothing.
std::optional<store::Settings> store_settings(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  const auto durability = check_durability(L, index);
  const auto path = check_text(L, index + 1);
  return store::Settings{.path = std::string(path), .durability = durability};
}

int start(lua_State* L) {
  Core& core = check_core(L);
  lua_pushboolean(L, core.start(L, store_settings(L, 2)));
  return 1;
}

int requests_fd(lua_State* L) {
  lua_pushinteger(L, check_core(L).network().requests_fd());
  return 1;
}

int work(lua_State* L) {
  lua_pushboolean(L, check_core(L).work(L, lua_toboolean(L, 2) != 0));
  return 1;
}

int stop(lua_State* L) {
  const auto seconds = luaL_checknumber(L, 2);
  check_core(L).stop(L, std::chrono::milliseconds(static_cast<long>(seconds * 1000)));
  return 0;
}

constexpr luaL_Reg core_methods[] = {
    {"attach", entry<attach>},
    {"set_limits", entry<set_limits>},
    {"set_mountpoint", entry<set_mountpoint>},
    {"set_access", entry<set_access>},
    {"start", entry<start>},
    {"listen", entry<listen>},
    {"set_tls", entry<set_tls>},
    {"close_listener", entry<close_listener>},
    {"requests_fd", entry<requests_fd>},
    {"work", entry<work>},
    {"item_published", entry<item_published>},
    {"item_retracted", entry<hub_event<&hub::Hub::item_retracted>>},
    {"set_max_node_name", entry<set_max_node_name>},
    {"node_created", entry<hub_event<&hub::Hub::node_created>>},
    {"node_deleted", entry<hub_event<&hub::Hub::node_deleted>>},
    {"node_purged", entry<hub_event<&hub::Hub::node_purged>>},
    {"node_changed", entry<hub_event<&hub::Hub::node_changed>>},
    {"affiliation_changed", entry<hub_event<&hub::Hub::affiliation_changed>>},
    {"account_changed", entry<hub_event<&hub::Hub::account_changed>>},
    {"logged_in", entry<logged_in>},
    {"authenticated", entry<authenticated>},
    {"close_account", entry<close_account>},
    {"close_accounts_of", entry<hub_event<&hub::Hub::close_accounts_of>>},
    {"clients", entry<clients>},
    {"client", entry<client>},
    {"close_connection", entry<hub_event_of_session<&hub::Hub::close_connection>>},
    {"end_session", entry<hub_event_of_session<&hub::Hub::end_session>>},
    {"topic", entry<topic_meaning>},
    {"filter", entry<filter_meaning>},
    {"retained", entry<retained>},
    {"clear_retained", entry<clear_retained>},
    {"node_names", entry<names_page<&hub::Hub::node_names>>},
    {"sees_node", entry<sees_node>},
    {"payload", entry<item_payload>},
    {"retained_payload", entry<retained_payload>},
    {"store", entry<store_view>},
    {"count_rows", entry<count_rows>},
    {"metrics", entry<metrics>},
    {"publish_system", entry<publish_system>},
    {"host_changed", entry<hub_event<&hub::Hub::host_changed>>},
    {"host_disabled", entry<hub_event<&hub::Hub::host_disabled>>},
    {"withdraw_route", entry<hub_event<&hub::Hub::withdraw_route>>},
    {"withdraw_routes", entry<hub_event<&hub::Hub::withdraw_routes>>},
    {"restore_retained", entry<restore_retained>},
    {"restore_current", entry<restore_current>},
    {"restore_later", entry<hub_event<&hub::Hub::restore_later>>},
    {"unrestored_nodes", entry<names_page<&hub::Hub::unrestored_nodes>>},
    {"restore_none", entry<hub_event<&hub::Hub::restore_none>>},
    {"restore_end", entry<hub_event<&hub::Hub::restore_end>>},
    {"keeps_retained", entry<keeps_retained>},
    {"put_retained", entry<put_retained>},
    {"find_retained", entry<find_retained>},
    {"retained_nodes", entry<retained_nodes>},
    {"take_over_retained", entry<take_over_retained>},
    {"has_taken_over_retained", entry<has_taken_over_retained>},
    {"is_all_committed", entry<is_all_committed>},
    {"stop", entry<stop>},
    {nullptr, nullptr},
};

}  // namespace

int new_core(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  const Limits limits = read_limits(L, 1);
  auto& handle = push_userdata<CoreHandle>(L, core_type);
  handle = std::make_unique<Core>(limits);
  handle->callbacks().attach(L, 2);
  return 1;
}

void register_core(lua_State* L) { register_userdata<CoreHandle>(L, core_type, core_methods); }

}  // namespace pubsub_mqtt::lua
