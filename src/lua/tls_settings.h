// A table of TLS settings as Prosody hands it to LuaSec (core.certmanager, util.sslconfig) ->
// net::TlsSettings.
#pragma once

#include <lua.hpp>
#include <string>
#include <variant>

#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::lua {

// Reads the table at `index`; it may call the functions `password` (for an encrypted key only) and `dhparam`
// in it, and read the file that `dhparam` names. Fields that a server does not need are ignored, among them
// `verifyext`: its lsec_continue would let in a client whose certificate does not verify. The error names the
// field. Does not raise, and leaves the stack as it was.
std::variant<net::TlsSettings, std::string> read_tls_settings(lua_State* L, int index);

}  // namespace pubsub_mqtt::lua
