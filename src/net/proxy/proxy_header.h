// The header of the PROXY protocol, version 1 (text) and 2 (binary), with which a proxy says who its client is.
// Source: haproxy.org, "The PROXY protocol, versions 1 & 2".
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

#include "admission/remote_address.h"

namespace pubsub_mqtt::net {

struct ProxyHeader {
  std::size_t size = 0;                 // of the header; what the client sent stands behind it
  std::optional<RemoteAddress> client;  // nullopt: the proxy speaks for itself, or does not know
  std::optional<bool> is_encrypted;     // by the client to the proxy; nullopt: it does not say
};
struct IncompleteProxyHeader {};
struct MalformedProxyHeader {};

// Of all bytes that have come so far. At most 64 kB are asked for.
std::variant<ProxyHeader, IncompleteProxyHeader, MalformedProxyHeader> read_proxy_header(
    std::string_view bytes);

// Whether the bytes of somebody who is no proxy look like one: neither TLS, MQTT nor HTTP begins so.
bool begins_proxy_header(std::string_view bytes);

inline constexpr std::string_view unexpected_proxy_header =
    "a header of the PROXY protocol, from an address that is none of mqtt_proxies: list it there, or switch "
    "the header off in the proxy";

}  // namespace pubsub_mqtt::net
