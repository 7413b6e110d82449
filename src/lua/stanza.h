// Payload elements as Prosody's stanza tables and as pugixml trees (payload/translate.h has their form).
//
// A stanza is { name =, attr = { xmlns =, ... }, tags = { elements }, children... } with util.stanza's
// metatable; a namespaced attribute's key is "namespace\1name". Source: util/stanza.lua, util/xmppstream.lua.
//
// Both functions may raise Lua errors: call them inside protected_call() only. Prosody's thread.
#pragma once

#include <lua.hpp>
#include <pugixml.hpp>

namespace pubsub_mqtt::lua {

// Pushes the stanza table of an element. `metatable` is the stack index of util.stanza's metatable.
void push_stanza(lua_State* L, const pugi::xml_node& element, int metatable);

// Appends the element of the stanza table at `index` to `parent`. False: it is no stanza, holds what XML 1.0
// cannot carry, is nested deeper than payload::max_xml_depth, or would grow out of proportion by its
// namespaces; `parent` may then hold a part of it.
bool read_stanza(lua_State* L, int index, const pugi::xml_node& parent);

}  // namespace pubsub_mqtt::lua
