// Stanza tables (stanza.h) as XML text. Prosody's thread.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

// For Lua: the XML of a stanza as payload::serialize() writes it, which is what Prosody's tostring() means, in a tenth
// of its time. Nothing for a value that is not as util.stanza makes them, or is nested deeper than
// payload::max_xml_depth.
int stanza_text(lua_State* L);

}  // namespace pubsub_mqtt::lua
