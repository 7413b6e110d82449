// A core as Lua holds it. Prosody's thread only.
#pragma once

#include <lua.hpp>
#include <memory>

#include "core.h"
#include "userdata.h"

namespace pubsub_mqtt::lua {

using CoreHandle = std::unique_ptr<Core>;

inline constexpr const char* core_type = "pubsub_mqtt.core";

// The first argument of each method. Raises a Lua error for what is no core.
inline Core& check_core(lua_State* L) { return *check_userdata<CoreHandle>(L, 1, core_type); }

}  // namespace pubsub_mqtt::lua
