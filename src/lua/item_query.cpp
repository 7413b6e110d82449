#include "item_query.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "protected_call.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// --- Inside a protected_call, with the table at index 1: these raise, and fill what is outside. ---

// What is asked for by something else is not to be taken for all there is, which may be removed. Prosody's drivers take
// false for nil.
bool is_asked_for(lua_State* L, const char* field) {
  lua_getfield(L, 1, field);
  return lua_toboolean(L, -1) != 0;
}

void read_text(lua_State* L, const char* field, std::optional<std::string>& into) {
  if (is_asked_for(L, field)) {
    if (lua_isstring(L, -1) == 0) luaL_error(L, "The %s of a query is not a string", field);
    lua_tolstring(L, -1, nullptr);  // of a number
    into.emplace(text_at(L, -1));
  }
  lua_pop(L, 1);
}

void read_number(lua_State* L, const char* field, std::optional<double>& into) {
  if (is_asked_for(L, field)) {
    const double number = lua_isnumber(L, -1) != 0 ? lua_tonumber(L, -1) : std::nan("");
    if (std::isnan(number)) luaL_error(L, "The %s of a query is not a number", field);
    into = number;
  }
  lua_pop(L, 1);
}

void read_position(lua_State* L, const char* field, store::Position& into) {
  lua_getfield(L, 1, field);
  into = static_cast<store::Position>(lua_tointeger(L, -1));
  lua_pop(L, 1);
}

void read_ids(lua_State* L, std::vector<std::string>& into) {
  if (!is_asked_for(L, "ids")) return;
  if (!lua_istable(L, -1)) luaL_error(L, "The ids of a query are not a list");
  for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; ++i, lua_pop(L, 1)) {
    if (lua_isstring(L, -1) == 0) luaL_error(L, "An id of a query is not a string");
    lua_tolstring(L, -1, nullptr);  // of a number
    into.emplace_back(text_at(L, -1));
  }
}

}  // namespace

store::ItemQuery read_item_query(lua_State* L, int index) {
  store::ItemQuery query;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    luaL_checktype(inner, 1, LUA_TTABLE);
    read_text(inner, "key", query.key);
    read_text(inner, "with", query.with);
    read_number(inner, "start", query.start);
    read_number(inner, "end", query.end);
    read_position(inner, "after", query.after);
    read_position(inner, "before", query.before);
    query.reverse = flag_field(inner, 1, "reverse");
    read_ids(inner, query.keys);
    return 0;
  });
  return query;
}

}  // namespace pubsub_mqtt::lua
