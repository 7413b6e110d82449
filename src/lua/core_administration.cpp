#include "core_administration.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "process_store.h"
#include "protected_call.h"
#include "pubsub_mqtt/session/client_view.h"
#include "pubsub_mqtt/store/counted_rows.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

std::size_t check_size(lua_State* L, int index) {
  return static_cast<std::size_t>(std::max<lua_Integer>(luaL_checkinteger(L, index), 0));
}

auto whole_seconds(std::chrono::nanoseconds time) {
  return std::chrono::floor<std::chrono::seconds>(time).count();
}

// --- Clients

struct ListedClient {
  session::ClientView view;
  std::size_t filters = 0;
};

void set_view(lua_State* L, const session::ClientView& view) {
  set_integer(L, "session", view.session);
  set_integer(L, "number", view.number);
  set_text(L, "identifier", view.client_identifier);
  set_text(L, "account", view.account);
  set_text(L, "address", view.address);
  set_text(L, "version", mqtt::name(view.level));
  set_flag(L, "is_bridge", view.is_bridge);
  set_text(L, "transport", session::name(view.transport));
  set_flag(L, "connected", view.is_connected);
  set_seconds(L, "since", view.since);
  set_integer(L, "queued", view.queued);
  set_integer(L, "queued_bytes", view.queued_bytes);
  set_integer(L, "in_flight", view.in_flight);
  set_integer(L, "dropped", view.dropped);
}

session::ClientQuery read_query(lua_State* L, int index) {
  session::ClientQuery query;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    lua_getfield(inner, 1, "from");
    query.from = static_cast<std::size_t>(luaL_optinteger(inner, -1, 0));
    lua_getfield(inner, 1, "most");
    query.most = check_size(inner, -1);
    lua_getfield(inner, 1, "number");
    if (!lua_isnil(inner, -1)) query.number = static_cast<std::uint32_t>(luaL_checkinteger(inner, -1));
    lua_getfield(inner, 1, "identifier");
    if (const auto identifier = opt_text(inner, -1)) query.identifier.emplace(*identifier);
    lua_getfield(inner, 1, "text");
    if (const auto text = opt_text(inner, -1)) query.text = *text;
    query.is_away = flag_field(inner, 1, "is_away");
    return 0;
  });
  return query;
}

void push_clients(lua_State* L, const std::vector<ListedClient>& clients) {
  push_list(L, clients, [&](const ListedClient& each) {
    lua_createtable(L, 0, 16);
    set_view(L, each.view);
    set_integer(L, "filters", each.filters);
  });
}

void set_details(lua_State* L, const session::ClientDetails& details) {
  set_view(L, details.client);
  set_integer(L, "filters", details.filters);
  set_integer(L, "keep_alive", details.keep_alive.count());
  set_integer(L, "expiry", details.expiry.count());
  set_flag(L, "is_stored", details.is_stored);
  set_integer(L, "waiting_bytes", details.waiting_bytes);
  set_integer(L, "received", details.received);
  set_integer(L, "receive_maximum", details.receive_maximum);
  set_integer(L, "max_packet_size", details.max_packet_size);
}

void push_will(lua_State* L, const session::ClientDetails::WillView& will) {
  lua_createtable(L, 0, 5);
  set_text(L, "topic", will.topic);
  set_integer(L, "qos", will.qos);
  set_flag(L, "retain", will.retain);
  set_integer(L, "bytes", will.bytes);
  set_integer(L, "delay", will.delay.count());
}

void push_filters(lua_State* L, const std::vector<session::ClientDetails::FilterView>& filters) {
  push_list(L, filters, [&](const session::ClientDetails::FilterView& each) {
    lua_createtable(L, 0, 6);
    set_text(L, "named", each.named);
    set_text(L, "meant", each.meant);
    set_integer(L, "qos", each.qos);
    set_flag(L, "no_local", each.no_local);
    set_flag(L, "retain_as_published", each.retain_as_published);
    set_integer(L, "identifier", each.identifier);
  });
}

// --- Topics

int push_topic(lua_State* L, const hub::TopicView& view) {
  return checked_push(L, 1, [&](lua_State* inner) {
    lua_createtable(inner, 0, 6);
    set_text(inner, "topic", view.topic);
    set_flag(inner, "is_mounted", view.is_mounted);
    if (!view.fault.empty()) return set_text(inner, "fault", view.fault);
    set_text(inner, "host", view.host);
    set_text(inner, "type", view.type);
    set_text(inner, "node", view.node);
  });
}

void push_messages(lua_State* L, const std::vector<hub::RetainedView>& messages) {
  push_list(L, messages, [&](const hub::RetainedView& each) {
    lua_createtable(L, 0, 7);
    set_text(L, "topic", each.topic);
    set_text(L, "host", each.host);
    set_text(L, "node", each.node);
    set_text(L, "excerpt", each.excerpt);
    set_integer(L, "bytes", each.bytes);
    set_integer(L, "qos", each.qos);
    if (each.expires_in) set_integer(L, "expires_in", whole_seconds(*each.expires_in));
  });
}

// --- The store

// What SQLite has written, with its write-ahead log.
std::size_t bytes_of(const std::string& path) {
  std::size_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

// Of the process, where it is in use.
store::Store* store_in_use(const Core& core) {
  ProcessStore* process = known_process_store();
  if (process == nullptr) return nullptr;
  return core.keeps_sessions() || process->store.holds_items() ? &process->store : nullptr;
}

}  // namespace

int clients(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  auto page = core.network().clients(read_query(L, 2));
  std::vector<ListedClient> listed;
  for (auto& view : page.clients) listed.push_back({.view = std::move(view)});
  core.tell_hub(L, [&](hub::Hub& hub) {
    for (auto& each : listed) each.filters = hub.subscriptions(each.view.session);
  });
  return checked_push(L, 1, [&](lua_State* inner) {
    lua_createtable(inner, 0, 4);
    set_integer(inner, "sessions", page.sessions);
    set_integer(inner, "connected", page.connected);
    if (page.next != 0) set_integer(inner, "next", page.next);
    push_clients(inner, listed);
    lua_setfield(inner, -2, "clients");
  });
}

int client(lua_State* L) {
  Core& core = check_core(L);
  const auto session = static_cast<SessionId>(luaL_checkinteger(L, 2));
  const auto details = core.network().client(session, check_size(L, 3));
  if (!details) return 0;
  return checked_push(L, 1, [&](lua_State* inner) {
    lua_createtable(inner, 0, 25);
    set_details(inner, *details);
    if (details->will) {
      push_will(inner, *details->will);
      lua_setfield(inner, -2, "will");
    }
    push_filters(inner, details->first_filters);
    lua_setfield(inner, -2, "all_filters");
  });
}

int topic_meaning(lua_State* L) {
  Core& core = check_core(L);
  const auto named = check_text(L, 2);
  const auto account = check_text(L, 3);
  const auto identifier = check_text(L, 4);
  hub::TopicView view;
  core.tell_hub(L, [&](hub::Hub& hub) { view = hub.topic(named, account, identifier); });
  return push_topic(L, view);
}

int filter_meaning(lua_State* L) {
  Core& core = check_core(L);
  const auto named = check_text(L, 2);
  hub::TopicView view;
  core.tell_hub(L, [&](hub::Hub& hub) { view = hub.filter(named); });
  return push_topic(L, view);
}

int retained(lua_State* L) {
  Core& core = check_core(L);
  const auto filter = check_text(L, 2);
  const auto most = check_size(L, 3);
  const auto host = opt_text(L, 4).value_or("");
  const auto node = opt_text(L, 5).value_or("");
  const hub::RetainedPosition from{.host = std::string(host), .node = std::string(node)};
  hub::RetainedPage page;
  core.tell_hub(L, [&](hub::Hub& hub) { page = hub.retained(filter, from, most); });
  return checked_push(L, 1, [&](lua_State* inner) {
    lua_createtable(inner, 0, 3);
    push_messages(inner, page.messages);
    lua_setfield(inner, -2, "messages");
    if (page.is_last) return;
    set_text(inner, "next_host", page.next.host);
    set_text(inner, "next_node", page.next.node);
  });
}

int clear_retained(lua_State* L) {
  Core& core = check_core(L);
  const auto host = check_text(L, 2);
  const auto node = check_text(L, 3);
  bool was_there = false;
  core.tell_hub(L, [&](hub::Hub& hub) { was_there = hub.clear_retained(host, node); });
  lua_pushboolean(L, was_there ? 1 : 0);
  return 1;
}

int store_view(lua_State* L) {
  const Core& core = check_core(L);
  const store::Store* store = store_in_use(core);
  if (store == nullptr) return 0;
  const auto& settings = store->settings();
  const std::size_t bytes = bytes_of(settings.path);
  return checked_push(L, 1, [&](lua_State* inner) {
    lua_createtable(inner, 0, 7);
    set_text(inner, "path", settings.path);
    set_text(inner, "durability", settings.durability == store::Durability::disk ? "disk" : "process");
    set_integer(inner, "bytes", bytes);
    set_flag(inner, "keeps_sessions", core.keeps_sessions());
    set_flag(inner, "holds_items", store->holds_items());
    set_flag(inner, "is_failing", store->is_failing());
    const auto committed_at = whole_seconds(store->committed_at());
    if (committed_at > 0) set_integer(inner, "committed_at", committed_at);
  });
}

int count_rows(lua_State* L) {
  const Core& core = check_core(L);
  static constexpr const char* tables[] = {"session", "message", "retained", "item", nullptr};
  const auto table = static_cast<store::CountedTable>(luaL_checkoption(L, 2, nullptr, tables));
  const auto from = luaL_optinteger(L, 3, 0);
  const store::Store* store = store_in_use(core);
  if (store == nullptr) return 0;
  const auto counted = store::count_rows(store->settings(), table, from);
  if (!counted) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(counted->rows));
  if (counted->next == 0) return 1;
  lua_pushinteger(L, counted->next);
  return 2;
}

}  // namespace pubsub_mqtt::lua
