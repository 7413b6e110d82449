#include "core_logins.h"

#include <string>
#include <string_view>

#include "core_handle.h"
#include "pubsub_mqtt/mqtt/reason.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

mqtt::Reason check_reason(lua_State* L, int index) {
  static constexpr const char* names[] = {"continue",        "accepted",       "unavailable", "too_often",
                                          "bad_credentials", "not_authorized", "bad_method",  nullptr};
  static constexpr mqtt::Reason reasons[] = {
      mqtt::Reason::continue_authentication,   mqtt::Reason::success,
      mqtt::Reason::server_unavailable,        mqtt::Reason::connection_rate_exceeded,
      mqtt::Reason::bad_user_name_or_password, mqtt::Reason::not_authorized,
      mqtt::Reason::bad_authentication_method};
  return reasons[luaL_checkoption(L, index, nullptr, names)];
}

}  // namespace

int logged_in(lua_State* L) {
  Core& core = check_core(L);
  const auto connection = static_cast<ConnectionId>(luaL_checkinteger(L, 2));
  const auto reason = check_reason(L, 3);
  const auto account = reason == mqtt::Reason::success ? check_text(L, 4) : std::string_view();
  core.tell_hub(L, [&](hub::Hub& hub) {
    hub.logged_in({.connection = connection, .reason = reason, .account = std::string(account)});
  });
  return 0;
}

int authenticated(lua_State* L) {
  Core& core = check_core(L);
  const auto connection = static_cast<ConnectionId>(luaL_checkinteger(L, 2));
  const auto reason = check_reason(L, 3);
  const auto data = opt_text(L, 4).value_or("");
  const auto account = reason == mqtt::Reason::success ? check_text(L, 5) : std::string_view();
  core.tell_hub(L, [&](hub::Hub& hub) {
    hub.authenticated({.connection = connection,
                       .reason = reason,
                       .data = std::string(data),
                       .account = std::string(account)});
  });
  return 0;
}

}  // namespace pubsub_mqtt::lua
