#include "core_retained.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clock.h"
#include "core_handle.h"
#include "protected_call.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "pubsub_mqtt/store/retained.h"
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

// Seconds since 1970, as Lua has them. At most about as far as MQTT 5.0 can mean.
store::WallTime wall_time(lua_Number seconds) {
  constexpr lua_Number most = 0x1p34;
  const std::chrono::duration<lua_Number> since(std::clamp(seconds, -most, most));
  return std::chrono::duration_cast<store::WallTime>(since);
}
lua_Number seconds(store::WallTime time) { return std::chrono::duration<lua_Number>(time).count(); }

void set_seconds(lua_State* L, const char* key, store::WallTime time) {
  lua_pushnumber(L, seconds(time));
  lua_setfield(L, -2, key);
}

std::string_view opt_text_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  return opt_text(L, -1).value_or("");
}

// Fields of a message that has not ended, each of which was checked; nothing of it may raise any more.
struct RetainedFields {
  std::string_view type;
  std::string_view payload;
  std::string_view element;
  std::string_view properties;
  lua_Integer qos = 0;
  PublisherId publisher = 0;
  bool is_large = false;
  lua_Number expires = 0;  // 0: it does not
};

RetainedFields check_retained(lua_State* L, int index) {
  RetainedFields fields;
  fields.type = text_field(L, index, "type");
  fields.payload = text_field(L, index, "payload");
  fields.element = text_field(L, index, "element");
  fields.properties = opt_text_field(L, index, "properties");
  lua_getfield(L, index, "qos");
  fields.qos = luaL_checkinteger(L, -1);
  lua_getfield(L, index, "publisher");  // older copies have none
  fields.publisher = static_cast<PublisherId>(lua_tointeger(L, -1));
  fields.is_large = flag_field(L, index, "is_large");
  lua_getfield(L, index, "expires");
  fields.expires = luaL_optnumber(L, -1, 0);
  return fields;
}

void fill(store::RetainedRow& row, const RetainedFields& fields) {
  row.type = fields.type;
  row.payload = fields.payload;
  row.element = fields.element;
  row.properties = fields.properties;
  row.qos = static_cast<mqtt::QoS>(std::clamp<lua_Integer>(fields.qos, 0, 2));
  row.publisher = fields.publisher;
  row.is_large = fields.is_large;
  if (fields.expires != 0) row.expires_at = wall_time(fields.expires);
}

// What restore_retained() returns of a copy that is damaged.
int push_damage(lua_State* L, const char* why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

void push_row(lua_State* L, const store::RetainedRow& row) {
  lua_createtable(L, 0, 10);
  set_text(L, "node", row.identity);
  if (row.has_ended) return set_seconds(L, "ended", row.time);
  set_seconds(L, "time", row.time);
  set_text(L, "type", row.type);
  set_text(L, "payload", row.payload);
  set_text(L, "element", row.element);
  set_flag(L, "is_large", row.is_large);
  set_integer(L, "publisher", row.publisher);
  set_integer(L, "qos", row.qos);
  if (row.expires_at) set_seconds(L, "expires", *row.expires_at);
  if (!row.properties.empty()) set_text(L, "properties", row.properties);
}

}  // namespace

int keeps_retained(lua_State* L) {
  lua_pushboolean(L, check_core(L).retained() != nullptr);
  return 1;
}

int put_retained(lua_State* L) {
  store::RetainedRows* rows = check_core(L).retained();
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  if (rows == nullptr) return 0;
  if (lua_isnoneornil(L, 4)) {
    rows->remove(std::string(host), std::string(node));
    return 0;
  }
  luaL_checktype(L, 4, LUA_TTABLE);
  const auto identity = opt_text_field(L, 4, "node");
  lua_getfield(L, 4, "ended");
  const bool has_ended = !lua_isnil(L, -1);
  lua_getfield(L, 4, has_ended ? "ended" : "time");
  const lua_Number time = luaL_checknumber(L, -1);
  const RetainedFields fields = has_ended ? RetainedFields() : check_retained(L, 4);
  store::RetainedRow row{.host = std::string(host), .node = std::string(node)};
  row.identity = identity;
  row.time = wall_time(time);
  row.has_ended = has_ended;
  if (!has_ended) fill(row, fields);
  rows->put(std::move(row));
  return 0;
}

int find_retained(lua_State* L) {
  store::RetainedRows* rows = check_core(L).retained();
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  if (rows == nullptr) return 0;
  const auto row = rows->find(std::string(host), std::string(node));
  if (row == nullptr) return 0;
  return checked_push(L, 1, [&](lua_State* inner) { push_row(inner, *row); });
}

int retained_nodes(lua_State* L) {
  store::RetainedRows* rows = check_core(L).retained();
  const auto host = check_text(L, 2);
  std::vector<std::string> nodes;
  if (rows != nullptr) nodes = rows->nodes(std::string(host));
  return checked_push(L, 1, [&](lua_State* inner) { push_texts(inner, nodes); });
}

int take_over_retained(lua_State* L) {
  store::RetainedRows* rows = check_core(L).retained();
  const auto host = check_text(L, 2);
  if (rows != nullptr) rows->take_over(std::string(host));
  return 0;
}

int has_taken_over_retained(lua_State* L) {
  store::RetainedRows* rows = check_core(L).retained();
  const auto host = check_text(L, 2);
  const bool has = rows != nullptr && rows->is_taken_over(std::string(host));
  lua_pushboolean(L, has);
  return 1;
}

int is_all_committed(lua_State* L) {
  lua_pushboolean(L, check_core(L).is_all_committed());
  return 1;
}

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
  if (!type || qos < 0 || qos > 2) return push_damage(L, "it has an unknown TYPE or QoS");
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
  if (!is_xml) return push_damage(L, "its element is no XML");
  lua_pushboolean(L, 1);
  return 1;
}

int restore_current(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 4, LUA_TTABLE);
  core.restore_current(L, check_text(L, 2), check_text(L, 3), 4, opt_text(L, 5).value_or(""));
  return 0;
}

}  // namespace pubsub_mqtt::lua
