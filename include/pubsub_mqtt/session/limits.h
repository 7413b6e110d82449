// What clients may do and use, with the defaults of docs/configuration.md. Set once, before the network
// thread starts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pubsub_mqtt::session {

// Time since some fixed moment; only differences count.
using Time = std::chrono::milliseconds;

// Who may connect without a login.
enum class Anonymous : std::uint8_t { from_loopback, from_everywhere, from_nowhere };

struct Limits {
  Anonymous anonymous = Anonymous::from_loopback;  // mqtt_allow_anonymous
  // Prosody's allow_unencrypted_plain_auth; from loopback it is allowed always
  bool passwords_in_the_clear = false;

  std::size_t max_client_identifier_length = 256;   // bytes, mqtt_max_client_identifier_length
  std::size_t max_packet_size = 262144;             // bytes, mqtt_max_packet_size
  std::size_t max_outbound_bytes = 1048576;         // bytes waiting for the socket, mqtt_max_outbound_bytes
  Time connect_timeout = std::chrono::seconds(10);  // mqtt_connect_timeout, TLS handshake included

  // What one client has asked of pubsub and waits for; the bytes are those of SUBSCRIBE and UNSUBSCRIBE, too.
  // Beyond them we stop reading, and TCP slows the client down. A node that persists takes a few hundred
  // items a second, so this drains in about a second.
  std::size_t max_pending_publishes = 256;
  std::size_t max_pending_publish_bytes = 1048576;
  // The same for all clients together, those that are gone included: their messages and wills are carried
  // out, too.
  std::size_t max_pending_bytes = 64UL * 1048576;

  // Messages at QoS 1 and 2 that were sent and not acknowledged yet, at least 1: mqtt_max_inflight
  std::uint16_t max_inflight = 20;
  // Those that wait for a place among them, or for the client to come back
  std::size_t max_queued_messages = 1000;            // mqtt_max_queued_messages
  std::size_t max_queued_bytes = 8UL * 1024 * 1024;  // topics and payloads, mqtt_max_queued_bytes
  Time session_expiry = std::chrono::hours(7 * 24);  // without a connection, mqtt_session_expiry
  // The same bytes for all sessions together
  std::size_t max_total_queued_bytes = 256UL * 1024 * 1024;  // mqtt_max_total_queued_bytes

  // Sessions that outlive their connection
  std::size_t max_sessions_per_account = 100;  // mqtt_max_sessions_per_account
  std::size_t max_anonymous_sessions =
      1000;  // all clients without login share these, mqtt_max_anonymous_sessions

  // What one client may send in a second, on average over about a second; a client from loopback what it
  // likes.
  std::size_t max_message_rate = 10000;  // PUBLISH packets, mqtt_max_message_rate
  std::size_t max_byte_rate = 10485760;  // bytes, mqtt_max_byte_rate
};

}  // namespace pubsub_mqtt::session
