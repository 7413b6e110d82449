#include "item_query.h"

#include <optional>
#include <string>
#include <vector>

#include "protected_call.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// --- Inside a protected_call, with the table at index 1: these raise, and fill what is outside. ---

void read_text(lua_State* L, const char* field, std::optional<std::string>& into) {
  lua_getfield(L, 1, field);
  if (lua_type(L, -1) == LUA_TSTRING) into.emplace(text_at(L, -1));
  lua_pop(L, 1);
}

void read_number(lua_State* L, const char* field, std::optional<double>& into) {
  lua_getfield(L, 1, field);
  if (lua_isnumber(L, -1) != 0) into = lua_tonumber(L, -1);
  lua_pop(L, 1);
}

void read_position(lua_State* L, const char* field, store::Position& into) {
  lua_getfield(L, 1, field);
  into = static_cast<store::Position>(lua_tointeger(L, -1));
  lua_pop(L, 1);
}

void read_ids(lua_State* L, std::vector<std::string>& into) {
  lua_getfield(L, 1, "ids");
  if (!lua_istable(L, -1)) return;
  for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TSTRING; ++i, lua_pop(L, 1)) {
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
