// MQTT over WebSocket, on the ports of MQTT.
#include "websocket.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "outside_address.h"
#include "prosody.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

std::unique_ptr<ByteStream> plain(const Prosody& prosody, const std::string& address = "127.0.0.1") {
  return std::make_unique<TcpStream>(prosody.mqtt_port(), address);
}

std::unique_ptr<ByteStream> encrypted(const Prosody& prosody) {
  return std::make_unique<TlsStream>(
      prosody.mqtt_tls_port(),
      TlsStream::Options{.server_name = "pubsub.localhost", .ca_file = prosody.ca_file()});
}

RawMqtt websocket(std::unique_ptr<ByteStream> stream, const WebSocketRequest& request = {}) {
  return RawMqtt(std::make_unique<WebSocket>(std::move(stream), request));
}

mqtt::Connect juliet(mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1) {
  return {.level = level,
          .client_identifier = "page",
          .user_name = "juliet@localhost",
          .password = account_password};
}

const Configuration all_may_create{
    .global = "mqtt_users_create_nodes = true\nmqtt_node_defaults = { publish_model = 'open' }"};

class WebSocketOnBothPorts : public testing::TestWithParam<mqtt::ProtocolLevel> {};

INSTANTIATE_TEST_SUITE_P(OfEachVersion, WebSocketOnBothPorts,
                         testing::Values(mqtt::ProtocolLevel::mqtt_3_1, mqtt::ProtocolLevel::mqtt_3_1_1,
                                         mqtt::ProtocolLevel::mqtt_5));

TEST_P(WebSocketOnBothPorts, CarriesMessagesOfEachQos) {
  Prosody prosody;
  prosody.start(all_may_create);
  const std::string protocol = GetParam() == mqtt::ProtocolLevel::mqtt_3_1 ? "mqttv3.1" : "mqtt";
  RawMqtt device = connected(prosody.mqtt_port(), "device");
  ASSERT_EQ(device.subscribe("pubsub.localhost/json/node", mqtt::QoS::exactly_once),
            mqtt::Reason::granted_qos_2);
  for (const bool with_tls : {false, true}) {
    RawMqtt page = websocket(with_tls ? encrypted(prosody) : plain(prosody), {.protocol = protocol});
    ASSERT_EQ(connect(page, juliet(GetParam())).reason, mqtt::Reason::success);
    for (const auto qos : {mqtt::QoS::at_most_once, mqtt::QoS::at_least_once, mqtt::QoS::exactly_once}) {
      publish(page, {.topic = "pubsub.localhost/json/node", .payload = "1", .qos = qos});
      EXPECT_EQ(next_message(device).qos, static_cast<int>(qos));
    }
    messages_so_far(device);
    ASSERT_EQ(page.subscribe("pubsub.localhost/json/back", mqtt::QoS::exactly_once),
              mqtt::Reason::granted_qos_2);
    publish(device, {.topic = "pubsub.localhost/json/back", .payload = "2", .qos = mqtt::QoS::exactly_once});
    EXPECT_EQ(next_message(page).payload, "2");
    page.send(mqtt::Disconnect{});
    page.wait_for_close();
    EXPECT_EQ(dynamic_cast<WebSocket&>(page.stream()).close_code(), 1000);
  }
}

using WebSockets = RunningProsody;

TEST(WebSocketTest, CarriesLargeMessagesBothWays) {
  Prosody prosody;
  prosody.start(all_may_create);
  for (const bool with_tls : {false, true}) {
    RawMqtt page = websocket(with_tls ? encrypted(prosody) : plain(prosody));
    ASSERT_EQ(connect(page, juliet()).reason, mqtt::Reason::success);
    ASSERT_EQ(page.subscribe("pubsub.localhost/utf8/node"), mqtt::Reason::granted_qos_0);
    for (const std::size_t size : {0UL, 125UL, 65536UL, 200000UL, 3000000UL}) {
      const std::string payload(size, 'x');
      page.send(mqtt::Publish{.topic = "pubsub.localhost/utf8/node", .payload = payload});
      EXPECT_EQ(page.read_packet<mqtt::Publish>().payload, payload) << size;
    }
  }
}

// --- Who is let in ---

TEST_F(WebSockets, LoopbackLetsNoneInWithoutLogin) {
  for (const char* origin : {"", "http://localhost", "http://127.0.0.1"}) {
    const std::string host = std::string(origin).ends_with("1") ? "127.0.0.1" : "localhost";
    RawMqtt page = websocket(plain(prosody), {.host = host, .origin = origin});
    EXPECT_EQ(page.connect("page"), mqtt::Reason::not_authorized) << origin;
    prosody.log().wait_for(
        "over WebSocket clients without login are let in with mqtt_allow_anonymous = true only");
  }
  EXPECT_EQ(RawMqtt(prosody.mqtt_port()).connect("device"), mqtt::Reason::success);
}

TEST_F(WebSockets, APageFromElsewhereIsRefused) {
  for (const char* host : {"localhost", "127.0.0.1", "pubsub.localhost", "[::1]"}) {
    for (const char* origin : {"https://evil.example", "null", "http://localhost.evil.example", "file://"}) {
      EXPECT_EQ(websocket_status(*plain(prosody), {.host = host, .origin = origin}), "403 Forbidden")
          << host << ' ' << origin;
    }
  }
  prosody.log().wait_for(
      "info\t.*WebSocket failed: the page is from another host: list its origin in mqtt_websocket_");
}

TEST_F(WebSockets, APageOfTheSameHostLogsIn) {
  RawMqtt page = websocket(plain(prosody), {.host = "localhost:1883", .origin = "https://localhost"});
  EXPECT_EQ(connect(page, juliet()).reason, mqtt::Reason::success);
}

TEST(WebSocketTest, WithoutLoginAPageOfAHostThatIsNotOursIsRefused) {
  Prosody prosody;
  prosody.start(
      {.global = "mqtt_allow_anonymous = true\nmqtt_websocket_origins = { \"https://app.example.net\" }"});
  const auto reason = [&](const std::string& host, const std::string& origin) {
    return websocket(plain(prosody), {.host = host, .origin = origin}).connect("page");
  };
  // DNS rebinding: the name means this machine now, and the page is that of the name.
  EXPECT_EQ(reason("evil.example:1883", "http://evil.example:1883"), mqtt::Reason::not_authorized);
  prosody.log().wait_for("no user name, from a page whose host is none of Prosody's");
  EXPECT_EQ(reason("localhost:1883", "http://localhost:1883"), mqtt::Reason::success);
  EXPECT_EQ(reason("127.0.0.1:1883", "http://127.0.0.1:8080"), mqtt::Reason::success);
  EXPECT_EQ(reason("pubsub.localhost", "https://pubsub.localhost"), mqtt::Reason::success);
  EXPECT_EQ(reason("anything.example", "https://app.example.net"), mqtt::Reason::success);
  EXPECT_EQ(reason("anything.example", ""), mqtt::Reason::success) << "no browser";
  // With a login the name does not matter: the page would have to know the password.
  RawMqtt page = websocket(plain(prosody), {.host = "evil.example", .origin = "http://evil.example"});
  EXPECT_EQ(connect(page, juliet()).reason, mqtt::Reason::success);
}

TEST(WebSocketTest, OriginsFollowAReload) {
  Prosody prosody;
  prosody.start(
      {.global = "mqtt_websocket_origins = { \"https://app.example.net/\", \"app.example.net\", 1 }"});
  for (const char* odd : {"https://app.example.net/", "app.example.net", "1"}) {
    prosody.log().wait_for("error\tmqtt_websocket_origins: \"" + std::string(odd) + "\" is no origin like");
  }
  const WebSocketRequest request{.host = "localhost", .origin = "https://app.example.net"};
  EXPECT_EQ(websocket_status(*plain(prosody), request), "403 Forbidden");
  prosody.reload({.global = "mqtt_websocket_origins = \"https://APP.example.net\""});
  EXPECT_EQ(websocket_status(*plain(prosody), request), "101 Switching Protocols");
  EXPECT_EQ(websocket_status(*plain(prosody), {.origin = "null"}), "403 Forbidden");
  prosody.reload({.global = "mqtt_websocket_origins = { \"null\" }"});
  EXPECT_EQ(websocket_status(*plain(prosody), {.origin = "null"}), "101 Switching Protocols");
}

// --- Behind a proxy that speaks HTTP ---

TEST(WebSocketTest, TheClientOfATrustedProxyIsWhomItSays) {
  Prosody prosody;
  prosody.start({.global = "allow_unencrypted_plain_auth = false"});
  const std::string forwarded = "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n";
  RawMqtt page = websocket(plain(prosody), {.more = forwarded});
  EXPECT_EQ(connect(page, juliet()).reason, mqtt::Reason::not_authorized) << "the password went in the clear";
  prosody.log().wait_for("192\\.0\\.2\\.7 \"page\": closed: a user name on an unencrypted connection");
  RawMqtt encrypted = websocket(plain(prosody), {.more = forwarded + "X-Forwarded-Proto: https\r\n"});
  EXPECT_EQ(connect(encrypted, juliet()).reason, mqtt::Reason::success);
  prosody.log().wait_for("192\\.0\\.2\\.7 \"page\" .*: connected");
}

TEST(WebSocketTest, NobodyElseIsBelieved) {
  Prosody prosody;
  prosody.start({.global = "mqtt_interfaces = { \"*\" }\nmqtt_require_encryption = false"});
  const std::string forwarded = "X-Forwarded-For: 198.51.100.7\r\n";
  RawMqtt page = websocket(plain(prosody, outside_address()), {.more = forwarded});
  EXPECT_EQ(connect(page, juliet()).reason, mqtt::Reason::success);
  prosody.log().wait_for(outside_address() + ":[0-9]+ \"page\" .*: connected");
  prosody.reload(
      {.global = "mqtt_interfaces = { \"*\" }\nmqtt_require_encryption = false\ntrusted_proxies = { \"" +
                 outside_address() + "/24\" }"});
  RawMqtt trusted = websocket(plain(prosody, outside_address()), {.more = forwarded});
  EXPECT_EQ(connect(trusted, juliet()).reason, mqtt::Reason::success);
  prosody.log().wait_for("198\\.51\\.100\\.7 \"page\" .*: connected");
}

TEST(WebSocketTest, TheClientsOfAProxyHaveTheirOwnLimits) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_connections_per_address = 1"});
  const auto status = [&](ByteStream& stream, const char* address) {
    return websocket_status(stream, {.more = std::string("X-Forwarded-For: ") + address + "\r\n"});
  };
  const auto first = plain(prosody);
  EXPECT_EQ(status(*first, "192.0.2.7"), "101 Switching Protocols");
  EXPECT_EQ(status(*plain(prosody), "192.0.2.7"), "503 Service Unavailable");
  prosody.log().wait_for("192\\.0\\.2\\.7 has as many as mqtt_max_connections_per_address");
  EXPECT_EQ(status(*plain(prosody), "192.0.2.8"), "101 Switching Protocols");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
