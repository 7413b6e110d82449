// Methods for the answers to what clients ask below `$pubsub/` (lua/mod_pubsub_mqtt/answers.lib.lua). Prosody's thread
// only.
//
//   core:node_names(host, after, most)  a list of at most so many names of nodes that MQTT sees, in their order, behind
//                                 `after` ("": from the first one on), and where the next piece begins, or nil
//   core:sees_node(host, node)    whether the name is among these
//   core:payload(element, type)   what a payload element of pubsub's is in MQTT: the TYPE (that was asked for, or with
//                                 "any" the natural one), the payload's bytes, and of binary data their media type, or
//                                 nil; nothing where it is of another TYPE
//   core:retained_payload(host, node, type)  what the node retains in the form of the TYPE, or nil
#pragma once

#include <cstddef>
#include <lua.hpp>
#include <string_view>

#include "pubsub_mqtt/hub/hub.h"

namespace pubsub_mqtt::lua {

// Method: one that gives a piece of the names of a host's nodes.
using NamesMethod = hub::Hub::NamesPage (hub::Hub::*)(std::string_view, std::string_view, std::size_t);
int push_names(lua_State* L, NamesMethod method);
template <NamesMethod Method>
int names_page(lua_State* L) {
  return push_names(L, Method);
}

int sees_node(lua_State* L);
int item_payload(lua_State* L);
int retained_payload(lua_State* L);

}  // namespace pubsub_mqtt::lua
