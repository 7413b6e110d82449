// Stanza tables (stanza.h) as XML text. Prosody's thread.
#pragma once

#include <lua.hpp>
#include <string>

namespace pubsub_mqtt::lua {

// Appends the XML of the stanza at `index`, as stanza_text() has it. Returns false for what is none, where `into` has
// any bytes. Throws a std::runtime_error where Lua has no memory.
bool write_stanza(lua_State* L, int index, std::string& into);

// For Lua: the XML of a stanza as payload::serialize() writes it, which is what Prosody's tostring() means, in a tenth
// of its time. Nothing for a value that is not as util.stanza makes them, or is nested deeper than
// payload::max_xml_depth.
int stanza_text(lua_State* L);

}  // namespace pubsub_mqtt::lua
