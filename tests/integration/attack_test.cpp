// Attacks, each while an XMPP client pings: every one of them costs the attacker, and nobody else
// (docs/security.md).
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <list>
#include <memory>
#include <vector>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

class Attack : public testing::Test {
 protected:
  void SetUp() override {
    prosody.start({.global = "mqtt_connect_timeout = 2"});
    xmpp.emplace("admin@localhost", account_password, prosody.c2s_port());
  }

  void TearDown() override {
    if (pings.empty()) return;
    std::sort(pings.begin(), pings.end());
    const auto milliseconds = [](auto time) {
      return std::chrono::duration<double, std::milli>(time).count();
    };
    std::cout << pings.size() << " XMPP pings, median " << milliseconds(pings[pings.size() / 2])
              << " ms, longest " << milliseconds(pings.back()) << " ms\n";
  }

  // XMPP has its turn, and so has a client that does nothing wrong.
  void ping() { pings.push_back(xmpp->ping("localhost")); }
  void expect_service() {
    ping();
    MqttClient client(prosody.mqtt_port());
    EXPECT_EQ(client.subscribe("pubsub.localhost/utf8/well"), 0);
    client.publish("pubsub.localhost/utf8/well", "is well");
    EXPECT_EQ(client.next_message().payload, "is well");
  }

  // Connections that say the same and then nothing more.
  void stall(std::uint16_t port, int connections, std::string_view bytes) {
    std::list<RawMqtt> attackers;
    for (int i = 0; i < connections; ++i) {
      attackers.emplace_back(port);
      attackers.back().send_bytes(bytes);
      if (i % 50 == 0) ping();
    }
    expect_service();
    for (auto& attacker : attackers) attacker.wait_for_close();
    expect_service();
  }

  Prosody prosody;
  std::optional<XmppClient> xmpp;
  std::vector<std::chrono::steady_clock::duration> pings;
};

TEST_F(Attack, ConnectionsThatSayNothing) { stall(prosody.mqtt_port(), 500, ""); }

TEST_F(Attack, ConnectsThatNeverEnd) {
  std::string connect_packet;
  mqtt::write(mqtt::Connect{.client_identifier = "slow"}, connect_packet);
  stall(prosody.mqtt_port(), 300, std::string_view(connect_packet).substr(0, connect_packet.size() - 1));
}

TEST_F(Attack, ConnectsThatClaimToBeLong) {
  stall(prosody.mqtt_port(), 300, "\x10\xFF\xFF\x0F");  // 262,143 bytes follow, they say
}

TEST_F(Attack, TlsHandshakesThatNeverEnd) {
  // A record of 512 bytes with a ClientHello in it, of which six bytes come.
  stall(prosody.mqtt_tls_port(), 300, std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11));
}

TEST_F(Attack, AThousandPasswordsAreNotTried) {
  MqttClient good(
      {.port = prosody.mqtt_port(), .user_name = "juliet@localhost", .password = account_password});
  ASSERT_EQ(good.connect_code(), 0);
  std::list<RawMqtt> attackers;
  for (int i = 0; i < 1000; ++i) {
    const std::string guess = std::to_string(i);
    attackers.emplace_back(prosody.mqtt_port());
    attackers.back().send(
        mqtt::Connect{.client_identifier = guess, .user_name = "romeo@localhost", .password = guess});
    if (i % 50 == 0) ping();
  }
  int tried = 0;
  for (auto& attacker : attackers) {
    const auto code = attacker.read_packet<mqtt::Connack>().reason;
    EXPECT_NE(code, mqtt::Reason::success);
    if (code == mqtt::Reason::bad_user_name_or_password) ++tried;
  }
  EXPECT_LE(tried, 10) << "mqtt_max_failed_logins";
  EXPECT_GE(tried, 3);
  prosody.log().wait_for("Too many failed logins of account romeo@localhost.*mqtt_max_failed_logins");
  expect_service();
  MqttClient again(
      {.port = prosody.mqtt_port(), .user_name = "juliet@localhost", .password = account_password});
  EXPECT_EQ(again.connect_code(), 0);
}

TEST_F(Attack, GiantWildcards) {
  RawMqtt attacker = connected(prosody.mqtt_port(), "giant");
  std::string levels = "+/+/";
  while (levels.size() < 60000) levels += "+/";
  for (mqtt::PacketIdentifier id = 1; id <= 100; ++id) {
    const std::string filter = levels + std::to_string(id);
    attacker.send(mqtt::Subscribe{.packet_identifier = id, .subscriptions = {{.topic_filter = filter}}});
    if (id % 10 == 0) ping();
  }
  for (int i = 0; i < 100; ++i) attacker.read_packet<mqtt::Suback>();
  expect_service();
}

// As many filters as 96 kB hold, ten of them again and again, and a thousand nodes to hold them against.
TEST_F(Attack, SubscribesWithManyFilters) {
  RawMqtt owner = connected(prosody.mqtt_port(), "owner");
  for (int i = 0; i < 1000; ++i) {
    const std::string topic_name = "pubsub.localhost/utf8/" + std::to_string(i);
    owner.send(mqtt::Publish{.topic = topic_name, .payload = "1"});
  }
  owner.subscribe("pubsub.localhost/utf8/999");  // carried out behind them
  std::vector<std::string> filters;
  for (int i = 0; i < 12000; ++i) filters.push_back("+/+/" + std::to_string(i % 10));
  mqtt::Subscribe subscribe{.packet_identifier = 1, .subscriptions = {}};
  for (const auto& filter : filters) subscribe.subscriptions.push_back({.topic_filter = filter});
  std::string packet;
  mqtt::write(subscribe, packet);

  const auto expect_answers = [&] {
    const auto begin = std::chrono::steady_clock::now();
    connected(prosody.mqtt_port(), "newcomer").ping();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    ping();
  };
  std::list<RawMqtt> attackers;
  for (int i = 0; i < 250; ++i) {
    attackers.push_back(connected(prosody.mqtt_port(), "attacker" + std::to_string(i)));
    attackers.back().send_bytes(packet);
    if (i % 25 == 24) expect_answers();
  }
  attackers.clear();
  expect_answers();
  expect_service();
}

// A ClientHello as OpenSSL's client sends it: all that a handshake costs us follows from it.
std::string client_hello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_connect(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

TEST_F(Attack, ThousandsOfTlsHandshakes) {
  const std::string hello = client_hello();
  RawMqtt plain = connected(prosody.mqtt_port(), "plain");
  std::list<RawMqtt> attackers;
  for (int i = 0; i < 3000; ++i) {
    attackers.emplace_back(prosody.mqtt_tls_port());
    attackers.back().send_bytes(hello);
    if (i % 100 != 0) continue;
    const auto begin = Clock::now();
    plain.ping();
    connected(prosody.mqtt_port(), "newcomer").ping();
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
    ping();
  }
  attackers.clear();
  expect_service();
}

// Each item of 200 kB costs pubsub's store tenths of a second, and nobody is there any more who waits for them.
TEST_F(Attack, LargePublishesOfThoseWhoLeave) {
  const std::string payload(200'000, 'x');
  const auto expect_answers = [&] {
    const auto begin = Clock::now();
    connected(prosody.mqtt_port(), "newcomer").ping();
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
  };
  for (int i = 0; i < 90; ++i) {
    RawMqtt attacker = connected(prosody.mqtt_port(), "attacker" + std::to_string(i));
    for (int j = 0; j < 5; ++j) {
      attacker.send(mqtt::Publish{.topic = "pubsub.localhost/utf8/large", .payload = payload});
    }
    attacker.send(mqtt::Disconnect{});
    if (i % 10 == 9) expect_answers();
  }
  expect_answers();
  const auto begin = Clock::now();
  expect_service();
  std::cout << "served after " << std::chrono::duration<double>(Clock::now() - begin).count() << " s\n";
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(Attack, NobodyTakesOverAnothersSession) {
  MqttClient::Options options{.port = prosody.mqtt_port(),
                              .client_identifier = "phone",
                              .user_name = "juliet@localhost",
                              .password = account_password};
  MqttClient juliet(options);
  ASSERT_EQ(juliet.subscribe("pubsub.localhost/utf8/node"), 0);
  options.password = "wrong";
  EXPECT_EQ(MqttClient(options).connect_code(), 4);
  options.user_name = "romeo@localhost";
  options.password = account_password;
  EXPECT_EQ(MqttClient(options).connect_code(), 0);
  xmpp->publish("node", "1", "<data xmlns='https://prosody.im/protocol/mqtt'>hers</data>");
  EXPECT_EQ(juliet.next_message().payload, "hers");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
