#include "archive_methods.h"

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "entry.h"
#include "handle.h"
#include "stanza_text.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

// Of a small item.
constexpr std::size_t usual_stanza_size = 240;

// Of both methods. Strings are there so that no lookup needs memory: what has a destructor may be alive.
enum Upvalue {
  handle_key = 1,
  handle_metatable,
  stanza_metatable,
  name_key,
  attr_key,
  truncate_key,
  failed,
  general,
  last = general
};

int index_of(Upvalue upvalue) { return lua_upvalueindex(upvalue); }

// Does not raise, as what follows.
bool has_metatable(lua_State* L, int index, Upvalue metatable) {
  if (lua_getmetatable(L, index) == 0) return false;
  const bool is_that = lua_rawequal(L, -1, index_of(metatable)) != 0;
  lua_pop(L, 1);
  return is_that;
}

// The table's field of this key is pushed. Returns its type.
int get_field(lua_State* L, int table, Upvalue key) {
  lua_pushvalue(L, index_of(key));
  return lua_rawget(L, table);
}

// What is pushed is behind them.
void fill_arguments(lua_State* L, int count) {
  if (lua_gettop(L) < count) lua_settop(L, count);
}

// Of the archive, the first argument; nullptr: it has none.
Handle* handle_of_archive(lua_State* L) {
  if (!lua_istable(L, 1) || get_field(L, 1, handle_key) != LUA_TUSERDATA) return nullptr;
  return has_metatable(L, -1, handle_metatable) ? static_cast<Handle*>(lua_touserdata(L, -1)) : nullptr;
}

bool is_text_or_nil(lua_State* L, int index) {
  return lua_isnil(L, index) || lua_type(L, index) == LUA_TSTRING;
}

int append_stanza(lua_State* L) {
  fill_arguments(L, 6);
  Handle* const handle = handle_of_archive(L);
  if (handle == nullptr || !is_text_or_nil(L, 2) || lua_type(L, 3) != LUA_TSTRING ||
      !has_metatable(L, 4, stanza_metatable) || lua_type(L, 5) != LUA_TNUMBER ||
      std::isnan(lua_tonumber(L, 5)) || !is_text_or_nil(L, 6)) {
    return 0;
  }
  std::string value;
  value.reserve(usual_stanza_size);
  if (!write_stanza(L, 4, {.name = index_of(name_key), .attr = index_of(attr_key)}, value)) return 0;
  const auto with = lua_isnil(L, 6) ? std::nullopt : std::optional(text_at(L, 6));
  handle->items->append(handle->find_again_or_make(text_at(L, 2)), text_at(L, 3), lua_tonumber(L, 5), with,
                        std::move(value));
  lua_pushvalue(L, 3);
  return 1;
}

// How many items the query, the third argument, spares; nullopt: it asks for something else, too.
std::optional<std::size_t> spared_by_query(lua_State* L) {
  if (!lua_istable(L, 3) || get_field(L, 3, truncate_key) != LUA_TNUMBER || lua_isinteger(L, -1) == 0)
    return std::nullopt;
  const lua_Integer spared = lua_tointeger(L, -1);
  lua_pushnil(L);
  lua_next(L, 3);
  lua_pop(L, 1);
  const bool has_more = lua_next(L, 3) != 0;
  return has_more || spared < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(spared));
}

int truncate_archive(lua_State* L) {
  fill_arguments(L, 3);
  Handle* const handle = handle_of_archive(L);
  if (handle == nullptr || !is_text_or_nil(L, 2)) return 0;
  const auto spared = spared_by_query(L);
  if (!spared) return 0;
  const store::RowNumber number = handle->find_again(text_at(L, 2));
  const std::size_t removed = number == 0 ? 0 : handle->items->truncate(number, *spared);
  lua_pushinteger(L, static_cast<lua_Integer>(removed));
  return 1;
}

// Function returns 0 where the general one is to do it.
template <int (*Function)(lua_State*)>
int method(lua_State* L) {
  char message[300] = "";
  const int arguments = lua_gettop(L);
  const int results = call_caught<Function>(L, message);
  if (results > 0) return results;
  if (results == 0) {
    lua_settop(L, arguments);
    lua_pushvalue(L, index_of(general));
    lua_insert(L, 1);
    lua_call(L, arguments, LUA_MULTRET);
    return lua_gettop(L);
  }
  lua_settop(L, 0);
  lua_pushvalue(L, index_of(failed));
  lua_pushstring(L, message);
  lua_call(L, 1, 2);
  return 2;
}

void push_method(lua_State* L, lua_CFunction function, int general_function) {
  lua_pushliteral(L, "handle");
  luaL_getmetatable(L, handle_type);
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "name");
  lua_pushliteral(L, "attr");
  lua_pushliteral(L, "truncate");
  lua_pushvalue(L, 4);
  lua_pushvalue(L, general_function);
  lua_pushcclosure(L, function, last);
}

int archive_methods(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  for (const int function : {2, 3, 4}) luaL_checktype(L, function, LUA_TFUNCTION);
  push_method(L, method<append_stanza>, 2);
  push_method(L, method<truncate_archive>, 3);
  return 2;
}

}  // namespace

void push_archive_methods(lua_State* L) { lua_pushcfunction(L, archive_methods); }

}  // namespace pubsub_mqtt::lua
