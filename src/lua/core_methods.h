// What mod_pubsub_mqtt.lua sees of a core. What a core is told stands in files of its own: its settings
// (core_settings.h), its ports (core_ports.h), what happens in Prosody (core_events.h), who is let in (core_logins.h),
// what nodes retained (core_retained.h), what its administrator asks (core_administration.h), what clients ask
// (core_answers.h), and what it has counted (core_metrics.h).
//
//   core:attach(callbacks)        callbacks of a reloaded Lua half
//   core:set_limits(limits)       after a reload
//   core:set_mountpoint(setting, hosts)  mqtt_mountpoint, or nil, and a list of pubsub hosts; returns what is wrong
//                                 with it, in words: then there is none
//   core:set_access(access)       whom to believe, which pages to let in and which one to serve, see access_settings.h
//   core:start(durability, path)  the network thread, and the store's with "disk" or "process"; false: the system
//                                 gave none
//   core:listen(fd, tls)          accept on a listening socket; the listener's number, or nil and why not
//   core:set_tls(listener, tls)   new certificates
//   core:close_listener(listener) returns when the socket is let go
//   core:requests_fd()            to be watched
//   core:work(from_timer)         when it is readable; true: call again from a timer
//   core:item_published(host, node, id, item, publisher)  publisher: bare JID, or nil where it is not shown
//   core:item_retracted(host, node, id)
//   core:set_max_node_name(host, bytes)  how long names of nodes may be, percent-encoded, before these are told;
//                                 nil: as long as MQTT allows
//   core:node_created(host, node), core:node_deleted, core:node_purged, core:node_changed
//   core:affiliation_changed(host, node, account), core:account_changed(account)
//   core:host_changed(host), core:host_disabled(host)
//   core:withdraw_route(host, node), core:withdraw_routes(host)
//   core:logged_in(connection, reason, account)  what the callback log_in found out: "accepted",
//                                 "unavailable", "too_often" (failed logins), "bad_credentials" or
//                                 "not_authorized", and the bare JID where it is accepted
//   core:authenticated(connection, reason, data, account)  the same of the callbacks authenticate and
//                                 go_on_authenticating; also "continue" and "bad_method"; data for the client
//   core:close_account(account, was_deleted)
//   core:close_accounts_of(host)
//   core:metrics()                what is counted, see core_metrics.h
//   core:publish_system(payloads) topic of $SYS -> what stands there from now on; "": nothing any more
//   core:restore_later(host, node)  until one of these tells, the callback restore is called where it is needed
//   core:unrestored_nodes(host, after, most)  of which nodes that has not ended: a piece, as of core:node_names()
//   core:restore_none(host, node)
//   core:restore_retained(host, node, retained, payload, properties, expires_in)  what save_retained was given
//                                 before a restart; nil and why where that is damaged
//   core:restore_end(host, node)  one has ended, and the node has had no item since
//   core:restore_current(host, node, item, publisher)  the item that is retained in place of it
//   core:keeps_retained()         whether the store keeps retained messages, which it does not before start() and with
//                                 "memory"; then nothing of the following does anything
//   core:put_retained(host, node, retained)  what save_retained was given, with the fields of retained.lib.lua; nil:
//                                 there is none any more
//   core:find_retained(host, node)  that, or nil. Raises where the store cannot be read, as the others do
//   core:retained_nodes(host)     a list of names
//   core:take_over_retained(host) what an earlier version kept elsewhere was put
//   core:has_taken_over_retained(host)  now, or by an earlier process
//   core:is_all_committed()       what was put is
//   core:stop(seconds)            goodbye
//
// Prosody's thread only. No C++ exception and no Lua error crosses a frame that has destructors to run.
#pragma once

#include <lua.hpp>

namespace pubsub_mqtt::lua {

// The function `new`, see module.cpp.
int new_core(lua_State* L);

void register_core(lua_State* L);

}  // namespace pubsub_mqtt::lua
