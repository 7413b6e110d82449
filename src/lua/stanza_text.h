// Stanza tables (stanza.h) as XML text. Prosody's thread.
#pragma once

#include <lua.hpp>
#include <string>

namespace pubsub_mqtt::lua {

// Indexes of the strings "name" and "attr", which are on the stack or upvalues: to look for them needs no memory, so
// that nothing raises.
struct StanzaKeys {
  int name;
  int attr;
};

// Appends the XML of the stanza at `index`, as stanza_text() has it. Returns false for what is none, where `into` has
// any bytes. Does not raise.
bool write_stanza(lua_State* L, int index, const StanzaKeys& keys, std::string& into);

// Pushes for Lua stanza_text(stanza): its XML as payload::serialize() writes it, which is what Prosody's tostring()
// means, in a tenth of its time. Nothing for a value that is not as util.stanza makes them, or has text that XML cannot
// carry, or is nested deeper than payload::max_xml_depth. May raise a Lua error.
void push_stanza_text(lua_State* L);

}  // namespace pubsub_mqtt::lua
