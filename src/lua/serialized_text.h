// Values as Prosody's util.serialization writes them. Prosody's thread.
#pragma once

#include <lua.hpp>
#include <string_view>

namespace pubsub_mqtt::lua {

// Pushes the value of the text, without Lua's compiler. Returns false, and pushes nothing, for what this does not
// understand: then util.serialization must read it. May raise a Lua error: the rule of protected_call.h holds.
bool push_serialized(lua_State* L, std::string_view text);

}  // namespace pubsub_mqtt::lua
