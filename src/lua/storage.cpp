#include "storage.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entry.h"
#include "handle.h"
#include "item_query.h"
#include "process_store.h"
#include "protected_call.h"
#include "serialized_text.h"
#include "userdata.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

constexpr const char* store_type = "pubsub_mqtt.store";

using store::Item;
using store::RowNumber;

// nil is the host.
std::string_view check_user(lua_State* L, int index) { return opt_text(L, index).value_or(""); }

// SQLite takes NaN for NULL, which no item may have: nothing would be committed any more.
double check_time(lua_State* L, int index) {
  const double at = luaL_checknumber(L, index);
  if (std::isnan(at)) throw store::ItemsError("The time of an item is not a number");
  return at;
}

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

void push_log(lua_State* L, const std::vector<LogLine>& lines) {
  push_list(L, lines, [L](const LogLine& line) {
    lua_createtable(L, 0, 2);
    set_text(L, "level", name_of(line.level));
    set_text(L, "text", line.text);
  });
}

// The process owns the store, Lua only what refers to it.
struct StoreHandle {
  ProcessStore* process = nullptr;
};

ProcessStore& check_store(lua_State* L) { return *check_userdata<StoreHandle>(L, 1, store_type).process; }

Handle& check_handle(lua_State* L) { return check_userdata<Handle>(L, 1, handle_type); }

// The first arguments of what is about one key.
struct Place {
  Handle& handle;
  std::string_view user;
  std::string_view key;

  Item find() const { return handle.find_item(user, key); }
};

Place check_place(lua_State* L) {
  return {.handle = check_handle(L), .user = check_user(L, 2), .key = check_text(L, 3)};
}

store::StoreKind check_kind(lua_State* L, int index) {
  static constexpr const char* names[] = {"keyval", "archive", nullptr};
  return static_cast<store::StoreKind>(luaL_checkoption(L, index, nullptr, names));
}

void push_item(lua_State* L, const store::ItemRow& item) {
  lua_createtable(L, 0, 5);
  set_integer(L, "position", item.position);
  set_text(L, "key", item.key);
  set_text(L, "value", item.value);
  push_time(L, item.at);
  lua_setfield(L, -2, "at");
  push_with(L, item.with);
  lua_setfield(L, -2, "with");
}

// Of a user's table. `decode`: index of the function for what push_serialized() does not understand, which returns nil and
// why for what is damaged. Returns false then, with why on top of the stack.
bool push_value(lua_State* L, int decode, const store::ItemRow& item) {
  if (push_serialized(L, item.value)) return true;
  lua_pushvalue(L, decode);
  push_text(L, item.value);
  lua_call(L, 1, 2);
  if (lua_isnil(L, -2)) return false;
  lua_pop(L, 1);
  return true;
}

// What has no key of its own is in a table: puts the fields of the one on top of the stack into that below, and pops it.
void merge_fields(lua_State* L) {
  for (lua_pushnil(L); lua_next(L, -2) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
}

// --- Methods of a handle

int push_true(lua_State* L) {
  lua_pushboolean(L, 1);
  return 1;
}

int append(lua_State* L) {
  const auto [handle, user, key] = check_place(L);
  const auto at = check_time(L, 4);
  const auto with = opt_text(L, 5);
  const auto value = check_text(L, 6);
  handle.items->append(handle.find_or_make(user), key, at, with, std::string(value));
  return push_true(L);
}

int replace(lua_State* L) {
  const auto [handle, user, key] = check_place(L);
  const bool has_time = !lua_isnoneornil(L, 4);
  const auto at = has_time ? check_time(L, 4) : 0;
  const auto with = opt_text(L, 5);
  const auto value = opt_text(L, 6);
  const Item old = handle.find_item(user, key);
  if (old != nullptr) {
    const auto old_with = old->with ? std::optional<std::string_view>(*old->with) : std::nullopt;
    handle.items->replace(*old, has_time ? at : old->at, with ? with : old_with,
                          std::string(value.value_or(old->value)));
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
  checked_call(L, 1, 0, body);
  if (values.empty()) {
    handle.find(user);
    handle.items->drop_store(handle.name);
  } else {
    handle.items->set_all(handle.find_or_make(user), std::move(values));
  }
  return push_true(L);
}

// As an item of an archive, but that the place of the key stays.
int put(lua_State* L) {
  const auto [handle, user, key] = check_place(L);
  const auto value = check_text(L, 4);
  handle.items->append(handle.find_or_make(user), key, 0, std::nullopt, std::string(value));
  return push_true(L);
}

int remove(lua_State* L) {
  const auto [handle, user, key] = check_place(L);
  if (const RowNumber number = handle.find(user); number != 0) handle.items->remove(number, key);
  return push_true(L);
}

int truncate(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto keep = luaL_checkinteger(L, 3);
  const RowNumber number = handle.find(user);
  const auto removed =
      number == 0 ? 0 : handle.items->truncate(number, keep < 0 ? 0 : static_cast<std::size_t>(keep));
  lua_pushinteger(L, static_cast<lua_Integer>(removed));
  return 1;
}

int drop(lua_State* L) {
  Handle& handle = check_handle(L);
  handle.find(check_user(L, 2));
  lua_pushboolean(L, handle.items->drop_store(handle.name) ? 1 : 0);
  return 1;
}

int get(lua_State* L) {
  const Item item = check_place(L).find();
  if (item == nullptr) return 0;
  return checked_push(L, 3, [&](lua_State* state) {
    push_text(state, item->value);
    push_time(state, item->at);
    push_with(state, item->with);
  });
}

int load(lua_State* L) {
  constexpr std::size_t all = std::numeric_limits<int>::max();
  Handle& handle = check_handle(L);
  const RowNumber number = handle.find(check_user(L, 2));
  luaL_checktype(L, 3, LUA_TFUNCTION);
  const auto items = number == 0 ? std::vector<Item>() : handle.items->find(number, {}, all);
  if (items.empty()) return 0;
  lua_pushvalue(L, 3);
  checked_call(L, 1, 2, [&](lua_State* inner) {
    lua_createtable(inner, 0, static_cast<int>(items.size()));
    for (const auto& item : items) {
      if (!item->key.empty()) push_text(inner, item->key);
      if (!push_value(inner, 1, *item)) {
        lua_pushnil(inner);
        lua_insert(inner, -2);
        return 2;
      }
      if (!item->key.empty()) {
        lua_rawset(inner, -3);
      } else if (lua_istable(inner, -1)) {
        merge_fields(inner);
      } else {
        lua_pushnil(inner);
        lua_pushstring(inner, "damaged value");
        return 2;
      }
    }
    lua_pushnil(inner);
    return 2;
  });
  return 2;
}

int find(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const auto limit = static_cast<std::size_t>(luaL_checkinteger(L, 4));
  const store::ItemQuery query = read_item_query(L, 3);
  const RowNumber number = handle.find(user);
  const auto items = number == 0 ? std::vector<Item>() : handle.items->find(number, query, limit);
  return checked_push(L, 1, [&](lua_State* state) {
    push_list(state, items, [state](const auto& item) { push_item(state, *item); });
  });
}

int count(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto user = check_user(L, 2);
  const store::ItemQuery query = read_item_query(L, 3);
  const RowNumber number = handle.find(user);
  lua_pushinteger(L,
                  number == 0 ? 0 : static_cast<lua_Integer>(handle.items->committed().count(number, query)));
  return 1;
}

int position(lua_State* L) {
  const Item item = check_place(L).find();
  if (item == nullptr) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(item->position));
  return 1;
}

int users(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto after = check_user(L, 2);
  const auto users = handle.items->committed().users(handle.name, std::string(after));
  return checked_push(L, 1, [&](lua_State* state) { push_texts(state, users); });
}

int find_in_all(lua_State* L) {
  Handle& handle = check_handle(L);
  const auto key = check_text(L, 2);
  const auto found = handle.items->committed().find_in_all(handle.name, key);
  return checked_push(L, 1, [&](lua_State* state) {
    lua_newtable(state);
    for (const auto& [user, value] : found) {
      push_text(state, user);
      push_text(state, value);
      lua_rawset(state, -3);
    }
  });
}

// --- Methods of the store

int start(lua_State* L) {
  lua_pushboolean(L, check_store(L).store.start(nullptr) ? 1 : 0);
  return 1;
}

// Returns whether all is committed.
int stop(lua_State* L) {
  ProcessStore& process = check_store(L);
  const auto seconds = std::chrono::duration<double>(luaL_checknumber(L, 2));
  process.store.stop(std::chrono::duration_cast<std::chrono::milliseconds>(seconds));
  lua_pushboolean(L, process.items.is_all_committed() ? 1 : 0);
  return 1;
}

int take_log(lua_State* L) {
  std::vector<LogLine> lines;
  check_store(L).store.take_log(lines);
  return checked_push(L, 1, [&](lua_State* state) { push_log(state, lines); });
}

int open(lua_State* L) {
  ProcessStore& process = check_store(L);
  const auto host = check_text(L, 2);
  const auto name = check_text(L, 3);
  const auto kind = check_kind(L, 4);
  auto& handle = push_userdata<Handle>(L, handle_type);
  handle.items = &process.items;
  handle.name = {.host = std::string(host), .kind = kind, .name = std::string(name), .user = {}};
  return 1;
}

int names(lua_State* L) {
  ProcessStore& process = check_store(L);
  const auto host = check_text(L, 2);
  const auto kind = check_kind(L, 3);
  const auto user = opt_text(L, 4);
  const auto names = process.items.committed().names(std::string(host), kind,
                                                     user ? std::optional<std::string>(*user) : std::nullopt);
  return checked_push(L, 1, [&](lua_State* state) { push_texts(state, names); });
}

int purge(lua_State* L) {
  store::Items& items = check_store(L).items;
  const auto host = check_text(L, 2);
  const auto user = check_user(L, 3);
  for (const auto& name : items.committed().stores(std::string(host), std::string(user))) {
    items.drop_store(name);
  }
  return push_true(L);
}

int stores_with_key(lua_State* L) {
  store::Items& items = check_store(L).items;
  const auto host = check_text(L, 2);
  const auto kind = check_kind(L, 3);
  const auto key = check_text(L, 5);
  store::StoreName name{.host = std::string(host), .kind = kind, .name = {}, .user = {}};
  std::vector<std::string> names;
  lua_pushvalue(L, 4);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    luaL_checktype(inner, 1, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(inner, 1, i) == LUA_TSTRING; ++i, lua_pop(inner, 1)) {
      names.emplace_back(text_at(inner, -1));
    }
    return 0;
  });
  std::erase_if(names, [&](const std::string& each) {
    name.name = each;
    const RowNumber number = items.find_store(name);
    return number == 0 || items.find(number, key) == nullptr;
  });
  return checked_push(L, 1, [&](lua_State* state) { push_texts(state, names); });
}

int open_store(lua_State* L) {
  const auto path = check_text(L, 1);
  const auto durability = check_durability(L, 2);
  const auto access = lua_toboolean(L, 3) != 0 ? store::Access::alone : store::Access::beside;
  auto& handle = push_userdata<StoreHandle>(L, store_type);
  std::vector<LogLine> log;
  handle.process = open_process_store({.path = std::string(path), .durability = durability}, access, log);
  if (handle.process != nullptr) return 1;
  return checked_push(L, 2, [&](lua_State* state) {
    lua_pushnil(state);
    push_log(state, log);
  });
}

constexpr luaL_Reg store_methods[] = {{"start", storage_entry<start>},
                                      {"stop", storage_entry<stop>},
                                      {"take_log", storage_entry<take_log>},
                                      {"open", storage_entry<open>},
                                      {"names", storage_entry<names>},
                                      {"purge", storage_entry<purge>},
                                      {"stores_with_key", storage_entry<stores_with_key>},
                                      {nullptr, nullptr}};
constexpr luaL_Reg handle_methods[] = {{"append", storage_entry<append>},
                                       {"replace", storage_entry<replace>},
                                       {"set_all", storage_entry<set_all>},
                                       {"put", storage_entry<put>},
                                       {"remove", storage_entry<remove>},
                                       {"truncate", storage_entry<truncate>},
                                       {"drop", storage_entry<drop>},
                                       {"get", storage_entry<get>},
                                       {"load", storage_entry<load>},
                                       {"find", storage_entry<find>},
                                       {"count", storage_entry<count>},
                                       {"position", storage_entry<position>},
                                       {"users", storage_entry<users>},
                                       {"find_in_all", storage_entry<find_in_all>},
                                       {nullptr, nullptr}};

}  // namespace

store::Durability check_durability(lua_State* L, int index) {
  static constexpr const char* names[] = {"disk", "process", nullptr};
  static constexpr store::Durability durabilities[] = {store::Durability::disk, store::Durability::process};
  return durabilities[luaL_checkoption(L, index, nullptr, names)];
}

// Pubsub has just put something there: its number is known.
std::optional<store::RowNumber> store_of_route(lua_State* L, int index) {
  const auto* handle = static_cast<const Handle*>(luaL_testudata(L, index, handle_type));
  if (handle == nullptr) return std::nullopt;
  const bool is_known = handle->drops == handle->items->drops() && handle->name.user.empty();
  return is_known && handle->items->takes_appends(handle->number) ? handle->number : 0;
}

void push_open_store(lua_State* L) {
  register_userdata<StoreHandle>(L, store_type, store_methods);
  register_userdata<Handle>(L, handle_type, handle_methods);
  lua_pushcfunction(L, storage_entry<open_store>);
}

}  // namespace pubsub_mqtt::lua
