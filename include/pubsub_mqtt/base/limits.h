// What clients may do and use. Each limit is declared here, and nowhere else, with its default, its setting and
// the range of that setting: C++ reads Limits, the Lua half reads `limits` (through luaopen_pubsub_mqtt), and so
// do the tests, which hold docs/configuration.md against it.
//
// Values. Each thread has a copy of its own, which is assigned when the configuration was reloaded.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "pubsub_mqtt/base/time.h"

namespace pubsub_mqtt {

// Who may connect without a login.
enum class Anonymous : std::uint8_t { from_loopback, from_everywhere, from_nowhere };

// Whose members a group of a shared subscription has: everybody's, or one account's.
enum class GroupScope : std::uint8_t { server, account };

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;
inline constexpr std::size_t GiB = 1024 * MiB;
inline constexpr std::size_t TiB = 1024 * GiB;

struct Limits {
  Anonymous anonymous = Anonymous::from_loopback;  // mqtt_allow_anonymous
  GroupScope shared_groups = GroupScope::server;   // mqtt_shared_groups
  // mqtt_require_encryption = false, or Prosody's allow_unencrypted_plain_auth; from loopback passwords are taken
  // always.
  bool passwords_in_the_clear = false;

  // Connections. From one address means, of IPv6, from one /64. Loopback is exempt from what counts by address:
  // behind a proxy everybody comes from there.
  std::size_t max_connections = 10000;
  std::size_t max_connections_per_address = 1000;
  std::size_t max_connection_rate = 20;             // a second and address; ten seconds' worth at once
  Time connect_timeout = std::chrono::seconds(10);  // until CONNECT, TLS handshake and login included
  // A client of MQTT 5.0 that would be silent for longer is told to be silent for no longer than so. 0: no limit. To
  // others this cannot be said, and they keep to their own.
  Time max_keep_alive{0};
  // What goes beyond one of the above is logged when it begins, and counted for so long.
  Time warning_interval = std::chrono::minutes(1);

  // Packets.
  std::size_t max_packet_size = 4 * MiB;  // fixed header included
  std::size_t max_item_size =
      256 * KiB;  // as XML: a larger item would close XMPP streams, so pubsub gets one without content
  // Elements, attributes and namespace declarations together, of one publish to the TYPE xml: they, and not the
  // bytes, are what such an item costs Prosody's thread.
  std::size_t max_xml_elements = 10000;
  std::size_t max_client_identifier_length = 256;  // bytes
  std::size_t max_topic_levels = 64;               // of topics and filters
  std::size_t max_topic_aliases = 32;              // of a client of MQTT 5.0, each way

  // What one client may send in a second, on average over about a second; a client from loopback what it likes.
  std::size_t max_message_rate = 10000;  // PUBLISH packets
  std::size_t max_byte_rate = 10 * MiB;

  // What one client has asked of pubsub and waits for; the bytes are those of SUBSCRIBE and UNSUBSCRIBE, too.
  // Beyond them the client is not read from, and TCP slows it down. A node that persists takes a few hundred
  // items a second, so this drains in about a second.
  std::size_t max_pending_publishes = 256;
  std::size_t max_pending_publish_bytes = MiB;
  // The same for all clients together, those that are gone included: their messages and wills are carried out,
  // too. Beyond that each client may have a fair share of it.
  std::size_t max_pending_bytes = 64 * MiB;

  // Messages on their way to one client.
  std::size_t max_outbound_bytes = MiB;  // that wait for the socket
  std::size_t max_inflight = 20;         // at QoS 1 and 2, sent and not acknowledged yet
  // Those that wait for a place among them, or for the client to come back; bytes are topics, payloads and
  // properties. In the store:
  std::size_t max_queued_messages = 100000;
  std::size_t max_queued_bytes = 256 * MiB;
  std::size_t max_total_queued_bytes = 4 * GiB;  // of all sessions together
  // And of sessions that are not stored:
  std::size_t max_queued_messages_in_memory = 1000;
  std::size_t max_queued_bytes_in_memory = 8 * MiB;
  std::size_t max_total_queued_bytes_in_memory = 256 * MiB;

  // Sessions that outlive their connection.
  Time session_expiry = std::chrono::hours(7 * 24);
  std::size_t max_sessions_per_account = 100;
  std::size_t max_anonymous_sessions = 1000;  // all clients without login share these

  // Filters of a session.
  std::size_t max_subscriptions = 10000;
  std::size_t max_wildcard_subscriptions = 1000;
  // Of all sessions together: a client and a node that its filters select are one, of some 16 bytes.
  std::size_t max_total_memberships = 10000000;

  // How often topics of `$SYS` say something new; 0: nothing stands there. The Lua half's.
  Time sys_interval = std::chrono::seconds(10);
};

// Those of one session's queue.
struct QueueLimits {
  std::size_t messages = 0;
  std::size_t bytes = 0;
  std::size_t total_bytes = 0;
};

constexpr QueueLimits queue_limits(const Limits& limits, bool is_stored) {
  if (is_stored) return {limits.max_queued_messages, limits.max_queued_bytes, limits.max_total_queued_bytes};
  return {limits.max_queued_messages_in_memory, limits.max_queued_bytes_in_memory,
          limits.max_total_queued_bytes_in_memory};
}

// A setting of prosody.cfg.lua: `mqtt_` and the name of the member. A number outside of the range is reported,
// and the default is used.
struct LimitSetting {
  std::string_view name;
  std::variant<std::size_t Limits::*, Time Limits::*> member;
  std::size_t least = 0;  // as are `most` and the setting: of a Time in seconds
  std::size_t most = 0;
  bool may_be_never = false;  // Prosody 13's "never" means `most`
};

// A client that has not logged in has no more than this in memory, whatever mqtt_max_packet_size is.
inline constexpr std::size_t max_connect_size = 64 * KiB;

// A PUBLISH, or a will, whose properties take more than this is refused for good: whoever receives it in another form
// has them gone through one by one, of which a packet may hold a million.
inline constexpr std::size_t max_properties_size = 64 * KiB;

inline constexpr std::size_t largest_packet = 268435455;  // [MQTT 3.1.1, 2.2.3]
inline constexpr std::size_t any_number = 10000000;
inline constexpr std::size_t ten_years = 3650UL * 24 * 60 * 60;

inline constexpr auto limit_settings = std::to_array<LimitSetting>({
    {"mqtt_max_connections", &Limits::max_connections, 1, any_number},
    {"mqtt_max_connections_per_address", &Limits::max_connections_per_address, 1, any_number},
    {"mqtt_max_connection_rate", &Limits::max_connection_rate, 1, 1000000},
    {"mqtt_connect_timeout", &Limits::connect_timeout, 1, 3600},
    {"mqtt_max_keep_alive", &Limits::max_keep_alive, 0, 65535},
    {"mqtt_max_packet_size", &Limits::max_packet_size, 128, largest_packet},
    {"mqtt_max_item_size", &Limits::max_item_size, KiB, largest_packet},
    {"mqtt_max_xml_elements", &Limits::max_xml_elements, 1, any_number},
    {"mqtt_max_client_identifier_length", &Limits::max_client_identifier_length, 23, 65535},
    {"mqtt_max_topic_levels", &Limits::max_topic_levels, 3, 65535},
    {"mqtt_max_topic_aliases", &Limits::max_topic_aliases, 0, 65535},
    {"mqtt_max_message_rate", &Limits::max_message_rate, 1, any_number},
    {"mqtt_max_byte_rate", &Limits::max_byte_rate, 1, TiB},
    {"mqtt_max_outbound_bytes", &Limits::max_outbound_bytes, KiB, GiB},
    {"mqtt_max_inflight", &Limits::max_inflight, 1, 65535},
    {"mqtt_max_queued_messages", &Limits::max_queued_messages, 0, any_number},
    {"mqtt_max_queued_bytes", &Limits::max_queued_bytes, 0, TiB},
    {"mqtt_max_total_queued_bytes", &Limits::max_total_queued_bytes, 0, TiB},
    {"mqtt_max_queued_messages_in_memory", &Limits::max_queued_messages_in_memory, 0, any_number},
    {"mqtt_max_queued_bytes_in_memory", &Limits::max_queued_bytes_in_memory, 0, TiB},
    {"mqtt_max_total_queued_bytes_in_memory", &Limits::max_total_queued_bytes_in_memory, 0, TiB},
    {"mqtt_session_expiry", &Limits::session_expiry, 0, ten_years, true},
    {"mqtt_max_sessions_per_account", &Limits::max_sessions_per_account, 0, any_number},
    {"mqtt_max_anonymous_sessions", &Limits::max_anonymous_sessions, 0, any_number},
    {"mqtt_max_subscriptions", &Limits::max_subscriptions, 1, any_number},
    {"mqtt_max_wildcard_subscriptions", &Limits::max_wildcard_subscriptions, 0, any_number},
    {"mqtt_max_total_memberships", &Limits::max_total_memberships, 0, GiB},
    {"mqtt_sys_interval", &Limits::sys_interval, 0, 3600},
});

// In the setting's unit.
constexpr std::size_t value_of(const LimitSetting& setting, const Limits& limits) {
  if (const auto* number = std::get_if<std::size_t Limits::*>(&setting.member)) return limits.**number;
  const auto time = limits.*std::get<Time Limits::*>(setting.member);
  return static_cast<std::size_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

constexpr void set(const LimitSetting& setting, std::size_t value, Limits& limits) {
  if (const auto* number = std::get_if<std::size_t Limits::*>(&setting.member)) {
    limits.** number = value;
  } else {
    limits.*std::get<Time Limits::*>(setting.member) = std::chrono::seconds(value);
  }
}

}  // namespace pubsub_mqtt
