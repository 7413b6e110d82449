// What outlives the process: sessions with all that is of them, over a stop and over kill -9 (docs/durability.md).
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;
using Payloads = std::vector<std::string>;

std::string integer_property(mqtt::PropertyIdentifier identifier, std::uint32_t value) {
  return mqtt_5::properties({{identifier, value}});
}

constexpr std::string_view node_topic = "pubsub.localhost/utf8/node";

class Durability : public testing::Test {
 protected:
  void start(const std::string& settings = {}) {
    configuration.global = settings;
    prosody.start(configuration);
  }
  void kill() {
    prosody.send_signal(SIGKILL);
    EXPECT_EQ(prosody.wait_for_end().status, 128 + SIGKILL);
  }
  void kill_and_start() {
    kill();
    prosody.start(configuration);
  }
  void stop_and_start() {
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start(configuration);
  }
  std::uint16_t port() const { return prosody.mqtt_port(); }

  void leave_session(std::string_view client_identifier, mqtt::QoS qos = exactly_once,
                     std::string_view filter = node_topic) {
    RawMqtt client = with_session(port(), client_identifier);
    client.subscribe(filter, qos);
    disconnect(client);
  }

  void publish_all(const Payloads& payloads, mqtt::QoS qos = at_least_once) {
    RawMqtt client = connected(port(), "publisher");
    for (const auto& payload : payloads)
      publish(client, {.topic = node_topic, .payload = payload, .qos = qos});
  }

  static Payloads payloads_of(RawMqtt& client) {
    Payloads payloads;
    for (const Message& message : messages_waiting(client)) payloads.push_back(message.payload);
    return payloads;
  }
  Payloads payloads_waiting_for(std::string_view client_identifier) {
    RawMqtt client = with_kept_session(port(), client_identifier);
    auto payloads = payloads_of(client);
    settle(client);
    disconnect(client);
    return payloads;
  }

  // Returns when the server has stored what the client has acknowledged: UNSUBACK of a subscription that was there says
  // so of all that came before.
  static void settle(RawMqtt& client) {
    constexpr const char* filter = "pubsub.localhost/utf8/settled";
    client.send(mqtt::Subscribe{1, {{filter, at_least_once}}});
    client.send(mqtt::Unsubscribe{2, {filter}});
    while (true) {
      const mqtt::Packet packet = client.read();
      if (std::holds_alternative<mqtt::Unsuback>(packet)) return;
      if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
        client.send(mqtt::Pubcomp{pubrel->packet_identifier});
      }
    }
  }

  // While Prosody does not run.
  std::int64_t stored_wills(const std::string& payload) const {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &handle), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> store(handle, sqlite3_close);
    const std::string sql =
        "SELECT count(*) FROM (SELECT payload FROM will UNION ALL SELECT payload FROM clean_will) "
        "WHERE CAST(payload AS TEXT) = '" +
        payload + "'";
    sqlite3_stmt* prepared = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, sql.c_str(), -1, &prepared, nullptr), SQLITE_OK);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, sqlite3_finalize);
    return sqlite3_step(prepared) == SQLITE_ROW ? sqlite3_column_int64(prepared, 0) : -1;
  }

  Prosody prosody;
  Configuration configuration;
};

TEST_F(Durability, ASessionWithItsSubscriptionsAndItsQueueOutlivesAKill) {
  start();
  leave_session("client");
  publish_all({"1", "2"}, at_least_once);
  publish_all({"3"}, exactly_once);
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), (Payloads{"1", "2", "3"}));
  publish_all({"4"});
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{"4"});
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{}) << "what was acknowledged comes once";
}

TEST_F(Durability, AReloadAsksForARestartWhereTheStoreHasChanged) {
  start();
  prosody.reload({});
  const std::size_t mark = prosody.log().size();
  prosody.reload({.global = "mqtt_durability = \"process\""});
  prosody.log().wait_for("warn\tmqtt_durability or mqtt_store has changed: restart Prosody", mark);
  leave_session("client");
  publish_all({"1"});
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{"1"});
}

TEST_F(Durability, AndAStop) {
  start();
  leave_session("client");
  publish_all({"1", "2"});
  stop_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), (Payloads{"1", "2"}));
}

TEST_F(Durability, AllIsInPlaceBeforeThePublishThatComesFirst) {
  start();
  leave_session("exact");
  leave_session("wild", at_least_once, "pubsub.localhost/+/#");
  kill_and_start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  publish_all({"1"});
  EXPECT_EQ(payloads_waiting_for("exact"), Payloads{"1"});
  EXPECT_EQ(payloads_waiting_for("wild"), Payloads{"1"});
}

TEST_F(Durability, ACleanSessionLeavesNothing) {
  start();
  leave_session("client");
  publish_all({"1"});
  RawMqtt client = connected(port(), "client");  // a clean session ends the other one
  kill_and_start();
  RawMqtt again(port());
  EXPECT_FALSE(connect(again, {.clean_session = false, .client_identifier = "client"}).session_present);
}

TEST_F(Durability, WhatWasUnsubscribedStaysSo) {
  start();
  RawMqtt client = with_session(port(), "client");
  client.subscribe(node_topic, at_least_once);
  client.subscribe("pubsub.localhost/utf8/other", at_least_once);
  client.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {node_topic}});
  client.read_packet<mqtt::Unsuback>();
  kill_and_start();
  publish_all({"1"});
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{});
}

TEST_F(Durability, WhatWasInFlightIsSentAgainWithItsPacketIdentifier) {
  start();
  RawMqtt client = with_session(port(), "client");
  client.subscribe(node_topic, exactly_once);
  publish_all({"1"}, at_least_once);
  publish_all({"2", "3"}, exactly_once);
  const Received first = receive(client);
  const Received second = receive(client);
  const Received third = receive(client);
  client.send(mqtt::Pubrec{third.packet_identifier});
  EXPECT_EQ(client.read_packet<mqtt::Pubrel>().packet_identifier, third.packet_identifier);
  kill_and_start();
  RawMqtt again = with_kept_session(port(), "client");
  // [MQTT-4.4.0-1]
  std::vector<Received> messages;
  bool is_released = false;
  while (messages.size() < 2 || !is_released) {
    const auto packet = again.read();
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      EXPECT_EQ(pubrel->packet_identifier, third.packet_identifier);
      is_released = true;
    } else {
      const auto& publish = std::get<mqtt::Publish>(packet);
      messages.push_back({.payload = std::string(publish.payload),
                          .qos = publish.qos,
                          .dup = publish.dup,
                          .packet_identifier = publish.packet_identifier});
    }
  }
  EXPECT_EQ(messages[0].payload, "1");
  EXPECT_EQ(messages[0].packet_identifier, first.packet_identifier);
  EXPECT_TRUE(messages[0].dup);
  EXPECT_EQ(messages[1].payload, "2");
  EXPECT_EQ(messages[1].qos, exactly_once);
  EXPECT_EQ(messages[1].packet_identifier, second.packet_identifier);
}

TEST_F(Durability, APublishAtQos2ThatIsSentAgainIsNotPublishedAgain) {
  start();
  leave_session("subscriber");
  RawMqtt client = with_session(port(), "publisher");
  client.send(
      mqtt::Publish{.topic = node_topic, .payload = "1", .qos = exactly_once, .packet_identifier = 7});
  client.read_packet<mqtt::Pubrec>();
  kill_and_start();
  RawMqtt again = with_kept_session(port(), "publisher");
  again.send(mqtt::Publish{
      .topic = node_topic, .payload = "1", .qos = exactly_once, .dup = true, .packet_identifier = 7});
  EXPECT_EQ(again.read_packet<mqtt::Pubrec>().packet_identifier, 7);
  again.send(mqtt::Pubrel{.packet_identifier = 7});
  EXPECT_EQ(again.read_packet<mqtt::Pubcomp>().packet_identifier, 7);
  EXPECT_EQ(payloads_waiting_for("subscriber"), Payloads{"1"});
  // The identifier is free again: what comes with it next is another message.
  kill_and_start();
  RawMqtt next = with_kept_session(port(), "publisher");
  next.send(mqtt::Publish{.topic = node_topic, .payload = "2", .qos = exactly_once, .packet_identifier = 7});
  next.read_packet<mqtt::Pubrec>();
  EXPECT_EQ(payloads_waiting_for("subscriber"), Payloads{"2"});
}

TEST_F(Durability, OptionsAndIdentifiersOfMqtt5OutliveAKill) {
  start();
  RawMqtt client(port());
  const std::string a_day = integer_property(mqtt::PropertyIdentifier::session_expiry_interval, 86400);
  connect(client, {.level = mqtt::ProtocolLevel::mqtt_5,
                   .clean_session = false,
                   .client_identifier = "client",
                   .properties = mqtt::Properties(a_day)});
  const std::string number = integer_property(mqtt::PropertyIdentifier::subscription_identifier, 1234);
  client.send(mqtt::Subscribe{
      .packet_identifier = 1,
      .subscriptions = {{.topic_filter = node_topic, .qos = at_least_once, .retain_as_published = true}},
      .properties = mqtt::Properties(number)});
  client.read_packet<mqtt::Suback>();
  kill_and_start();
  RawMqtt publisher = connected(port(), "publisher");
  publish(publisher, {.topic = node_topic, .payload = "1", .qos = at_least_once, .retain = true});
  kill_and_start();
  RawMqtt again(port());
  EXPECT_TRUE(connect(again, {.level = mqtt::ProtocolLevel::mqtt_5,
                              .clean_session = false,
                              .client_identifier = "client",
                              .properties = mqtt::Properties(a_day)})
                  .session_present);
  const Received message = receive(again);
  EXPECT_EQ(message.payload, "1");
  EXPECT_TRUE(message.retain);
  EXPECT_EQ(message.integer(mqtt::PropertyIdentifier::subscription_identifier), 1234U);
}

TEST_F(Durability, AMemberOfASharedGroupKeepsWhatTheGroupGaveIt) {
  start();
  leave_session("member", at_least_once, "$share/group/pubsub.localhost/utf8/node");
  publish_all({"1", "2"});
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("member"), (Payloads{"1", "2"}));
}

TEST_F(Durability, WhatHasATopicOfItsOwnKeepsThat) {
  start("mqtt_mountpoint = \"pubsub.localhost/utf8\"");
  leave_session("client", exactly_once, "device/+");
  leave_session("member", at_least_once, "$share/group/device/+");
  RawMqtt publisher = connected(port(), "publisher");
  publish(publisher, {.topic = "device/1", .payload = "1", .qos = at_least_once});
  kill_and_start();
  for (const char* name : {"client", "member"}) {
    RawMqtt client = with_kept_session(port(), name);
    const Message message = next_message(client);
    EXPECT_EQ(message.topic, "device/1");
    EXPECT_EQ(message.payload, "1");
  }
}

TEST_F(Durability, ASessionThatHasExpiredMeanwhileIsGone) {
  start();
  RawMqtt client(port());
  const std::string a_second = integer_property(mqtt::PropertyIdentifier::session_expiry_interval, 1);
  connect(client, {.level = mqtt::ProtocolLevel::mqtt_5,
                   .clean_session = false,
                   .client_identifier = "client",
                   .properties = mqtt::Properties(a_second)});
  disconnect(client);
  leave_session("last");  // what was posted before its SUBACK is stored
  kill();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  prosody.start(configuration);
  RawMqtt again(port());
  EXPECT_FALSE(connect(again, {.level = mqtt::ProtocolLevel::mqtt_5,
                               .clean_session = false,
                               .client_identifier = "client",
                               .properties = mqtt::Properties(a_second)})
                   .session_present);
}

// From the restart on the client has its keep-alive, a second, to come back.
TEST_F(Durability, TheWillOfWhoDoesNotComeBackGoesOut) {
  start();
  leave_session("subscriber", at_least_once, will_topic);
  RawMqtt polite(port());
  connect(polite, {.clean_session = false,
                   .client_identifier = "polite",
                   .will = mqtt::Publish{.topic = will_topic, .payload = "polite", .qos = at_least_once}});
  settle(polite);
  disconnect(polite);
  RawMqtt client(port());
  connect(client, {.clean_session = false,
                   .keep_alive = 1,
                   .client_identifier = "client",
                   .will = mqtt::Publish{.topic = will_topic, .payload = "gone", .qos = at_least_once}});
  client.ping();
  leave_session("last");  // what was posted before its SUBACK is stored
  kill();
  EXPECT_EQ(stored_wills("polite"), 0);
  prosody.start(configuration);
  RawMqtt subscriber = with_kept_session(port(), "subscriber");
  EXPECT_EQ(next_message(subscriber).payload, "gone");
  settle(subscriber);
  kill();
  EXPECT_EQ(stored_wills("gone"), 0) << "it goes out once";
}

TEST_F(Durability, SoDoesThatOfAClientWhoseSessionEndsWithItsConnection) {
  start();
  leave_session("subscriber", at_least_once, will_topic);
  RawMqtt client(port());
  connect(client, {.keep_alive = 1,
                   .client_identifier = "client",
                   .will = mqtt::Publish{.topic = will_topic, .payload = "gone", .qos = at_least_once}});
  client.ping();
  leave_session("last");  // what was posted before its SUBACK is stored
  kill_and_start();
  RawMqtt subscriber = with_kept_session(port(), "subscriber");
  EXPECT_EQ(next_message(subscriber).payload, "gone");
}

TEST_F(Durability, AWillThatGoesOutAtACleanEndDoesNotComeAgain) {
  start();
  leave_session("subscriber", at_least_once, will_topic);
  std::vector<RawMqtt> clients;
  for (const bool clean_session : {true, false}) {
    const std::string_view identifier = clean_session ? "clean" : "stored";
    connect(clients.emplace_back(port()),
            {.clean_session = clean_session,
             .keep_alive = 1,
             .client_identifier = identifier,
             .will = mqtt::Publish{.topic = will_topic, .payload = identifier, .qos = at_least_once}});
    clients.back().ping();
  }
  stop_and_start();
  EXPECT_EQ(payloads_waiting_for("subscriber").size(), 2U);
  EXPECT_EQ(prosody.stop().status, 0);
  for (const char* payload : {"clean", "stored"}) EXPECT_EQ(stored_wills(payload), 0) << payload;
}

TEST_F(Durability, InMemoryNothingIsStored) {
  start("mqtt_durability = \"memory\"");
  leave_session("client");
  publish_all({"1"});
  EXPECT_FALSE(std::filesystem::exists(prosody.folder().path("data/pubsub_mqtt.sqlite")));
  kill_and_start();
  RawMqtt again(port());
  EXPECT_FALSE(connect(again, {.clean_session = false, .client_identifier = "client"}).session_present);
}

TEST_F(Durability, TheFileHasItsNameAndItsMode) {
  start("mqtt_durability = \"process\"; mqtt_store = \"mqtt/store.sqlite\"");
  prosody.log().wait_for("mqtt/store.sqlite cannot be locked: No such file or directory");
  EXPECT_EQ(prosody.stop().status, 0);
  start("mqtt_durability = \"process\"; mqtt_store = \"store.sqlite\"");
  leave_session("client");
  struct stat status {};
  ASSERT_EQ(stat(prosody.folder().path("data/store.sqlite").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U);
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{});
}

TEST_F(Durability, ADurabilityThatIsNoneIsTheStrictest) {
  start("mqtt_durability = \"paper\"");
  prosody.log().wait_for(
      "mqtt_durability = paper is none of \"disk\", \"process\", \"memory\": using \"disk\"");
  leave_session("client");
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{});
}

TEST_F(Durability, ADaemonKeepsThemToo) {
  prosody.start(configuration, Prosody::Mode::daemon);
  leave_session("client");
  publish_all({"1"});
  prosody.send_signal(SIGKILL);
  prosody.wait_for_end();
  prosody.start(configuration, Prosody::Mode::daemon);
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{"1"});
}

TEST_F(Durability, ASecondProsodyServesWithout) {
  start();
  Prosody second;
  second.start({.global = "mqtt_store = \"" + prosody.folder().path("data/pubsub_mqtt.sqlite") + '"'});
  second.log().wait_for("is in use by another Prosody");
  connected(second.mqtt_port(), "client").ping();
  leave_session("client");
}

TEST_F(Durability, AReloadKeepsEverything) {
  start();
  leave_session("client");
  publish_all({"1"});
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  publish_all({"2"});
  kill_and_start();
  EXPECT_EQ(payloads_waiting_for("client"), (Payloads{"1", "2"}));
}

TEST_F(Durability, AnUnloadAndALoadKeepThemToo) {
  start();
  leave_session("client");
  publish_all({"1"});
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(payloads_waiting_for("client"), Payloads{"1"});
}

}  // namespace
}  // namespace pubsub_mqtt::tests
