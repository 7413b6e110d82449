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
    prosody.start();
    xmpp.emplace("admin@localhost", account_password, prosody.c2s_port());
  }

  using Times = std::vector<Clock::duration>;

  // For who looks: how long the machine takes is nothing to fail for.
  void TearDown() override {
    show("XMPP pings", pings);
    show("newcomers", newcomers);
  }
  static void show(const char* what, Times& times) {
    if (times.empty()) return;
    std::sort(times.begin(), times.end());
    const auto milliseconds = [](auto time) {
      return std::chrono::duration<double, std::milli>(time).count();
    };
    std::cout << times.size() << ' ' << what << ", median " << milliseconds(times[times.size() / 2])
              << " ms, longest " << milliseconds(times.back()) << " ms\n";
  }

  // XMPP has its turn, and so has a client that does nothing wrong.
  void ping() { pings.push_back(xmpp->ping("localhost")); }
  void expect_newcomer() {
    const auto begin = Clock::now();
    connected(prosody.mqtt_port(), "newcomer").ping();
    newcomers.push_back(Clock::now() - begin);
  }
  void expect_service() {
    ping();
    MqttClient client(prosody.mqtt_port());
    EXPECT_EQ(client.subscribe("pubsub.localhost/utf8/well"), 0);
    client.publish("pubsub.localhost/utf8/well", "is well");
    EXPECT_EQ(client.next_message().payload, "is well");
  }

  // Connections that say the same and then nothing more.
  void stall(std::uint16_t port, int connections, std::string_view bytes) {
    prosody.reload({.global = "mqtt_connect_timeout = 2"});
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
  Times pings;
  Times newcomers;
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
  constexpr int most = 4;
  prosody.reload({.global = "mqtt_max_failed_logins = " + std::to_string(most)});
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
  EXPECT_EQ(tried, most);
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
  for (int first = 0; first < 1000; first += 100) {
    std::vector<std::string> nodes;
    for (int i = first; i < first + 100; ++i) nodes.push_back("pubsub.localhost/utf8/" + std::to_string(i));
    mqtt::Subscribe creation{.packet_identifier = 1, .subscriptions = {}};
    for (const auto& node : nodes) creation.subscriptions.push_back({.topic_filter = node});
    owner.send(creation);
    owner.read_packet<mqtt::Suback>();
  }
  std::vector<std::string> filters;
  for (int i = 0; i < 12000; ++i) filters.push_back("+/+/" + std::to_string(i % 10));
  mqtt::Subscribe subscribe{.packet_identifier = 1, .subscriptions = {}};
  for (const auto& filter : filters) subscribe.subscriptions.push_back({.topic_filter = filter});
  std::string packet;
  mqtt::write(subscribe, packet);

  const auto expect_answers = [&] {
    expect_newcomer();
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
    plain.ping();
    expect_newcomer();
    ping();
  }
  attackers.clear();
  expect_service();
}

// Each item of 200 kB costs pubsub's store tenths of a second, and nobody is there any more who waits for them. Were
// all of them stored, expect_service() would wait in vain.
TEST_F(Attack, LargePublishesOfThoseWhoLeave) {
  const std::string payload(200'000, 'x');
  for (int i = 0; i < 90; ++i) {
    RawMqtt attacker = connected(prosody.mqtt_port(), "attacker" + std::to_string(i));
    for (int j = 0; j < 5; ++j) {
      attacker.send(mqtt::Publish{.topic = "pubsub.localhost/utf8/large", .payload = payload});
    }
    attacker.send(mqtt::Disconnect{});
    if (i % 10 == 9) expect_newcomer();
  }
  expect_newcomer();
  expect_service();
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
