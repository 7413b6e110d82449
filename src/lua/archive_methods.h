// The methods of an archive that pubsub calls for each item, without Lua and without memory of Lua's:
//
//   archive_methods(stanza_mt, append, delete, failed)  two methods of a table whose field `handle` is a handle of
//                       storage.h; stanza_mt: the metatable of stanzas; the functions: see below
//   archive:append(user, key, stanza, when, with)       the key
//   archive:delete(user, { truncate = count })          how many were removed
//
// With other arguments, and where there is no handle yet, they return what `append` and `delete` do, which they call
// with the same. Where the store cannot be read or written, they return what failed(why) does, two values.
// Prosody's thread only.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

// Pushes archive_methods. May raise a Lua error.
void push_archive_methods(lua_State* L);

}  // namespace pubsub_mqtt::lua
