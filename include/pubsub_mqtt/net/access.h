// Whom the ports believe, which pages they let in, and which one they serve: settings that are no numbers. Values; any
// thread. Source: docs/configuration.md, "WebSocket and proxies" and "The page".
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pubsub_mqtt/net/page.h"

namespace pubsub_mqtt::net {

// Addresses that begin alike (CIDR, RFC 4632). One of IPv4 is in its place among those of IPv6 (::ffff:192.0.2.0/120).
struct AddressRange {
  std::array<std::uint8_t, 16> address{};
  unsigned bits = 128;  // at most 128
};

struct Access {
  // Each of their connections begins with a header of the PROXY protocol, and nobody else's does: mqtt_proxies.
  std::vector<AddressRange> proxies = {};
  // Prosody's trusted_proxies: what they say of their clients in HTTP (X-Forwarded-For) is believed.
  std::vector<AddressRange> trusted_proxies = {};
  // mqtt_websocket_origins, as browsers write them: "https://app.example.org", "null". In lower case.
  std::vector<std::string> websocket_origins = {};
  // The names of Prosody's hosts, in lower case.
  std::vector<std::string> hosts = {};
  // mqtt_page; nullptr: none.
  std::shared_ptr<const Page> page = nullptr;
};

}  // namespace pubsub_mqtt::net
