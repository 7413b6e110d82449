// The other end of a network connection. A value; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pubsub_mqtt::session {

// What opened a WebSocket. A browser's user may not know which pages do so, and from where.
enum class WebSocketOrigin : std::uint8_t {
  none,           // the connection is no WebSocket
  known,          // a page of ours, or one that the administrator lets in, or a client that is no browser
  any_host_name,  // a page from a host whose name may mean anything, this machine as well (DNS rebinding)
};

// What a client speaks MQTT over.
enum class Transport : std::uint8_t { tcp, tls, websocket, websocket_over_tls };

// As URLs and administrators call it.
inline std::string_view name(Transport transport) {
  static constexpr std::string_view names[] = {"TCP", "TLS", "WS", "WSS"};
  return names[static_cast<std::size_t>(transport)];
}

struct Peer {
  std::string address;     // without the port: "192.0.2.1", "2001:db8::1"
  std::string party = {};  // what it has for itself: the address, of IPv6 its /64 ("2001:db8::/64")
  std::string name;  // for log lines, with it where it is known: "192.0.2.1:50000", "[2001:db8::1]:50000"
  bool is_loopback = false;
  bool is_encrypted = false;
  WebSocketOrigin websocket = WebSocketOrigin::none;

  // To us, or to a proxy that says so.
  Transport transport() const {
    if (websocket == WebSocketOrigin::none) return is_encrypted ? Transport::tls : Transport::tcp;
    return is_encrypted ? Transport::websocket_over_tls : Transport::websocket;
  }
};

}  // namespace pubsub_mqtt::session
