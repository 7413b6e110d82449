#include "storage.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process_store.h"
#include "protected_call.h"

namespace pubsub_mqtt::lua {
namespace {

constexpr const char* store_type = "pubsub_mqtt.store";
constexpr const char* handle_type = "pubsub_mqtt.store_handle";

using store::Item;
using store::ItemQuery;
using store::RowNumber;

// A store of Prosody's, as opened: for all users, of whom the last one's number is known.
struct Handle {
  ProcessStore* process;
  store::StoreName name;
  RowNumber number = 0;
  std::uint64_t drops = 0;  // when the number was found

  RowNumber find(std::string_view user) {
    auto& items = process->items;
    if (number != 0 && drops == items.drops() && name.user == user) return number;
    name.user = user;
    number = items.find_store(name);
    drops = items.drops();
    return number;
  }
  RowNumber find_or_make(std::string_view user) {
    if (const RowNumber found = find(user); found != 0) return found;
    return number = process->items.find_or_make_store(name);
  }
};

// What cannot be done is nil and why, pushed where nothing is left to destroy.
template <int (*Function)(lua_State*)>
int storage_entry(lua_State* L) {
  char message[300] = "unknown C++ exception";
  try {
    return Function(L);
  } catch (const std::exception& exception) {
    std::snprintf(message, sizeof message, "%s", exception.what());
  }
  lua_settop(L, 0);
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

// Pushes what `body` leaves on the stack, `results` values. C++ objects may be alive: no Lua error passes.
template <typename Body>
int push(lua_State* L, int results, Body&& body) {
  auto counted = [&](lua_State* state) {
    body(state);
    return results;
  };
  if (protected_call(L, 0, results, counted) != LUA_OK) throw std::runtime_error(pop_error(L));
  return results;
}

std::string_view check_text(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

// nil is the host.
std::string_view check_user(lua_State* L, int index) {
  return lua_isnoneornil(L, index) ? std::string_view("") : check_text(L, index);
}

std::optional<std::string_view> opt_text(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  return check_text(L, index);
}

void push_text(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

// Whole seconds are integers.
void push_time(lua_State* L, double at) {
  lua_Integer whole = 0;
  if (lua_numbertointeger(at, &whole) != 0 && static_cast<double>(whole) == at) {
    lua_pushinteger(L, whole);
  } else {
    lua_pushnumber(L, at);
  }
}

void push_with(lua_State* L, const std::optional<std::string>& with) {
  if (with) {
    push_text(L, *with);
  } else {
    lua_pushnil(L);
  }
}

void push_texts(lua_State* L, const std::vector<std::string>& texts) {
  lua_createtable(L, static_cast<int>(texts.size()), 0);
  lua_Integer i = 0;
  for (const auto& text : texts) {
    push_text(L, text);
    lua_rawseti(L, -2, ++i);
  }
}

void push_log(lua_State* L, const std::vector<LogLine>& lines) {
  static constexpr const char* levels[] = {"debug", "info", "warn", "error"};
  lua_createtable(L, static_cast<int>(lines.size()), 0);
  lua_Integer i = 0;
  for (const auto& line : lines) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, levels[static_cast<std::size_t>(line.level)]);
    lua_setfield(L, -2, "level");
    push_text(L, line.text);
    lua_setfield(L, -2, "text");
    lua_rawseti(L, -2, ++i);
  }
}

ProcessStore& check_store(lua_State* L) {
  return **static_cast<ProcessStore**>(luaL_checkudata(L, 1, store_type));
}

Handle& check_handle(lua_State* L) { return *static_cast<Handle*>(luaL_checkudata(L, 1, handle_type)); }

store::StoreKind check_kind(lua_State* L, int index) {
  static constexpr const char* names[] = {"keyval", "archive", nullptr};
  return static_cast<store::StoreKind>(luaL_checkoption(L, index, nullptr, names));
}

// --- Queries

std::optional<std::string> text_field(lua_State* L, int table, const char* name) {
  lua_getfield(L, table, name);
  if (lua_type(L, -1) != LUA_TSTRING) return std::nullopt;
  std::size_t size = 0;
  const char* bytes = lua_tolstring(L, -1, &size);
  return std::string(bytes, size);
}

std::optional<double> number_field(lua_State* L, int table, const char* name) {
  lua_getfield(L, table, name);
  if (lua_isnumber(L, -1) == 0) return std::nullopt;
  return lua_tonumber(L, -1);
}

store::Position position_field(lua_State* L, int table, const char* name) {
  lua_getfield(L, table, name);
  return static_cast<store::Position>(lua_tointeger(L, -1));
}

void read_ids(lua_State* L, int table, std::vector<std::string>& into) {
  lua_getfield(L, table, "ids");
  if (!lua_istable(L, -1)) return;
  for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TSTRING; ++i, lua_pop(L, 1)) {
    into.emplace_back(lua_tostring(L, -1));
  }
}

ItemQuery check_query(lua_State* L, int index) {
  ItemQuery query;
  auto body = [&](lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    query.key = text_field(state, 1, "key");
    query.with = text_field(state, 1, "with");
    query.start = number_field(state, 1, "start");
    query.end = number_field(state, 1, "end");
    query.after = position_field(state, 1, "after");
    query.before = position_field(state, 1, "before");
    lua_getfield(state, 1, "reverse");
    query.reverse = lua_toboolean(state, -1) != 0;
    read_ids(state, 1, query.keys);
    return 0;
  };
  lua_pushvalue(L, index);
  if (protected_call(L, 1, 0, body) != LUA_OK) throw std::runtime_error(pop_error(L));
  return query;
}

void push_item(lua_State* L, const store::ItemRow& item) {
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, static_cast<lua_Integer>(item.position));
  lua_setfield(L, -2, "position");
  push_text(L, item.key);
  lua_setfield(L, -2, "key");
  push_text(L, item.value);
  lua_setfield(L, -2, "value");
  push_time(L, item.at);
  lua_setfield(L, -2, "at");
  push_with(L, item.with);
  lua_setfield(L, -2, "with");
}

// --- Methods of a handle

int append(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  const auto at = luaL_checknumber(L, 4);
  const auto with = opt_text(L, 5);
  const auto value = check_text(L, 6);
  handle.process->items.append(handle.find_or_make(user), key, at, with, std::string(value));
  lua_pushboolean(L, 1);
  return 1;
}

int replace(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  const bool has_time = !lua_isnoneornil(L, 4);
  const auto at = has_time ? luaL_checknumber(L, 4) : 0;
  const auto with = opt_text(L, 5);
  const auto value = check_text(L, 6);
  const RowNumber number = handle.find(user);
  const Item old = number == 0 ? nullptr : handle.process->items.find(number, key);
  if (old != nullptr) {
    const auto old_with = old->with ? std::optional<std::string_view>(*old->with) : std::nullopt;
    handle.process->items.replace(*old, has_time ? at : old->at, with ? with : old_with, std::string(value));
  }
  lua_pushboolean(L, old != nullptr ? 1 : 0);
  return 1;
}

int set_all(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  std::vector<std::pair<std::string, std::string>> values;
  auto body = [&](lua_State* state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    for (lua_pushnil(state); lua_next(state, 1) != 0; lua_pop(state, 1)) {
      const std::string_view key = check_text(state, -2);
      const std::string_view value = check_text(state, -1);
      values.emplace_back(key, value);
    }
    return 0;
  };
  lua_pushvalue(L, 3);
  if (protected_call(L, 1, 0, body) != LUA_OK) throw std::runtime_error(pop_error(L));
  if (values.empty()) {
    handle.find(user);
    handle.process->items.drop_store(handle.name);
  } else {
    handle.process->items.set_all(handle.find_or_make(user), std::move(values));
  }
  lua_pushboolean(L, 1);
  return 1;
}

// As an item of an archive, but that the place of the key stays.
int put(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  const auto value = check_text(L, 4);
  handle.process->items.append(handle.find_or_make(user), key, 0, std::nullopt, std::string(value));
  lua_pushboolean(L, 1);
  return 1;
}

int remove(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  if (const RowNumber number = handle.find(user); number != 0) handle.process->items.remove(number, key);
  lua_pushboolean(L, 1);
  return 1;
}

int truncate(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto keep = luaL_checkinteger(L, 3);
  const RowNumber number = handle.find(user);
  const auto removed =
      number == 0 ? 0 : handle.process->items.truncate(number, keep < 0 ? 0 : static_cast<std::size_t>(keep));
  lua_pushinteger(L, static_cast<lua_Integer>(removed));
  return 1;
}

int drop(lua_State* L) {
  Handle& handle = check_handle(L);
  handle.find(check_user(L, 2));
  lua_pushboolean(L, handle.process->items.drop_store(handle.name) ? 1 : 0);
  return 1;
}

int get(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  const RowNumber number = handle.find(user);
  const Item item = number == 0 ? nullptr : handle.process->items.find(number, key);
  if (item == nullptr) return 0;
  return push(L, 3, [&](lua_State* state) {
    push_text(state, item->value);
    push_time(state, item->at);
    push_with(state, item->with);
  });
}

int find(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto limit = static_cast<std::size_t>(luaL_checkinteger(L, 4));
  const ItemQuery query = check_query(L, 3);
  const RowNumber number = handle.find(user);
  const auto items = number == 0 ? std::vector<Item>() : handle.process->items.find(number, query, limit);
  return push(L, 1, [&](lua_State* state) {
    lua_createtable(state, static_cast<int>(items.size()), 0);
    lua_Integer i = 0;
    for (const auto& item : items) {
      push_item(state, *item);
      lua_rawseti(state, -2, ++i);
    }
  });
}

int count(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const ItemQuery query = check_query(L, 3);
  const RowNumber number = handle.find(user);
  lua_pushinteger(L, number == 0 ? 0 : static_cast<lua_Integer>(handle.process->items.count(number, query)));
  return 1;
}

int position(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto key = check_text(L, 3);
  const RowNumber number = handle.find(user);
  const Item item = number == 0 ? nullptr : handle.process->items.find(number, key);
  if (item == nullptr) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(item->position));
  return 1;
}

int users(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto after = check_user(L, 2);
  const auto users = handle.process->items.users(handle.name, std::string(after));
  return push(L, 1, [&](lua_State* state) { push_texts(state, users); });
}

int find_in_all(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto key = check_text(L, 2);
  const auto found = handle.process->items.find_in_all(handle.name, key);
  return push(L, 1, [&](lua_State* state) {
    lua_newtable(state);
    for (const auto& [user, value] : found) {
      push_text(state, user);
      push_text(state, value);
      lua_rawset(state, -3);
    }
  });
}

int collect_handle(lua_State* L) {
  std::destroy_at(static_cast<Handle*>(lua_touserdata(L, 1)));
  return 0;
}

// --- Methods of the store

int start(lua_State* L) {
  lua_pushboolean(L, check_store(L).store.start(nullptr) ? 1 : 0);
  return 1;
}

int stop(lua_State* L) {
  const auto seconds = std::chrono::duration<double>(luaL_checknumber(L, 2));
  check_store(L).store.stop(std::chrono::duration_cast<std::chrono::milliseconds>(seconds));
  return 0;
}

int take_log(lua_State* L) {
  std::vector<LogLine> lines;
  check_store(L).store.take_log(lines);
  return push(L, 1, [&](lua_State* state) { push_log(state, lines); });
}

int open(lua_State* L) {
  ProcessStore& process = check_store(L);
  const auto host = check_text(L, 2);
  const auto name = check_text(L, 3);
  const auto kind = check_kind(L, 4);
  void* place = lua_newuserdatauv(L, sizeof(Handle), 0);
  auto* handle = std::construct_at(static_cast<Handle*>(place), Handle{.process = &process, .name = {}});
  luaL_setmetatable(L, handle_type);
  handle->name = {.host = std::string(host), .kind = kind, .name = std::string(name), .user = {}};
  return 1;
}

int names(lua_State* L) {
  ProcessStore& process = check_store(L);
  const auto host = check_text(L, 2);
  const auto kind = check_kind(L, 3);
  const auto user = opt_text(L, 4);
  const auto names =
      process.items.names(std::string(host), kind, user ? std::optional<std::string>(*user) : std::nullopt);
  return push(L, 1, [&](lua_State* state) { push_texts(state, names); });
}

int open_store(lua_State* L) {
  const auto path = check_text(L, 1);
  static constexpr const char* durabilities[] = {"disk", "process", nullptr};
  const auto durability = static_cast<store::Durability>(luaL_checkoption(L, 2, nullptr, durabilities));
  const auto access = lua_toboolean(L, 3) != 0 ? store::Access::alone : store::Access::beside;
  auto** place = static_cast<ProcessStore**>(lua_newuserdatauv(L, sizeof(void*), 0));
  *place = nullptr;
  luaL_setmetatable(L, store_type);
  std::vector<LogLine> log;
  store::Settings settings{.path = std::string(path)};
  settings.durability = durability;
  *place = open_process_store(std::move(settings), access, log);
  if (*place != nullptr) return 1;
  return push(L, 2, [&](lua_State* state) {
    lua_pushnil(state);
    push_log(state, log);
  });
}

constexpr luaL_Reg store_methods[] = {{"start", storage_entry<start>},       {"stop", storage_entry<stop>},
                                      {"take_log", storage_entry<take_log>}, {"open", storage_entry<open>},
                                      {"names", storage_entry<names>},       {nullptr, nullptr}};
constexpr luaL_Reg handle_methods[] = {{"append", storage_entry<append>},
                                       {"replace", storage_entry<replace>},
                                       {"set_all", storage_entry<set_all>},
                                       {"put", storage_entry<put>},
                                       {"remove", storage_entry<remove>},
                                       {"truncate", storage_entry<truncate>},
                                       {"drop", storage_entry<drop>},
                                       {"get", storage_entry<get>},
                                       {"find", storage_entry<find>},
                                       {"count", storage_entry<count>},
                                       {"position", storage_entry<position>},
                                       {"users", storage_entry<users>},
                                       {"find_in_all", storage_entry<find_in_all>},
                                       {"__gc", collect_handle},
                                       {nullptr, nullptr}};

void make_type(lua_State* L, const char* type, const luaL_Reg* methods) {
  luaL_newmetatable(L, type);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

}  // namespace

void push_open_store(lua_State* L) {
  make_type(L, store_type, store_methods);
  make_type(L, handle_type, handle_methods);
  lua_pushcfunction(L, storage_entry<open_store>);
}

}  // namespace pubsub_mqtt::lua
