// What the Lua half has read of the settings and hosts -> net::Access. Prosody's thread only.
#pragma once

#include <lua.hpp>

#include "pubsub_mqtt/net/access.h"

namespace pubsub_mqtt::lua {

// Reads the table at `index`: lists of { address = 16 bytes, bits = } named proxies and trusted_proxies, lists of
// strings named websocket_origins and hosts, and a list of { path =, media_type =, bytes =, compressed = or nil } named
// page, or nil where none is served. Does not raise, but throws a std::runtime_error for what is none of these.
net::Access read_access(lua_State* L, int index);

}  // namespace pubsub_mqtt::lua
