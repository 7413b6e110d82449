#include "core_metrics.h"

#include <malloc.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core_handle.h"
#include "protected_call.h"
#include "pubsub_mqtt/hub/metrics.h"
#include "pubsub_mqtt/mqtt/reason.h"
#include "pubsub_mqtt/net/metrics.h"
#include "pubsub_mqtt/store/store.h"
#include "values.h"

namespace pubsub_mqtt::lua {
namespace {

struct Figures {
  net::Metrics net;
  hub::Metrics hub;
  store::Metrics store;
  std::chrono::nanoseconds main_thread{0};
  std::size_t heap_bytes = 0;
};

// Of the process, Lua's included, as its allocator knows it.
std::size_t heap_bytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

Figures take_figures(lua_State* L, Core& core) {
  Figures figures{.net = core.network().metrics(),
                  .hub = {},
                  .store = core.store_metrics(),
                  .main_thread = core.callbacks().entered_for(),
                  .heap_bytes = heap_bytes()};
  core.tell_hub(L, [&](hub::Hub& hub) { figures.hub = hub.metrics(); });
  return figures;
}

// What follows up to end_table() are fields of the table `key` of the one on top of the stack.
void begin_table(lua_State* L) { lua_createtable(L, 0, 4); }
void end_table(lua_State* L, const char* key) { lua_setfield(L, -2, key); }

// By reason, with underscores: not_authorized.
void set_counts(lua_State* L, const char* key, const mqtt::CountsByReason& counts) {
  begin_table(L);
  counts.for_each([&](mqtt::Reason reason, std::uint64_t count) {
    push_text(L, mqtt::name(reason));
    luaL_gsub(L, lua_tostring(L, -1), " ", "_");
    lua_pushinteger(L, static_cast<lua_Integer>(count));
    lua_settable(L, -4);
    lua_pop(L, 1);
  });
  end_table(L, key);
}

constexpr std::array<const char*, 3> qos_names = {"0", "1", "2"};

void set_publishes(lua_State* L, const char* messages, const char* bytes,
                   const session::Publishes& publishes) {
  begin_table(L);
  for (std::size_t qos = 0; qos < qos_names.size(); ++qos) {
    set_integer(L, qos_names[qos], publishes.by_qos()[qos].messages);
  }
  end_table(L, messages);
  begin_table(L);
  for (std::size_t qos = 0; qos < qos_names.size(); ++qos) {
    set_integer(L, qos_names[qos], publishes.by_qos()[qos].bytes);
  }
  end_table(L, bytes);
}

void set_clients(lua_State* L, const net::Clients& clients) {
  using Level = mqtt::ProtocolLevel;
  constexpr std::array<const char*, net::Clients::transports> transports = {"tcp", "tls", "websocket",
                                                                            "websocket_tls"};
  begin_table(L);
  for (std::size_t i = 0; i < transports.size(); ++i) {
    const auto transport = static_cast<net::Transport>(i);
    begin_table(L);
    set_integer(L, "3.1", clients.of(transport, Level::mqtt_3_1));
    set_integer(L, "3.1.1", clients.of(transport, Level::mqtt_3_1_1));
    set_integer(L, "5.0", clients.of(transport, Level::mqtt_5));
    end_table(L, transports[i]);
  }
  end_table(L, "clients");
}

void set_sessions(lua_State* L, const session::Present& present) {
  begin_table(L);
  set_integer(L, "connected", present.connected);
  set_integer(L, "away", present.away);
  end_table(L, "sessions");
  set_integer(L, "subscriptions", present.subscriptions);
  set_integer(L, "shared_subscriptions", present.shared_subscriptions);
  set_integer(L, "shared_groups", present.shared_groups);
  set_integer(L, "queued_messages", present.queued_messages);
  set_integer(L, "queued_bytes", present.queued_bytes);
  set_integer(L, "in_flight_messages", present.in_flight);
  set_integer(L, "withheld_acknowledgements", present.withheld);
}

void set_dropped(lua_State* L, const session::Counters& counters) {
  constexpr std::array<const char*, session::dropped_count> reasons = {"queue_full", "all_queues_full",
                                                                       "too_slow", "too_large", "expired"};
  begin_table(L);
  for (std::size_t i = 0; i < reasons.size(); ++i) set_integer(L, reasons[i], counters.dropped[i]);
  end_table(L, "messages_dropped");
}

void set_traffic(lua_State* L, const session::Counters& counters) {
  set_integer(L, "packets_received", counters.received_packets);
  set_integer(L, "packets_sent", counters.sent_packets);
  set_integer(L, "received_bytes", counters.received_bytes);
  set_integer(L, "sent_bytes", counters.sent_bytes);
  set_publishes(L, "messages_received", "messages_received_bytes", counters.received);
  set_publishes(L, "messages_sent", "messages_sent_bytes", counters.sent);
  set_integer(L, "connects", counters.connects);
  set_integer(L, "sessions_expired", counters.expired_sessions);
  set_counts(L, "logins", counters.logins);
  set_dropped(L, counters);
}

// Those of connections by the setting that let no more in.
void set_refused(lua_State* L, const Figures& figures) {
  const net::Arrivals& arrivals = figures.net.arrivals;
  begin_table(L);
  begin_table(L);
  set_integer(L, "mqtt_max_connections", arrivals.too_many);
  set_integer(L, "mqtt_max_connections_per_address", arrivals.too_many_of_address);
  set_integer(L, "mqtt_max_connection_rate", arrivals.too_fast);
  set_integer(L, "file_descriptors", arrivals.no_descriptor);
  end_table(L, "connection");
  set_counts(L, "connect", figures.net.sessions.counters.refused_connects);
  set_counts(L, "publish", figures.hub.refused_publishes);
  set_counts(L, "subscribe", figures.hub.refused_subscriptions);
  end_table(L, "refused");
}

void set_handshakes(lua_State* L, const net::Handshakes& handshakes) {
  begin_table(L);
  set_integer(L, "full", handshakes.full);
  set_integer(L, "resumed", handshakes.resumed);
  set_integer(L, "failed", handshakes.failed);
  end_table(L, "tls_handshakes");
  set_seconds(L, "tls_handshake_seconds", handshakes.processor_time);
}

void set_published(lua_State* L, const Figures& figures) {
  begin_table(L);
  set_integer(L, "direct", figures.net.sessions.counters.published_directly);
  set_integer(L, "pubsub", figures.hub.accepted_publishes);
  end_table(L, "messages_published");
  set_integer(L, "publishes_failed", figures.hub.failed_publishes);
  set_integer(L, "retained_messages", figures.hub.retained_messages);
  set_integer(L, "retained_bytes", figures.hub.retained_bytes);
}

void set_store(lua_State* L, const store::Metrics& store) {
  set_integer(L, "store_commits", store.commits);
  set_integer(L, "store_commits_failed", store.failed_commits);
  set_seconds(L, "store_commit_seconds", store.commit_time);
  set_integer(L, "store_waiting_changes", store.waiting);
}

void push_figures(lua_State* L, const Figures& figures) {
  lua_createtable(L, 0, 48);
  set_clients(L, figures.net.clients);
  set_sessions(L, figures.net.sessions.present);
  set_traffic(L, figures.net.sessions.counters);
  set_published(L, figures);
  set_integer(L, "connections", figures.net.arrivals.admitted);
  set_refused(L, figures);
  set_handshakes(L, figures.net.handshakes);
  set_store(L, figures.store);
  set_seconds(L, "main_thread_seconds", figures.main_thread);
  set_integer(L, "heap_bytes", figures.heap_bytes);
}

// The table at `index`: topic -> payload.
std::vector<SystemPublished::Message> read_messages(lua_State* L, int index) {
  std::vector<SystemPublished::Message> messages;
  lua_pushvalue(L, index);
  checked_call(L, 1, 0, [&](lua_State* inner) {
    lua_pushnil(inner);
    while (lua_next(inner, 1) != 0) {
      messages.push_back(
          {.topic = std::string(text_at(inner, -2)), .payload = std::string(text_at(inner, -1))});
      lua_pop(inner, 1);
    }
    return 0;
  });
  return messages;
}

}  // namespace

int metrics(lua_State* L) {
  const Figures figures = take_figures(L, check_core(L));
  return checked_push(L, 1, [&](lua_State* inner) { push_figures(inner, figures); });
}

int publish_system(lua_State* L) {
  Core& core = check_core(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  auto messages = read_messages(L, 2);
  core.tell_hub(L, [&](hub::Hub& hub) { hub.publish_system(std::move(messages)); });
  return 0;
}

}  // namespace pubsub_mqtt::lua
