// The certificates of a TLS port as Lua holds them, and how they are loaded. Prosody's thread only. What is here may
// raise a Lua error.
#pragma once

#include <lua.hpp>
#include <memory>

#include "port_certificates.h"

namespace pubsub_mqtt::lua {

using TlsHandle = std::shared_ptr<PortCertificates>;

// The function of this name, see module.cpp.
int tls_contexts(lua_State* L);

// The argument at `index`, which tls_contexts() has returned.
TlsHandle& check_tls_contexts(lua_State* L, int index);

void register_tls_contexts(lua_State* L);

}  // namespace pubsub_mqtt::lua
