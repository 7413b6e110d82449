#include "websocket/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "client_frames.h"

namespace pubsub_mqtt::net {
namespace {

using session::WebSocketOrigin;
using testing::HasSubstr;
using testing::StartsWith;

UpgradeAnswer answer(const UpgradeText& asked, Arrival& client) {
  HttpRequest request;
  const std::string bytes = asked.text();
  std::string_view input = bytes;
  EXPECT_EQ(request.read(input), HttpRequest::Status::complete) << bytes;
  return answer_upgrade(request, client);
}

UpgradeAnswer answer(const UpgradeText& asked) { return answer(asked, *arrival()); }

std::string status(const UpgradeText& asked) { return answer(asked).response.substr(9, 3); }

TEST(UpgradeTest, AnswersAsRfc6455Says) {
  const auto given = answer({});
  EXPECT_EQ(given.refusal, "");
  EXPECT_EQ(given.response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
            "Upgrade\r\nSec-WebSocket-Accept: " +
                std::string(accept_of_sample_key) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
}

TEST(UpgradeTest, IsOnTwoPaths) {
  EXPECT_EQ(status({.line = "GET /mqtt HTTP/1.1"}), "101");
  EXPECT_EQ(status({.line = "GET / HTTP/1.1"}), "101");
  EXPECT_EQ(status({.line = "GET /mqtt?token=1 HTTP/1.1"}), "101");
  EXPECT_EQ(status({.line = "GET http://mqtt.example.org/mqtt HTTP/1.1"}), "101");
  for (const char* other : {"GET /mqtt/ HTTP/1.1", "GET /MQTT HTTP/1.1", "GET //mqtt HTTP/1.1",
                            "GET /ws HTTP/1.1", "GET http://mqtt.example.org/ws HTTP/1.1"}) {
    EXPECT_EQ(status({.line = other}), "404") << other;
  }
}

// [MQTT-6.0.0-3], [MQTT-6.0.0-4]
TEST(UpgradeTest, TheSubprotocolIsMqtt) {
  const auto chosen = [](const std::string& offered) {
    return answer({.protocol = "Sec-WebSocket-Protocol: " + offered + "\r\n"}).response;
  };
  for (const char* with_mqtt : {"mqtt", "mqttv3.1, mqtt", "mqtt,mqttv3.1", "other, mqtt",
                                "mqttv3.1\r\nSec-WebSocket-Protocol: mqtt"}) {
    EXPECT_THAT(chosen(with_mqtt), HasSubstr("Sec-WebSocket-Protocol: mqtt\r\n")) << with_mqtt;
  }
  EXPECT_THAT(chosen("mqttv3.1"), HasSubstr("Sec-WebSocket-Protocol: mqttv3.1\r\n"));
  for (const char* without : {"xmpp", "mqttv5", "", "mqtt2"})
    EXPECT_THAT(chosen(without), HasSubstr(" 400 ")) << without;
  EXPECT_EQ(status({.protocol = ""}), "400");
}

TEST(UpgradeTest, AVersionOtherThan13IsToldWhich) {
  for (const char* other : {"", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 13, 8\r\n"}) {
    const auto given = answer({.version = other});
    EXPECT_THAT(given.response, StartsWith("HTTP/1.1 426 ")) << other;
    EXPECT_THAT(given.response, HasSubstr("\r\nSec-WebSocket-Version: 13\r\n")) << other;
  }
}

TEST(UpgradeTest, WhatAsksForNoUpgradeIsToldWhatThePortIs) {
  for (const char* other :
       {"", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: close\r\n"}) {
    EXPECT_EQ(status({.upgrade = other}), "426") << other;
  }
  EXPECT_EQ(status({.upgrade = "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"}), "101");
}

TEST(UpgradeTest, TheKeyHas16Bytes) {
  for (const char* key :
       {"", "Sec-WebSocket-Key: \r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n",
        "Sec-WebSocket-Key: !!hlIHNhbXBsZSBub25jZQ==\r\n"}) {
    EXPECT_EQ(status({.key = key}), "400") << key;
  }
  const std::string once = UpgradeText{}.key;
  EXPECT_EQ(status({.key = once + once}), "400");
}

TEST(UpgradeTest, IsARequestOfHttp11WithOneHostAndWithoutABody) {
  EXPECT_EQ(status({.line = "GET /mqtt HTTP/1.0"}), "400");
  EXPECT_EQ(status({.host = ""}), "400");
  EXPECT_EQ(status({.host = "Host: a\r\nHost: b\r\n"}), "400");
  EXPECT_EQ(status({.more = "Content-Length: 3\r\n"}), "400");
  EXPECT_EQ(status({.more = "Transfer-Encoding: chunked\r\n"}), "400");
}

TEST(UpgradeTest, CompressionIsDeclined) {
  const auto given =
      answer({.more = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"});
  EXPECT_EQ(given.refusal, "");
  EXPECT_THAT(given.response, testing::Not(HasSubstr("Extensions")));
}

TEST(UpgradeTest, APageFromElsewhereIsRefusedWithWhatAnAdministratorCanDo) {
  const auto given = answer({.more = "Origin: https://evil.example\r\n"});
  EXPECT_THAT(given.response, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(std::string(given.refusal), HasSubstr("mqtt_websocket_origins"));
  EXPECT_TRUE(given.is_mendable);
  EXPECT_EQ(status({.more = "Origin: https://mqtt.example.org\r\nOrigin: https://mqtt.example.org\r\n"}),
            "403");
}

session::Peer peer_after(const std::string& more, std::string_view from, Access access = {}) {
  const auto client = arrival(from, std::move(access));
  EXPECT_EQ(answer({.more = more}, *client).refusal, "");
  return client->take_news()->peer;
}

TEST(UpgradeTest, TellsWhatOpenedIt) {
  EXPECT_EQ(peer_after("", "127.0.0.1").websocket, WebSocketOrigin::known);
  EXPECT_TRUE(peer_after("", "127.0.0.1").is_loopback);
  EXPECT_EQ(peer_after("Origin: http://mqtt.example.org\r\n", "127.0.0.1").websocket,
            WebSocketOrigin::any_host_name);
}

Access trusting_loopback() {
  return {.trusted_proxies = {{.address = RemoteAddress::parse("127.0.0.1")->bytes(), .bits = 128}}};
}

TEST(UpgradeTest, TheClientOfATrustedProxyIsWhomItSays) {
  const std::string said = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
  const auto peer = peer_after(said, "127.0.0.1", trusting_loopback());
  EXPECT_EQ(peer.address, "192.0.2.7");
  EXPECT_FALSE(peer.is_loopback);
  EXPECT_TRUE(peer.is_encrypted);
  const auto plain = peer_after("X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1", trusting_loopback());
  EXPECT_FALSE(plain.is_encrypted);
}

TEST(UpgradeTest, AProxyThatIsNotTrustedIsNotBelieved) {
  const std::string said = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
  const auto peer = peer_after(said, "192.0.2.1", trusting_loopback());
  EXPECT_EQ(peer.address, "192.0.2.1");
  EXPECT_FALSE(peer.is_encrypted);
}

TEST(UpgradeTest, AClientForWhichThereIsNoPlaceIsToldSo) {
  Arrival client(*RemoteAddress::parse("127.0.0.1"), false, Time(0),
                 std::make_shared<const Access>(trusting_loopback()),
                 [](const RemoteAddress&) { return std::optional<Admission::Place>(); });
  const auto given = answer({.more = "X-Forwarded-For: 192.0.2.7\r\n"}, client);
  EXPECT_THAT(given.response, StartsWith("HTTP/1.1 503 "));
  EXPECT_NE(given.refusal, "");
}

}  // namespace
}  // namespace pubsub_mqtt::net
