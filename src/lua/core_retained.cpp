#include "core_retained.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "clock.h"
#include "core_handle.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

std::string_view text_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  return check_text(L, -1);
}

// At most about as long as an interval of MQTT 5.0 may be, whatever the store says.
Time time_after(lua_Number seconds) {
  constexpr lua_Number most = 0x1p32;
  const std::chrono::duration<lua_Number> interval(std::clamp(seconds, -most, most));
  return now() + std::chrono::duration_cast<Time>(interval);
}

}  // namespace

int restore_retained(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  const auto type = topic::type_from_name(text_field(L, 4, "type"));
  const auto element = text_field(L, 4, "element");
  lua_getfield(L, 4, "qos");
  const auto qos = luaL_checkinteger(L, -1);
  const bool is_large = flag_field(L, 4, "is_large");
  lua_getfield(L, 4, "publisher");  // older copies have none
  const auto publisher = static_cast<PublisherId>(lua_tointeger(L, -1));
  const auto payload = check_text(L, 5);
  const auto properties = opt_text(L, 6).value_or("");
  const Time expires_at = lua_isnoneornil(L, 7) ? Time::max() : time_after(luaL_checknumber(L, 7));
  if (!type || qos < 0 || qos > 2) return luaL_error(L, "the copy has an unknown TYPE or QoS");
  bool is_xml = false;
  core.tell_hub(L, [&](hub::Hub& hub) {
    auto retained = hub::restored(*type, payload, element, static_cast<mqtt::QoS>(qos), is_large);
    is_xml = retained.has_value();
    if (!is_xml) return;
    retained->envelope.publisher = publisher;
    retained->envelope.expires_at = expires_at;
    if (!properties.empty() && mqtt::are_forwarded(properties)) {
      retained->envelope.properties = std::make_shared<const std::string>(properties);
    }
    hub.restore_retained(host, node, std::move(*retained));
  });
  return is_xml ? 0 : luaL_error(L, "the element of the copy is no XML");
}

int restore_current(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 4, LUA_TTABLE);
  core.restore_current(L, check_text(L, 2), check_text(L, 3), 4, opt_text(L, 5).value_or(""));
  return 0;
}

}  // namespace pubsub_mqtt::lua
