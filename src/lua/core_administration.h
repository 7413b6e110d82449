// What the administrator asks of a core: sessions, topics, retained messages, the store. Prosody's thread only. Lists
// come a page at a time, so that neither thread is held for longer than some milliseconds.
//
//   core:clients(query)           { clients =, sessions =, connected =, next = } of the part of all sessions that
//                                 begins at query.from (0): how many there are that were asked for, the first
//                                 query.most of them, and where the next part begins, or nil. Asked for are those with
//                                 query.number, query.identifier (client identifier), query.text in identifier, account
//                                 or address, and query.is_away, as far as these are given. A client: { session =, number =,
//                                 identifier =, account =, address =, version =, is_bridge =, transport =, connected =,
//                                 since = (seconds), queued =, queued_bytes =, in_flight =, dropped =, filters = }
//   core:client(session, most)    the same and { keep_alive =, expiry =, is_stored =, waiting_bytes =, received =,
//                                 receive_maximum =, max_packet_size =, will = { topic =, qos =, retain =, bytes =, delay = },
//                                 all_filters = the first `most` of { named =, meant =, qos =, no_local =,
//                                 retain_as_published =, identifier = } }; nil: the session is over
//   core:close_connection(session), core:end_session(session)
//   core:topic(named, account, identifier)  what it means to a client: { topic =, is_mounted =, host =, type =,
//                                 node = }, or { topic =, is_mounted =, fault = }
//   core:filter(named)            the same of a filter
//   core:retained(filter, most, host, node)  { messages = { topic =, host =, node =, excerpt =, bytes =, qos =,
//                                 expires_in = (seconds, or nil) }, next_host =, next_node = } of what retains the
//                                 part behind that node (nil: the first one); filter: `topic` of what core:filter()
//                                 returned without a fault; next_host nil: this was the last part
//   core:clear_retained(host, node)  false: it retains nothing
//   core:store()                  { path =, durability =, bytes =, keeps_sessions =, holds_items =, committed_at =
//                                 (seconds since 1970, or nil), is_failing = }; nil: there is none
//   core:count_rows(table, from)  rows of a part of "session", "message", "retained" or "item", and where the next
//                                 part begins, or nil; nothing: it cannot be read
#pragma once

#include <lua.hpp>

#include "core_handle.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/hub/hub.h"

namespace pubsub_mqtt::lua {

int clients(lua_State* L);
int client(lua_State* L);
int topic_meaning(lua_State* L);
int filter_meaning(lua_State* L);
int retained(lua_State* L);
int clear_retained(lua_State* L);
int store_view(lua_State* L);
int count_rows(lua_State* L);

template <void (hub::Hub::*Method)(SessionId)>
int hub_event_of_session(lua_State* L) {
  Core& core = check_core(L);
  const auto session = static_cast<SessionId>(luaL_checkinteger(L, 2));
  core.tell_hub(L, [&](hub::Hub& hub) { (hub.*Method)(session); });
  return 0;
}

}  // namespace pubsub_mqtt::lua
