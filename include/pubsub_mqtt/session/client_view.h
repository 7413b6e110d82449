// Clients as the administrator sees them, and how he asks for them. Values; any thread.
//
// Text is printable (base/printable.h). Of a client that is away, what is about its connection is about the last one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::session {

struct ClientView {
  SessionId session = 0;
  std::uint32_t number = 0;  // to be typed; of this session alone, counted from the start of the process
  std::string client_identifier;
  std::string account;  // bare JID; empty: without login
  std::string address;  // with the port; empty: an earlier process has left the session
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;
  bool is_bridge = false;
  Transport transport = Transport::tcp;  // unknown where the address is
  bool is_connected = false;
  Time since{0};                 // it has been connected, or away, for so long
  std::size_t queued = 0;        // messages that wait for it, or for a place among those in flight
  std::size_t queued_bytes = 0;  // of these, without retained messages
  std::size_t in_flight = 0;     // messages at QoS 1 and 2 that were sent and are not acknowledged
  std::uint32_t dropped = 0;     // messages, of the session
};

// Sessions are looked at a page at a time, since the network thread waits meanwhile, and whoever asks for it.
struct ClientQuery {
  std::size_t from = 0;                        // ClientPage::next of the page before
  std::size_t most = 0;                        // views in the page
  std::optional<std::uint32_t> number = {};    // the client with it
  std::optional<std::string> identifier = {};  // those with this client identifier
  std::string text = {};                       // those with this in client identifier, account or address
  bool is_away = false;                        // those that are
};

struct ClientPage {
  std::vector<ClientView> clients = {};
  std::size_t sessions = 0;   // how many the page's part has that were asked for
  std::size_t connected = 0;  // of these
  std::size_t next = 0;       // where the next page begins; 0: this was the last one
};

struct ClientDetails {
  struct WillView {
    std::string topic;  // as the client has named it
    mqtt::QoS qos = mqtt::QoS::at_most_once;
    bool retain = false;
    std::size_t bytes = 0;  // of the payload
    std::chrono::duration<std::uint32_t> delay{0};
  };

  ClientView client = {};
  ConnectionId connection = 0;         // 0: it is away
  std::chrono::seconds keep_alive{0};  // as granted, which Connection knows; 0: none
  std::chrono::seconds expiry{0};      // the session outlives its connection for so long
  bool is_stored = false;              // it outlives the process
  std::size_t waiting_bytes = 0;       // sent, and not taken by the client's side yet
  std::size_t received = 0;            // packet identifiers at QoS 2 that it has not released
  std::uint16_t receive_maximum = 0;   // 0: the client's MQTT has none
  std::uint32_t max_packet_size = 0;   // likewise
  std::optional<WillView> will = {};
  struct FilterView {
    std::string named;  // as the client has named it
    std::string meant;  // with what a mount point put before it
    mqtt::QoS qos = mqtt::QoS::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0;  // 0: none
  };
  std::size_t filters = 0;
  std::vector<FilterView> first_filters = {};
};

}  // namespace pubsub_mqtt::session
