// What mod_storage_pubsub_mqtt.lua sees of the library, the field `open_store` of it:
//
//   open_store(path, durability, alone)  the store of this process, opened where that was not done; durability is
//                                  "disk" or "process", alone whether this is a server. Or nil, and lines
//                                  { level, text }
//   store:start()                  the store's thread; false: the system gave none
//   store:stop(seconds)            commits all changes, as long as that lasts; what comes then is committed at once
//   store:take_log()               lines { level, text } that wait
//   store:open(host, name, kind)   a handle of a store of Prosody's; kind is "keyval" or "archive"
//   store:names(host, kind, user)  list of names of stores that hold something; user nil: of all users
//   store:purge(host, user)        drops all stores of the user; true
//   store:stores_with_key(host, kind, names, key)  those of the list of names whose store of the host itself has the key
//
//   handle:append(user, key, at, with, value)   true. Strings, and `at` in seconds; user nil is the host
//   handle:replace(user, key, at, with, value)  at, with, value nil: as they are. true, or false where there is none
//   handle:set_all(user, values)   key -> value; an empty table is dropped
//   handle:put(user, key, value), handle:remove(user, key)
//   handle:truncate(user, keep)    how many were removed
//   handle:drop(user)              whether there was one
//   handle:get(user, key)          value, at, with; nothing where there is none
//   handle:load(user, decode)      key -> value of all values, with those of the one at the empty key; nothing where there
//                                  is none. decode(text): what a value is that util.serialization has not written
//   handle:find(user, query, limit)  list of { position, key, value, at, with }. query: key, ids, with, start, end,
//                                  reverse as Prosody's; before, after are positions
//   handle:count(user, query)
//   handle:position(user, key)     of an item; nil: there is none
//   handle:users(after)            a list of names that come after that one; empty: there are no more
//   handle:find_in_all(key)        user -> value
//
// Where the store cannot be read or written, each returns nil and why. Prosody's thread only.
#pragma once

#include <lua.hpp>
#include <optional>

#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::lua {

// Pushes open_store. May raise a Lua error.
void push_open_store(lua_State* L);

// Of the value at `index`, a handle of mod_storage_pubsub_mqtt, the number of the host's own store. nullopt: it is no
// handle. 0: items cannot go there past Prosody's thread (Items::takes_appends). Raises for lack of memory alone.
std::optional<store::RowNumber> store_of_route(lua_State* L, int index);

// The argument at `index`, "disk" or "process". Raises a Lua error for what is none of these.
store::Durability check_durability(lua_State* L, int index);

}  // namespace pubsub_mqtt::lua
