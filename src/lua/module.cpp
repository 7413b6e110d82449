// luaopen_pubsub_mqtt: what mod_pubsub_mqtt.lua sees of the library.
//
//   version                       of the library; the Lua half's own must be the same
//   limits                        what docs/configuration.md calls limits, see push_limit_settings()
//   available_bytes(path)         that Prosody may still write to the filesystem of path; nil where that cannot be told
//   new(limits, callbacks)        a core; limits: a number for each of these by its name, and who may log in how
//   open_store(...)               what mod_storage_pubsub_mqtt.lua sees of the library, see storage.h
//   tls_contexts(settings, hosts, is_named, old)  contexts for core:listen(), or nil and why not; then a list of
//                                 warnings. settings: as Prosody resolved them; hosts: the same by host name, or
//                                 why that failed, or false where no certificate was found; is_named: whether
//                                 settings that the administrator wrote name the certificate; old: contexts to
//                                 keep what cannot be replaced (port_certificates.h), or nil
//   core:attach(callbacks)        callbacks of a reloaded Lua half
//   core:set_limits(limits)       after a reload
//   core:set_mountpoint(setting, hosts)  mqtt_mountpoint, or nil, and a list of pubsub hosts; returns what is wrong
//                                 with it, in words: then there is none
//   core:set_access(access)       whom to believe and which pages to let in, see access_settings.h
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
//   core:clients()                list of { session =, name =, connected =, subscriptions = }
//   core:close_connection(session)
//   core:restore_later(host, node)  until one of these tells, the callback restore is called where it is needed
//   core:restore_none(host, node)
//   core:restore_retained(host, node, retained, payload, properties, expires_in)  what save_retained was given
//                                 before a restart; raises where that is damaged
//   core:restore_end(host, node)  one has ended, and the node has had no item since
//   core:restore_current(host, node, item, publisher)  the item that is retained in place of it
//   core:stop(seconds)            goodbye
//
// Prosody's thread only. No C++ exception and no Lua error crosses a frame that has destructors to run.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "access_settings.h"
#include "core.h"
#include "port_certificates.h"
#include "protected_call.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "storage.h"
#include "tls_settings.h"

namespace pubsub_mqtt::lua {
namespace {

constexpr const char* core_type = "pubsub_mqtt.core";
constexpr const char* tls_type = "pubsub_mqtt.tls_contexts";

using CoreHandle = std::unique_ptr<Core>;
using TlsHandle = std::shared_ptr<PortCertificates>;

// A C++ exception becomes a Lua error, raised where nothing is left to destroy.
template <int (*Function)(lua_State*)>
int entry(lua_State* L) {
  char message[200] = "unknown C++ exception";
  try {
    return Function(L);
  } catch (const std::exception& exception) {
    std::snprintf(message, sizeof message, "%s", exception.what());
  }
  return luaL_error(L, "pubsub_mqtt: %s", message);
}

std::string_view check_string(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

std::string_view opt_string(lua_State* L, int index) {
  return lua_isnoneornil(L, index) ? std::string_view() : check_string(L, index);
}

Core& check_core(lua_State* L) { return **static_cast<CoreHandle*>(luaL_checkudata(L, 1, core_type)); }

template <typename Handle>
int collect(lua_State* L) {
  std::destroy_at(static_cast<Handle*>(lua_touserdata(L, 1)));
  return 0;
}

// Pushes a userdata that holds an empty handle, to be filled when nothing can raise any more.
template <typename Handle>
Handle& push_handle(lua_State* L, const char* type) {
  auto* handle = std::construct_at(static_cast<Handle*>(lua_newuserdatauv(L, sizeof(Handle), 0)));
  luaL_setmetatable(L, type);
  return *handle;
}

bool flag_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  const bool flag = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return flag;
}

// The Lua half has checked the range.
std::size_t number_field(lua_State* L, int index, std::string_view name) {
  lua_pushlstring(L, name.data(), name.size());
  lua_gettable(L, index);
  const auto number = static_cast<std::size_t>(luaL_checknumber(L, -1));
  lua_pop(L, 1);
  return number;
}

Limits read_limits(lua_State* L, int index) {
  Limits limits;
  for (const LimitSetting& setting : limit_settings)
    set(setting, number_field(L, index, setting.name), limits);
  limits.passwords_in_the_clear = flag_field(L, index, "passwords_in_the_clear");
  if (flag_field(L, index, "anonymous_from_everywhere")) {
    limits.anonymous = Anonymous::from_everywhere;
  } else if (!flag_field(L, index, "anonymous_from_loopback")) {
    limits.anonymous = Anonymous::from_nowhere;
  }
  if (flag_field(L, index, "shared_groups_of_accounts")) limits.shared_groups = GroupScope::account;
  return limits;
}

int new_core(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  const Limits limits = read_limits(L, 1);
  auto& handle = push_handle<CoreHandle>(L, core_type);
  handle = std::make_unique<Core>(limits);
  handle->callbacks().attach(L, 2);
  return 1;
}

// The settings of limits, for the Lua half to read: a list of { name =, default =, least =, most =, is_time =,
// may_be_never = }.
void push_limit_settings(lua_State* L) {
  lua_createtable(L, static_cast<int>(limit_settings.size()), 0);
  lua_Integer i = 0;
  for (const LimitSetting& setting : limit_settings) {
    lua_createtable(L, 0, 6);
    lua_pushlstring(L, setting.name.data(), setting.name.size());
    lua_setfield(L, -2, "name");
    for (const auto& [field, number] : {std::pair("default", value_of(setting, Limits{})),
                                        std::pair("least", setting.least), std::pair("most", setting.most)}) {
      lua_pushinteger(L, static_cast<lua_Integer>(number));
      lua_setfield(L, -2, field);
    }
    lua_pushboolean(L, std::holds_alternative<Time Limits::*>(setting.member) ? 1 : 0);
    lua_setfield(L, -2, "is_time");
    lua_pushboolean(L, setting.may_be_never ? 1 : 0);
    lua_setfield(L, -2, "may_be_never");
    lua_rawseti(L, -2, ++i);
  }
}

int attach(lua_State* L) {
  Core& core = check_core(L);
  core.callbacks().attach(L, 2);
  // Its settings may judge otherwise.
  core.tell_hub(L, [](hub::Hub& hub) { hub.withdraw_all_routes(); });
  return 0;
}

int set_limits(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  const Limits limits = read_limits(L, 2);
  core.network().set_limits(limits);
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_limits(limits); });
  return 0;
}

// Durability and path, or nothing.
std::optional<store::Settings> store_settings(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  static constexpr const char* names[] = {"disk", "process", nullptr};
  static constexpr store::Durability durabilities[] = {store::Durability::disk, store::Durability::process};
  const auto durability = durabilities[luaL_checkoption(L, index, nullptr, names)];
  const auto path = check_string(L, index + 1);
  return store::Settings{.path = std::string(path), .durability = durability};
}

// False: the error is on the stack.
bool set_mountpoint_of(lua_State* L, Core& core, const char* setting, std::string_view& fault) {
  topic::Mountpoint::Hosts hosts;
  auto read = [&](lua_State* state) {
    for (lua_Integer i = 1; lua_rawgeti(state, 1, i) == LUA_TSTRING; ++i) {
      hosts.emplace(check_string(state, -1));
      lua_pop(state, 1);
    }
    return 0;
  };
  lua_pushvalue(L, 3);
  if (protected_call(L, 1, 0, read) != LUA_OK) return false;
  std::optional<topic::Mountpoint> mountpoint;
  if (setting != nullptr) {
    auto parsed = topic::Mountpoint::parse(setting, std::move(hosts));
    if (const auto* invalid = std::get_if<topic::Mountpoint::Invalid>(&parsed)) {
      fault = invalid->reason;
    } else {
      mountpoint = std::get<topic::Mountpoint>(std::move(parsed));
    }
  }
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_mountpoint(std::move(mountpoint)); });
  return true;
}

int set_mountpoint(lua_State* L) {
  Core& core = check_core(L);
  const char* setting = luaL_optstring(L, 2, nullptr);
  luaL_checktype(L, 3, LUA_TTABLE);
  std::string_view fault;
  if (!set_mountpoint_of(L, core, setting, fault)) return lua_error(L);
  if (fault.empty()) return 0;
  lua_pushlstring(L, fault.data(), fault.size());
  return 1;
}

// False: the error is on the stack.
bool set_access_from(lua_State* L, Core& core) {
  auto access = read_access(L, 2);
  if (!access) return false;
  core.network().set_access(*std::move(access));
  return true;
}

int set_access(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  return set_access_from(L, core) ? 0 : lua_error(L);
}

int start(lua_State* L) {
  Core& core = check_core(L);
  lua_pushboolean(L, core.start(L, store_settings(L, 2)));
  return 1;
}

int listen(lua_State* L) {
  Core& core = check_core(L);
  const auto fd = static_cast<int>(luaL_checkinteger(L, 2));
  const auto* tls =
      lua_isnoneornil(L, 3) ? nullptr : static_cast<TlsHandle*>(luaL_checkudata(L, 3, tls_type));
  const net::ListenerId listener = core.next_listener();
  if (!core.network().listen(listener, fd, tls == nullptr ? nullptr : (*tls)->contexts())) {
    lua_pushnil(L);
    lua_pushstring(L, std::strerror(errno));
    return 2;
  }
  lua_pushinteger(L, static_cast<lua_Integer>(listener));
  return 1;
}

int set_tls(lua_State* L) {
  Core& core = check_core(L);
  const auto listener = static_cast<net::ListenerId>(luaL_checkinteger(L, 2));
  core.network().set_tls(listener, (*static_cast<TlsHandle*>(luaL_checkudata(L, 3, tls_type)))->contexts());
  return 0;
}

int close_listener(lua_State* L) {
  check_core(L).network().close_listener(static_cast<net::ListenerId>(luaL_checkinteger(L, 2)));
  return 0;
}

int requests_fd(lua_State* L) {
  lua_pushinteger(L, check_core(L).network().requests_fd());
  return 1;
}

int work(lua_State* L) {
  lua_pushboolean(L, check_core(L).work(L, lua_toboolean(L, 2) != 0));
  return 1;
}

int item_published(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 5, LUA_TTABLE);
  core.item_published(L, check_string(L, 2), check_string(L, 3), check_string(L, 4), 5, opt_string(L, 6));
  return 0;
}

int item_retracted(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  const auto node = check_string(L, 3);
  const auto id = check_string(L, 4);
  core.tell_hub(L, [&](hub::Hub& hub) { hub.item_retracted(host, node, id); });
  return 0;
}

int set_max_node_name(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  std::optional<std::size_t> bytes;
  if (!lua_isnoneornil(L, 3)) bytes = static_cast<std::size_t>(luaL_checkinteger(L, 3));
  core.tell_hub(L, [&](hub::Hub& hub) { hub.set_max_node_name(host, bytes); });
  return 0;
}

template <void (hub::Hub::*Event)(std::string_view, std::string_view)>
int node_event(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  const auto node = check_string(L, 3);
  core.tell_hub(L, [&](hub::Hub& hub) { (hub.*Event)(host, node); });
  return 0;
}

int affiliation_changed(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  const auto node = check_string(L, 3);
  const auto account = check_string(L, 4);
  core.tell_hub(L, [&](hub::Hub& hub) { hub.affiliation_changed(host, node, account); });
  return 0;
}

mqtt::Reason check_login_reason(lua_State* L, int index) {
  static constexpr const char* names[] = {"accepted",        "unavailable",    "too_often",
                                          "bad_credentials", "not_authorized", nullptr};
  static constexpr mqtt::Reason reasons[] = {
      mqtt::Reason::success, mqtt::Reason::server_unavailable, mqtt::Reason::connection_rate_exceeded,
      mqtt::Reason::bad_user_name_or_password, mqtt::Reason::not_authorized};
  return reasons[luaL_checkoption(L, index, nullptr, names)];
}

int logged_in(lua_State* L) {
  Core& core = check_core(L);
  const auto connection = static_cast<ConnectionId>(luaL_checkinteger(L, 2));
  const auto reason = check_login_reason(L, 3);
  const auto account = reason == mqtt::Reason::success ? check_string(L, 4) : std::string_view();
  core.tell_hub(L, [&](hub::Hub& hub) {
    hub.logged_in({.connection = connection, .reason = reason, .account = std::string(account)});
  });
  return 0;
}

mqtt::Reason check_auth_reason(lua_State* L, int index) {
  static constexpr const char* names[] = {"continue",        "accepted",       "unavailable", "too_often",
                                          "bad_credentials", "not_authorized", "bad_method",  nullptr};
  static constexpr mqtt::Reason reasons[] = {
      mqtt::Reason::continue_authentication,   mqtt::Reason::success,
      mqtt::Reason::server_unavailable,        mqtt::Reason::connection_rate_exceeded,
      mqtt::Reason::bad_user_name_or_password, mqtt::Reason::not_authorized,
      mqtt::Reason::bad_authentication_method};
  return reasons[luaL_checkoption(L, index, nullptr, names)];
}

int authenticated(lua_State* L) {
  Core& core = check_core(L);
  const auto connection = static_cast<ConnectionId>(luaL_checkinteger(L, 2));
  const auto reason = check_auth_reason(L, 3);
  const auto data = lua_isnoneornil(L, 4) ? std::string_view() : check_string(L, 4);
  const auto account = reason == mqtt::Reason::success ? check_string(L, 5) : std::string_view();
  core.tell_hub(L, [&](hub::Hub& hub) {
    hub.authenticated({.connection = connection,
                       .reason = reason,
                       .data = std::string(data),
                       .account = std::string(account)});
  });
  return 0;
}

int close_account(lua_State* L) {
  Core& core = check_core(L);
  const auto account = check_string(L, 2);
  const bool was_deleted = lua_toboolean(L, 3) != 0;
  core.tell_hub(L, [&](hub::Hub& hub) { hub.close_account(account, was_deleted); });
  return 0;
}

struct ListedClient {
  session::ClientView view;
  std::size_t subscriptions = 0;
};

int push_clients(lua_State* L, const std::vector<ListedClient>& clients) {
  lua_createtable(L, static_cast<int>(clients.size()), 0);
  lua_Integer i = 0;
  for (const auto& [client, subscriptions] : clients) {
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, static_cast<lua_Integer>(client.session));
    lua_setfield(L, -2, "session");
    lua_pushlstring(L, client.name.data(), client.name.size());
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, client.is_connected ? 1 : 0);
    lua_setfield(L, -2, "connected");
    lua_pushinteger(L, static_cast<lua_Integer>(subscriptions));
    lua_setfield(L, -2, "subscriptions");
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

bool clients_into(lua_State* L, Core& core) {
  std::vector<ListedClient> clients;
  for (auto& view : core.network().clients()) clients.push_back({.view = std::move(view)});
  core.tell_hub(L, [&](hub::Hub& hub) {
    for (auto& client : clients) client.subscriptions = hub.subscriptions(client.view.session);
  });
  auto body = [&](lua_State* state) { return push_clients(state, clients); };
  return protected_call(L, 0, 1, body) == LUA_OK;
}

int clients(lua_State* L) { return clients_into(L, check_core(L)) ? 1 : lua_error(L); }

int close_connection(lua_State* L) {
  Core& core = check_core(L);
  const auto session = static_cast<SessionId>(luaL_checkinteger(L, 2));
  core.tell_hub(L, [&](hub::Hub& hub) { hub.close_connection(session); });
  return 0;
}

template <void (hub::Hub::*Event)(std::string_view)>
int name_event(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  core.tell_hub(L, [&](hub::Hub& hub) { (hub.*Event)(host); });
  return 0;
}

std::string_view text_field(lua_State* L, int index, const char* name) {
  lua_getfield(L, index, name);
  return check_string(L, -1);
}

// At most about as long as an interval of MQTT 5.0 may be, whatever the store says.
Time time_after(lua_Number seconds) {
  constexpr lua_Number most = 0x1p32;
  const std::chrono::duration<lua_Number> interval(std::clamp(seconds, -most, most));
  return now() + std::chrono::duration_cast<Time>(interval);
}

int restore_retained(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_string(L, 2);
  const auto node = check_string(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  const auto type = topic::type_from_name(text_field(L, 4, "type"));
  const auto element = text_field(L, 4, "element");
  lua_getfield(L, 4, "qos");
  const auto qos = luaL_checkinteger(L, -1);
  const bool is_large = flag_field(L, 4, "is_large");
  lua_getfield(L, 4, "publisher");  // older copies have none
  const auto publisher = static_cast<PublisherId>(lua_tointeger(L, -1));
  const auto payload = check_string(L, 5);
  const auto properties = opt_string(L, 6);
  const Time expires_at = lua_isnoneornil(L, 7) ? Time::max() : time_after(luaL_checknumber(L, 7));
  if (!type || qos < 0 || qos > 2) return luaL_error(L, "the copy has an unknown TYPE or QoS");
  bool is_xml = false;
  core.tell_hub(L, [&](hub::Hub& hub) {
    auto retained = hub::restored(*type, payload, element, static_cast<mqtt::QoS>(qos), is_large);
    is_xml = retained.has_value();
    if (!is_xml) return;
    retained->envelope.publisher = publisher;
    retained->envelope.expires_at = expires_at;
    if (!properties.empty() && mqtt::are_forwarded(properties)) {
      retained->envelope.properties = std::make_shared<const std::string>(properties);
    }
    hub.restore_retained(host, node, std::move(*retained));
  });
  return is_xml ? 0 : luaL_error(L, "the element of the copy is no XML");
}

int restore_current(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 4, LUA_TTABLE);
  core.restore_current(L, check_string(L, 2), check_string(L, 3), 4, opt_string(L, 5));
  return 0;
}

int stop(lua_State* L) {
  const auto seconds = luaL_checknumber(L, 2);
  check_core(L).stop(L, std::chrono::milliseconds(static_cast<long>(seconds * 1000)));
  return 0;
}

// Reads and builds one context. On failure `error` says why.
LoadedContext load_context(lua_State* L, int index, std::vector<std::string>& warnings, std::string& error) {
  auto settings = read_tls_settings(L, index);
  if (auto* unreadable = std::get_if<std::string>(&settings)) {
    error = std::move(*unreadable);
    return {};
  }
  auto& read = std::get<net::TlsSettings>(settings);
  auto context = net::make_tls_context(read, warnings);
  if (auto* failed = std::get_if<net::TlsContextError>(&context)) {
    error = std::move(failed->reason);
    return {};
  }
  return {.context = std::get<net::SslContext>(std::move(context)),
          .certificate = std::move(read.certificate),
          .key = std::move(read.key)};
}

// What the body of a protected call fills.
struct TlsResult {
  const PortCertificates* old = nullptr;
  TlsHandle certificates = std::make_shared<PortCertificates>();
  std::vector<std::string> warnings;
  std::string error;
  std::string host;
  LoadedContext loaded;
};

void warn_of_kept(TlsResult& result, const std::string& whose, const std::string& reason) {
  result.warnings.push_back(whose + " stays as it was: " + reason +
                            ". Put the files right, and do `prosodyctl reload`");
}

// As add_host(), where what was read is in `loaded`, or why there is none in `error`, or neither where no certificate
// was found.
void add_loaded_host(TlsResult& result) {
  auto& by_host = result.certificates->by_host;
  const LoadedContext* old = nullptr;
  if (result.old != nullptr) {
    const auto known = result.old->by_host.find(result.host);
    if (known != result.old->by_host.end()) old = &known->second;
  }
  auto reason = std::optional(result.error);
  if (result.error.empty())
    reason = old == nullptr ? std::nullopt : reason_to_keep(*old, result.loaded, {result.host});
  if (!reason) {
    if (result.loaded.context) by_host[result.host] = std::move(result.loaded);
  } else if (old != nullptr) {
    warn_of_kept(result, "the certificate of " + result.host, *reason);
    by_host[result.host] = share(*old);
  } else {
    result.warnings.push_back(result.host + ": " + *reason);
  }
}

// The value on top of the stack is as tls_contexts() has it in its table of hosts.
void add_host(lua_State* L, TlsResult& result) {
  result.error.clear();
  result.loaded = {};
  if (lua_istable(L, -1)) result.loaded = load_context(L, -1, result.warnings, result.error);
  if (lua_type(L, -1) == LUA_TSTRING) result.error = lua_tostring(L, -1);
  add_loaded_host(result);
}

// A host whose certificate cannot be used keeps its old one, or goes without, and is warned of.
int add_hosts(lua_State* L, TlsResult& result) {
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    result.host = lua_tostring(L, -2);
    add_host(L, result);
  }
  return 0;
}

// Without an old one to keep, `error` says why there is none. is_named: the administrator has said which to use.
void add_fallback(lua_State* L, TlsResult& result, bool is_named) {
  LoadedContext loaded = load_context(L, 1, result.warnings, result.error);
  if (result.old != nullptr) {
    const LoadedContext& old = result.old->fallback;
    auto reason = std::optional(std::exchange(result.error, {}));
    if (reason->empty()) reason = is_named ? std::nullopt : reason_to_keep(old, loaded, host_names(old));
    if (reason) {
      warn_of_kept(result, "the certificate for clients that name no host", *reason);
      loaded = share(old);
    }
  }
  result.certificates->fallback = std::move(loaded);
}

int push_strings(lua_State* L, const std::vector<std::string>& strings) {
  lua_createtable(L, static_cast<int>(strings.size()), 0);
  lua_Integer i = 0;
  for (const auto& string : strings) {
    lua_pushlstring(L, string.data(), string.size());
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

// Everything that has a destructor lives here; what may raise is done in bodies of their own. False: the
// error is on the stack.
bool tls_contexts_into(lua_State* L, const PortCertificates* old, bool is_named, TlsHandle& handle) {
  TlsResult result;
  result.old = old;
  add_fallback(L, result, is_named);
  if (result.error.empty()) {
    auto hosts = [&](lua_State* state) { return add_hosts(state, result); };
    lua_pushvalue(L, 2);
    if (protected_call(L, 1, 0, hosts) != LUA_OK) return false;
    handle = std::move(result.certificates);
  } else {
    auto error = [&](lua_State* state) {
      lua_pushlstring(state, result.error.data(), result.error.size());
      return 1;
    };
    lua_pushnil(L);
    if (protected_call(L, 0, 1, error) != LUA_OK) return false;
  }
  auto warnings = [&](lua_State* state) { return push_strings(state, result.warnings); };
  return protected_call(L, 0, 1, warnings) == LUA_OK;
}

int tls_contexts(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 4);
  const bool is_named = lua_toboolean(L, 3) != 0;
  const auto* old = lua_isnil(L, 4) ? nullptr : static_cast<TlsHandle*>(luaL_checkudata(L, 4, tls_type));
  auto& handle = push_handle<TlsHandle>(L, tls_type);
  if (!tls_contexts_into(L, old == nullptr ? nullptr : old->get(), is_named, handle)) return lua_error(L);
  return handle ? 2 : 3;
}

constexpr luaL_Reg core_methods[] = {
    {"attach", entry<attach>},
    {"set_limits", entry<set_limits>},
    {"set_mountpoint", entry<set_mountpoint>},
    {"set_access", entry<set_access>},
    {"start", entry<start>},
    {"listen", entry<listen>},
    {"set_tls", entry<set_tls>},
    {"close_listener", entry<close_listener>},
    {"requests_fd", entry<requests_fd>},
    {"work", entry<work>},
    {"item_published", entry<item_published>},
    {"item_retracted", entry<item_retracted>},
    {"set_max_node_name", entry<set_max_node_name>},
    {"node_created", entry<node_event<&hub::Hub::node_created>>},
    {"node_deleted", entry<node_event<&hub::Hub::node_deleted>>},
    {"node_purged", entry<node_event<&hub::Hub::node_purged>>},
    {"node_changed", entry<node_event<&hub::Hub::node_changed>>},
    {"affiliation_changed", entry<affiliation_changed>},
    {"account_changed", entry<name_event<&hub::Hub::account_changed>>},
    {"logged_in", entry<logged_in>},
    {"authenticated", entry<authenticated>},
    {"close_account", entry<close_account>},
    {"close_accounts_of", entry<name_event<&hub::Hub::close_accounts_of>>},
    {"clients", entry<clients>},
    {"close_connection", entry<close_connection>},
    {"host_changed", entry<name_event<&hub::Hub::host_changed>>},
    {"host_disabled", entry<name_event<&hub::Hub::host_disabled>>},
    {"withdraw_route", entry<node_event<&hub::Hub::withdraw_route>>},
    {"withdraw_routes", entry<name_event<&hub::Hub::withdraw_routes>>},
    {"restore_retained", entry<restore_retained>},
    {"restore_current", entry<restore_current>},
    {"restore_later", entry<node_event<&hub::Hub::restore_later>>},
    {"restore_none", entry<node_event<&hub::Hub::restore_none>>},
    {"restore_end", entry<node_event<&hub::Hub::restore_end>>},
    {"stop", entry<stop>},
    {nullptr, nullptr},
};

int available_bytes(lua_State* L) {
  const std::string_view path = check_string(L, 1);
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error) return 0;
  // An integer does not raise.
  lua_pushinteger(L, static_cast<lua_Integer>(std::min<std::uintmax_t>(space.available, LUA_MAXINTEGER)));
  return 1;
}

constexpr luaL_Reg functions[] = {
    {"available_bytes", entry<available_bytes>},
    {"new", entry<new_core>},
    {"tls_contexts", entry<tls_contexts>},
    {nullptr, nullptr},
};

template <typename Handle>
void register_type(lua_State* L, const char* name) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, collect<Handle>);
  lua_setfield(L, -2, "__gc");
}

}  // namespace
}  // namespace pubsub_mqtt::lua

extern "C" __attribute__((visibility("default"))) int luaopen_pubsub_mqtt(lua_State* L) {
  using namespace pubsub_mqtt::lua;
  luaL_checkversion(L);
  register_type<CoreHandle>(L, core_type);
  lua_newtable(L);
  luaL_setfuncs(L, core_methods, 0);
  lua_setfield(L, -2, "__index");
  register_type<TlsHandle>(L, tls_type);
  luaL_newlib(L, functions);
  lua_pushliteral(L, PUBSUB_MQTT_VERSION);
  lua_setfield(L, -2, "version");
  push_limit_settings(L);
  lua_setfield(L, -2, "limits");
  push_open_store(L);
  lua_setfield(L, -2, "open_store");
  return 1;
}
