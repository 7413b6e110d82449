// Sessions: what outlives a connection, and for how long (MQTT 3.1.1, 3.1.2.4 and 4.1; docs/mapping.md,
// "Sessions and wills").
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

class Session : public testing::Test {
 protected:
  void start(const std::string& settings = {}) { prosody.start({.global = settings}); }
  void reload_module() { prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))"); }
  std::uint16_t port() const { return prosody.mqtt_port(); }

  mqtt::Connack connack_of(std::string_view client_identifier, bool clean_session) {
    RawMqtt client(port());
    const auto connack =
        connect(client, {.clean_session = clean_session, .client_identifier = client_identifier});
    if (connack.reason == mqtt::Reason::success) disconnect(client);
    return connack;
  }

  // A session with a subscription, and nobody there.
  void leave_session(std::string_view client_identifier, mqtt::QoS qos = exactly_once) {
    RawMqtt client = with_session(port(), client_identifier);
    client.subscribe(topic, qos);
    disconnect(client);
  }

  void publish_at_qos_1(const std::vector<std::string>& payloads) {
    RawMqtt client = connected(port(), "publisher");
    for (const auto& payload : payloads) {
      publish(client, {.topic = topic, .payload = payload, .qos = at_least_once});
    }
  }

  std::vector<std::string> payloads_waiting_for(std::string_view client_identifier) {
    RawMqtt client = with_kept_session(port(), client_identifier);
    std::vector<std::string> payloads;
    for (const Message& message : messages_waiting(client)) payloads.push_back(message.payload);
    return payloads;
  }

  Prosody prosody;
};

using Payloads = std::vector<std::string>;

TEST_F(Session, ConnackSaysWhetherThereIsOne) {
  start();
  EXPECT_FALSE(connack_of("device", false).session_present);
  EXPECT_TRUE(connack_of("device", false).session_present);
  EXPECT_FALSE(connack_of("other", false).session_present);
  EXPECT_FALSE(connack_of("device", true).session_present);
  EXPECT_FALSE(connack_of("device", false).session_present) << "a clean session ends the one before";
}

TEST_F(Session, KeepsSubscriptionsAndQos1And2ForAClientThatIsAway) {
  start();
  leave_session("device");
  RawMqtt client = connected(port(), "publisher");
  publish(client, {.topic = topic, .payload = "0", .qos = at_most_once});
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once});
  publish(client, {.topic = topic, .payload = "2", .qos = exactly_once});
  RawMqtt device = with_kept_session(port(), "device");
  EXPECT_EQ(next_message(device), (Message{.topic = topic, .payload = "1", .qos = 1}));
  EXPECT_EQ(next_message(device), (Message{.topic = topic, .payload = "2", .qos = 2}));
  publish(client, {.topic = topic, .payload = "3", .qos = at_least_once});
  EXPECT_EQ(next_message(device), (Message{.topic = topic, .payload = "3", .qos = 1}));
}

TEST_F(Session, KeepsItForAClientWhoseConnectionWasReset) {
  start();
  RawMqtt device = with_session(port(), "device");
  device.subscribe(topic, at_least_once);
  abort(device);
  publish_at_qos_1({"1", "2"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{"1", "2"}));
}

TEST_F(Session, ACleanOneForgetsItsSubscriptions) {
  start();
  RawMqtt client = connected(port(), "device");
  client.subscribe(topic, at_least_once);
  disconnect(client);
  publish_at_qos_1({"1"});
  RawMqtt again = with_session(port(), "device");
  publish_at_qos_1({"2"});
  EXPECT_TRUE(messages_so_far(again).empty());
}

TEST_F(Session, TheQueueDropsTheNewestBeyondMqttMaxQueuedMessages) {
  start("mqtt_max_queued_messages = 3");
  leave_session("device");
  leave_session("other");
  publish_at_qos_1({"1", "2", "3", "4", "5"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{"1", "2", "3"}));
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("device.*mqtt_max_queued_messages"), 1U);
  EXPECT_EQ(prosody.log().count("other.*mqtt_max_queued_messages"), 1U);
  EXPECT_EQ(connack_of("device", true).reason, mqtt::Reason::success);
  prosody.log().wait_for("device.*2 messages were dropped");
}

TEST_F(Session, TheQueueTakesMessagesAgainWhenItHasRoom) {
  start("mqtt_max_queued_messages = 2");
  leave_session("device");
  publish_at_qos_1({"1", "2", "3"});
  RawMqtt device = with_kept_session(port(), "device");
  for (const char* payload : {"1", "2"}) EXPECT_EQ(next_message(device).payload, payload);
  device.ping();  // the acknowledgements have arrived
  disconnect(device);
  publish_at_qos_1({"4", "5", "6"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{"4", "5"}));
}

TEST_F(Session, TheQueueDropsTheNewestBeyondMqttMaxQueuedBytes) {
  start("mqtt_max_queued_bytes = 1000");
  leave_session("device");
  const std::string large(600, 'x');
  publish_at_qos_1({large, large, "small"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{large, "small"}));
}

TEST_F(Session, AMessageIsAlwaysAdmittedToAnEmptyQueue) {
  start("mqtt_max_queued_bytes = 1000");
  leave_session("device");
  const std::string large(2000, 'x');
  publish_at_qos_1({large, "small"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{large}));
}

TEST_F(Session, ATakeoverClosesTheOldConnectionAndKeepsTheSession) {
  start();
  RawMqtt first = with_session(port(), "device");
  first.subscribe(topic, at_least_once);
  publish_at_qos_1({"1"});
  EXPECT_EQ(first.read_packet<mqtt::Publish>().payload, "1");
  RawMqtt second = with_kept_session(port(), "device");
  EXPECT_THROW(first.read(), ConnectionClosed);
  const auto packet = second.read_packet<mqtt::Publish>();
  EXPECT_EQ(packet.payload, "1");
  EXPECT_TRUE(packet.dup);
  second.send(mqtt::Puback{packet.packet_identifier});
  publish_at_qos_1({"2"});
  EXPECT_EQ(next_message(second).payload, "2");
}

TEST_F(Session, WhatTheOldConnectionPublishedIsNotAcknowledgedOnTheNewOne) {
  start();
  RawMqtt first = with_session(port(), "device");
  first.send(mqtt::Publish{.topic = topic, .payload = "1", .qos = at_least_once, .packet_identifier = 5});
  RawMqtt second = with_kept_session(port(), "device");
  publish(second, {.topic = topic, .payload = "2", .qos = at_least_once, .packet_identifier = 6});
}

TEST_F(Session, SurvivesAReloadOfTheModule) {
  start();
  leave_session("away");
  RawMqtt here = with_session(port(), "here");
  here.subscribe(topic, exactly_once);
  publish_at_qos_1({"1"});
  const mqtt::PacketIdentifier identifier = here.read_packet<mqtt::Publish>().packet_identifier;
  RawMqtt sender = with_session(port(), "sender");
  sender.send(mqtt::Publish{.topic = topic, .payload = "2", .qos = exactly_once, .packet_identifier = 9});
  sender.read_packet<mqtt::Pubrec>();
  EXPECT_EQ(here.read_packet<mqtt::Publish>().payload, "2");

  reload_module();
  here.send(mqtt::Puback{identifier});
  publish(sender, {.topic = topic, .payload = "2", .qos = exactly_once, .dup = true, .packet_identifier = 9});
  publish_at_qos_1({"3"});
  EXPECT_EQ(next_message(here).payload, "3");
  reload_module();
  EXPECT_EQ(payloads_waiting_for("away"), (Payloads{"1", "2", "3"}));
}

TEST_F(Session, SurvivesAReloadOfTheConfiguration) {
  start();
  leave_session("away");
  publish_at_qos_1({"1"});
  prosody.reload({});
  publish_at_qos_1({"2"});
  EXPECT_EQ(payloads_waiting_for("away"), (Payloads{"1", "2"}));
}

TEST_F(Session, KeepsWhatWaitsThroughWildcardsWhileAHostIsDeactivated) {
  start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  const std::array<const char*, 2> filters{"pubsub.localhost/utf8/#", "+/+/node"};
  for (const char* filter : filters) {
    RawMqtt client = with_session(port(), filter);
    client.subscribe(filter, at_least_once);
    disconnect(client);
  }
  publish_at_qos_1({"1"});
  prosody.shell(R"(host:deactivate("pubsub.localhost"))");
  prosody.shell(R"(host:activate("pubsub.localhost"))");
  publish_at_qos_1({"2"});
  for (const char* filter : filters) EXPECT_EQ(payloads_waiting_for(filter), (Payloads{"1", "2"})) << filter;
}

TEST_F(Session, EndsWhenNobodyComesBackWithinMqttSessionExpiry) {
  start("mqtt_session_expiry = 1");
  RawMqtt stays = with_session(port(), "stays");
  leave_session("leaves");
  prosody.log().wait_for("leaves.*mqtt_session_expiry");
  EXPECT_FALSE(connack_of("leaves", false).session_present);
  stays.ping();
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("stays.*mqtt_session_expiry"), 0U);
}

TEST_F(Session, MessagesThatWaitAreJudgedByTheRightsOfTheDayTheyAreSentOnQueuedOrInFlight) {
  start("mqtt_max_inflight = 1");
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  admin.create("other", {{"access_model", "open"}});
  RawMqtt device = with_session(port(), "device");
  device.subscribe(topic, at_least_once);
  device.subscribe("pubsub.localhost/utf8/other", at_least_once);
  publish_at_qos_1({"in flight", "queued"});
  RawMqtt client = connected(port(), "publisher");
  publish(client, {.topic = "pubsub.localhost/utf8/other", .payload = "other", .qos = at_least_once});
  EXPECT_EQ(device.read_packet<mqtt::Publish>().payload, "in flight");
  disconnect(device);
  admin.configure("node", {{"access_model", "whitelist"}});

  RawMqtt again = with_kept_session(port(), "device");
  EXPECT_EQ(next_message(again).payload, "other");
  EXPECT_TRUE(messages_so_far(again).empty());
}

TEST_F(Session, AnEmptyIdentifierIsUniqueAndNeedsACleanSession) {
  start();
  RawMqtt first = connected(port(), "");
  RawMqtt second = connected(port(), "");
  first.ping();
  second.ping();
  RawMqtt third(port());
  EXPECT_EQ(connect(third, {.clean_session = false}),
            (mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
  EXPECT_THROW(third.read(), ConnectionClosed);
}

TEST_F(Session, AnyUtf8IsAnIdentifier) {
  start();
  const std::string longest(256, 'x');  // mqtt_max_client_identifier_length
  for (const std::string& identifier :
       {std::string("\xE6\x97\xA5\xE6\x9C\xAC"), std::string("+/#$ \"\\"), std::string("\x01\n"),
        std::string("\xEF\xBB\xBF"), std::string("\xF0\x9F\x98\x80"), std::string("e\xCC\x81"),
        std::string("\xC3\xA9"), longest}) {
    EXPECT_EQ(connack_of(identifier, false), mqtt::Connack{}) << identifier.substr(0, 20);
    EXPECT_EQ(connack_of(identifier, false), (mqtt::Connack{.session_present = true}))
        << identifier.substr(0, 20);
  }
  EXPECT_EQ(connack_of(longest + 'x', false),
            (mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
}

TEST_F(Session, SilenceLongerThanTheKeepAliveIntervalEndsTheConnectionOnly) {
  start();
  RawMqtt silent(port());
  RawMqtt unlimited(port());
  connect(silent, {.clean_session = false, .keep_alive = 1, .client_identifier = "silent"});
  connect(unlimited, {.keep_alive = 0, .client_identifier = "unlimited"});
  silent.subscribe(topic, at_least_once);
  EXPECT_THROW(silent.read(), ConnectionClosed);
  prosody.log().wait_for("silent.*keep-alive");
  unlimited.ping();
  publish_at_qos_1({"1"});
  EXPECT_EQ(payloads_waiting_for("silent"), (Payloads{"1"}));
}

class SessionOfMqtt31 : public Session {
 protected:
  void SetUp() override { start(); }

  static mqtt::Connect packet(std::string_view client_identifier, bool clean_session = true) {
    return {.level = mqtt::ProtocolLevel::mqtt_3_1,
            .clean_session = clean_session,
            .client_identifier = client_identifier};
  }
};

TEST_F(SessionOfMqtt31, PublishesAndSubscribesAtEachQos) {
  RawMqtt client(port());
  ASSERT_EQ(connect(client, packet("device")), mqtt::Connack{});
  ASSERT_EQ(client.subscribe(topic, exactly_once), mqtt::Reason::granted_qos_2);
  for (const mqtt::QoS qos : {at_most_once, at_least_once, exactly_once}) {
    RawMqtt sender(port());
    ASSERT_EQ(connect(sender, packet("sender")), mqtt::Connack{});
    publish(sender, {.topic = topic, .payload = "x", .qos = qos});
    EXPECT_EQ(next_message(client), (Message{.topic = topic, .payload = "x", .qos = static_cast<int>(qos)}));
  }
}

TEST_F(SessionOfMqtt31, TheSecondByteOfConnackIsReserved) {
  for (int i = 0; i < 2; ++i) {
    RawMqtt client(port());
    EXPECT_EQ(connect(client, packet("device", false)), mqtt::Connack{});
    disconnect(client);
  }
}

TEST_F(SessionOfMqtt31, IsKeptAsOneOfMqtt311) {
  RawMqtt client(port());
  connect(client, packet("device", false));
  client.subscribe(topic, at_least_once);
  disconnect(client);
  publish_at_qos_1({"1"});
  EXPECT_EQ(payloads_waiting_for("device"), (Payloads{"1"}));
}

TEST_F(SessionOfMqtt31, AnEmptyIdentifierIsRefused) {
  for (const bool clean_session : {false, true}) {
    RawMqtt client(port());
    EXPECT_EQ(connect(client, packet("", clean_session)).reason, mqtt::Reason::client_identifier_not_valid);
    EXPECT_THROW(client.read(), ConnectionClosed);
  }
}

TEST_F(SessionOfMqtt31, AnIdentifierOfMoreThan23CharactersIsServedAndLogged) {
  RawMqtt client(port());
  EXPECT_EQ(connect(client, packet("abcdefghijklmnopqrstuvwxyz")).reason, mqtt::Reason::success);
  const std::string line = prosody.log().wait_for("abcdefghijklmnopqrstuvwxyz.*23");
  EXPECT_NE(line.find("debug"), std::string::npos) << line;
}

TEST_F(SessionOfMqtt31, ARefusedFilterIsAnsweredWithItsQosAndDeliversNothing) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("secret", {{"access_model", "whitelist"}});
  RawMqtt client(port());
  connect(client, packet("device"));
  EXPECT_EQ(client.subscribe("pubsub.localhost/utf8/secret", at_least_once), mqtt::Reason::granted_qos_1);
  prosody.log().wait_for("device.*refused");
  admin.publish("secret", "1", "<data xmlns='https://prosody.im/protocol/mqtt'>x</data>");
  EXPECT_TRUE(messages_so_far(client).empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
