#include "websocket/upgrade.h"

#include <openssl/evp.h>

#include <array>
#include <optional>

#include "http/http_answer.h"
#include "websocket/forwarded.h"
#include "websocket/origin.h"

namespace pubsub_mqtt::net {
namespace {

using session::WebSocketOrigin;

// RFC 6455, section 4.1: 16 bytes in base64.
constexpr std::size_t key_size = 24;
constexpr std::size_t max_digest_text = 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool is_key(std::string_view key) {
  std::array<unsigned char, key_size> decoded{};
  return key.size() == key_size && key.ends_with("==") &&
         EVP_DecodeBlock(decoded.data(), bytes_of(key), static_cast<int>(key.size())) == key_size / 4 * 3;
}

// Sec-WebSocket-Accept (RFC 6455, section 4.2.2). Empty: OpenSSL has no SHA-1.
std::string accept_value(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size) != 1) return {};
  std::array<unsigned char, max_digest_text> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return {base64.begin(), base64.begin() + length};
}

UpgradeAnswer refuse(std::string_view status, std::string_view refusal, std::string_view fields = {}) {
  return {.response = http_text(status, refusal, fields), .refusal = refusal};
}

// "mqtt" is that of 3.1.1 and 5.0 [MQTT-6.0.0-3], the other one what clients of 3.1 ask for. Empty: neither is offered.
std::string_view subprotocol(const HttpRequest& request) {
  for (const std::string_view name : {"mqtt", "mqttv3.1"}) {
    if (request.has_token("Sec-WebSocket-Protocol", name)) return name;
  }
  return {};
}

std::optional<UpgradeAnswer> refuse_handshake(const HttpRequest& request) {
  if (!request.is_http_1_1() || request.count("Host") != 1)
    return refuse("400 Bad Request", "no request of HTTP/1.1");
  if (request.path() != "/mqtt" && request.path() != "/")
    return refuse("404 Not Found", "MQTT is on the path /mqtt");
  if (!request.has_token("Upgrade", "websocket") || !request.has_token("Connection", "upgrade")) {
    return refuse("426 Upgrade Required", "this port speaks MQTT, and MQTT over WebSocket",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  if (request.field("Sec-WebSocket-Version") != "13") {
    return refuse("426 Upgrade Required", "the version of WebSocket is not 13",
                  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  if (request.count("Sec-WebSocket-Key") != 1 || !is_key(request.field("Sec-WebSocket-Key"))) {
    return refuse("400 Bad Request", "no Sec-WebSocket-Key of 16 bytes");
  }
  if (request.count("Content-Length") != 0 || request.count("Transfer-Encoding") != 0) {
    return refuse("400 Bad Request", "a request for WebSocket has no body");
  }
  if (subprotocol(request).empty()) return refuse("400 Bad Request", "the subprotocol mqtt is not offered");
  return std::nullopt;
}

// A client that is no browser sends no Origin.
std::optional<WebSocketOrigin> origin(const HttpRequest& request, const Access& access) {
  if (request.count("Origin") == 0) return WebSocketOrigin::known;
  if (request.count("Origin") != 1) return std::nullopt;
  return judge_origin(request.field("Origin"), request.host(), access);
}

}  // namespace

UpgradeAnswer answer_upgrade(const HttpRequest& request, Arrival& client) {
  if (auto refused = refuse_handshake(request)) return *std::move(refused);
  const auto allowed = origin(request, client.access());
  if (!allowed) {
    auto refused =
        refuse("403 Forbidden",
               "the page is from another host: list its origin in mqtt_websocket_origins to let it in");
    refused.is_mendable = true;
    return refused;
  }
  if (!introduce_forwarded(request, client))
    return refuse("503 Service Unavailable", "there is no place for the client");
  client.set_websocket(*allowed);
  const std::string accept = accept_value(request.field("Sec-WebSocket-Key"));
  if (accept.empty())
    return refuse("500 Internal Server Error", "OpenSSL has no SHA-1, which WebSocket needs");
  std::string response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  response.append("Sec-WebSocket-Accept: ").append(accept);
  response.append("\r\nSec-WebSocket-Protocol: ").append(subprotocol(request)).append("\r\n\r\n");
  return {.response = std::move(response), .refusal = {}};
}

UpgradeAnswer answer_malformed_request() {
  return refuse("400 Bad Request", "no request of HTTP/1.1, or too large");
}

}  // namespace pubsub_mqtt::net
