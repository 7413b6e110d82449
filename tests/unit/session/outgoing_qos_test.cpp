// Messages to a client at QoS 1 and 2: flows, window, queue, redelivery.
#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

constexpr NodeId node = 7;
constexpr NodeId other_node = 8;
constexpr std::string_view topic = "pubsub.example.org/utf8/a";

class OutgoingQosTest : public ::testing::Test {
 protected:
  OutgoingQosTest() {
    server.sessions.handle(NodeOpened{.node = node, .host = "pubsub.example.org", .name = "a"});
    server.sessions.handle(NodeOpened{.node = other_node, .host = "pubsub.example.org", .name = "b"});
  }

  void connect(std::uint16_t max_inflight = 20) {
    server.limits.max_inflight = max_inflight;
    client.connect_again("meter");
    subscribe(node, QoS::exactly_once);
    client.outbox.take();
  }

  void subscribe(NodeId to, std::optional<QoS> qos) {
    AudienceChange change{.node = to, .session = client.session(), .selection = {}};
    change.selection.by_form[static_cast<std::size_t>(topic::Type::utf8)] = qos;
    server.sessions.handle(change);
  }

  void publish(std::string payload, QoS qos = QoS::at_least_once, NodeId to = node) {
    ItemPublished item{
        .node = to, .natural_type = topic::Type::utf8, .payloads = {}, .envelope = {.qos = qos}};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = std::move(payload);
    server.sessions.handle(std::move(item));
  }

  static std::string message(std::string_view payload, mqtt::PacketIdentifier packet_identifier,
                             bool dup = false, QoS qos = QoS::at_least_once) {
    return bytes_of(mqtt::Publish{
        .topic = topic, .payload = payload, .qos = qos, .dup = dup, .packet_identifier = packet_identifier});
  }

  static std::string pubrel(mqtt::PacketIdentifier packet_identifier) {
    return bytes_of(mqtt::Pubrel{.packet_identifier = packet_identifier});
  }

  Server server;
  Client client{server};
  Client again{server};
};

TEST_F(OutgoingQosTest, AMessageIsSentAtTheLowerOfItsOwnQosAndTheSubscribers) {  // [MQTT-3.8.4-6]
  connect();
  subscribe(node, QoS::at_least_once);
  publish("1", QoS::exactly_once);
  publish("2", QoS::at_most_once);
  EXPECT_EQ(client.outbox.take(), message("1", 1) + bytes_of(mqtt::Publish{.topic = topic, .payload = "2"}));
  subscribe(node, QoS::exactly_once);
  publish("3", QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), message("3", 2, false, QoS::exactly_once));
}

// Twenty large messages in each of a thousand sessions that nobody comes back to would be gigabytes.
TEST_F(OutgoingQosTest, TheWindowIsFullOfBytesBeforeItIsFullOfMessages) {
  server.limits.max_outbound_bytes = 1000;
  connect();
  const std::string large(600, 'x');
  for (int i = 0; i < 4; ++i) publish(large + std::to_string(i), QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), message(large + '0', 1, false, QoS::exactly_once) +
                                      message(large + '1', 2, false, QoS::exactly_once));
  // The client has what it answers with PUBREC.
  client.send(mqtt::Pubrec{1});
  EXPECT_EQ(client.outbox.take(), pubrel(1) + message(large + '2', 3, false, QoS::exactly_once));
  client.send(mqtt::Pubcomp{1});
  EXPECT_EQ(client.outbox.take(), "");
  client.send(mqtt::Pubrec{2});
  EXPECT_EQ(client.outbox.take(), pubrel(2) + message(large + '3', 4, false, QoS::exactly_once));
}

TEST_F(OutgoingQosTest, AWildcardAndANamedTypeGiveOneMessageAtTheHigherQos) {
  connect();
  AudienceChange change{.node = node, .session = client.session(), .selection = {}};
  change.selection.by_form[static_cast<std::size_t>(topic::Type::utf8)] = QoS::at_most_once;
  change.selection.natural = QoS::at_least_once;
  server.sessions.handle(change);
  publish("1", QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), message("1", 1));
}

TEST_F(OutgoingQosTest, OneMessageForSessionsAtEveryQosIsEncodedForEach) {
  connect();
  subscribe(node, QoS::at_least_once);
  Client at_2(server);
  at_2.connect("2");
  const SessionId second = at_2.session();
  Client at_0(server);
  at_0.connect("0");
  const SessionId third = at_0.session();
  const auto select = [&](SessionId session, QoS qos) {
    AudienceChange change{.node = node, .session = session, .selection = {}};
    change.selection.natural = qos;
    server.sessions.handle(change);
  };
  select(second, QoS::exactly_once);
  select(third, QoS::at_most_once);
  const std::string payload(100000, 'x');
  publish("advances the identifier");
  client.outbox.take();
  at_2.outbox.take();
  at_0.outbox.take();
  for (const std::string& each : {std::string("small"), payload}) {
    publish(each, QoS::exactly_once);
    EXPECT_EQ(at_0.outbox.take(), bytes_of(mqtt::Publish{.topic = topic, .payload = each}));
    const mqtt::PacketIdentifier packet_identifier = each == payload ? 3 : 2;
    EXPECT_EQ(client.outbox.take(), message(each, packet_identifier));
    EXPECT_EQ(at_2.outbox.take(), message(each, packet_identifier, false, QoS::exactly_once));
  }
}

TEST_F(OutgoingQosTest, QosOneEndsWithPuback) {  // [MQTT-4.3.2-1]
  connect(1);
  publish("1");
  publish("2");
  EXPECT_EQ(client.outbox.take(), message("1", 1));
  client.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(client.outbox.take(), message("2", 2));
}

TEST_F(OutgoingQosTest, QosTwoIsReleasedAfterPubrecAndEndsWithPubcomp) {  // [MQTT-4.3.3-1]
  connect(1);
  publish("1", QoS::exactly_once);
  publish("2", QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), message("1", 1, false, QoS::exactly_once));
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  EXPECT_EQ(client.outbox.take(), pubrel(1));  // and the window is still full
  client.send(mqtt::Pubcomp{.packet_identifier = 1});
  EXPECT_EQ(client.outbox.take(), message("2", 2, false, QoS::exactly_once));
}

TEST_F(OutgoingQosTest, NoMoreThanTheWindowIsInFlight) {
  connect(3);
  for (int i = 0; i < 5; ++i) publish(std::to_string(i));
  EXPECT_EQ(client.outbox.take(), message("0", 1) + message("1", 2) + message("2", 3));
  client.send(mqtt::Puback{.packet_identifier = 2});
  EXPECT_EQ(client.outbox.take(), message("3", 4));
}

TEST_F(OutgoingQosTest, APacketIdentifierInUseIsNotChosen) {  // [MQTT-2.3.1-2, MQTT-2.3.1-4]
  connect(3);
  publish("stays at 1");
  publish("is released at 2", QoS::exactly_once);
  client.send(mqtt::Pubrec{.packet_identifier = 2});
  client.outbox.take();
  // Round once through the other 65,533, of which 0 is none [MQTT-2.3.1-1].
  for (mqtt::PacketIdentifier identifier = 3; identifier != 0; ++identifier) {
    publish("");
    client.send(mqtt::Puback{.packet_identifier = identifier});
  }
  client.outbox.take();
  publish("next");
  EXPECT_EQ(client.outbox.take(), message("next", 3));
}

TEST_F(OutgoingQosTest,
       WhatIsInFlightIsSentAgainWithDupInItsOrder) {  // [MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-3.3.1-1]
  connect();
  publish("1");
  publish("2", QoS::exactly_once);
  publish("3");
  client.lose();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1, true) +
                                     message("2", 2, true, QoS::exactly_once) + message("3", 3, true));
}

TEST_F(OutgoingQosTest, AfterPubrecOnlyPubrelIsSentAgain) {  // [MQTT-4.3.3-1]
  connect();
  publish("1", QoS::exactly_once);
  publish("2", QoS::exactly_once);
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  client.lose();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + pubrel(1) +
                                     message("2", 2, true, QoS::exactly_once));
}

TEST_F(OutgoingQosTest, PubrelsAreSentInTheOrderOfThePubrecs) {  // [MQTT-4.6.0-4]
  connect();
  for (int i = 0; i < 3; ++i) publish("", QoS::exactly_once);
  client.outbox.take();
  for (const mqtt::PacketIdentifier identifier : std::initializer_list<mqtt::PacketIdentifier>{2, 3, 1})
    client.send(mqtt::Pubrec{.packet_identifier = identifier});
  EXPECT_EQ(client.outbox.take(), pubrel(2) + pubrel(3) + pubrel(1));
  client.lose();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(),
            bytes_of(mqtt::Connack{.session_present = true}) + pubrel(2) + pubrel(3) + pubrel(1));
}

TEST_F(OutgoingQosTest, NothingIsSentAgainOnALivingConnection) {  // 4.4
  connect();
  publish("1");
  client.outbox.take();
  client.send(mqtt::Pingreq{}, std::chrono::hours(24));
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Pingresp{}));
}

TEST_F(OutgoingQosTest, AMessageFirstSentAfterReturnHasNoDup) {  // [MQTT-3.3.1-1]
  connect(1);
  publish("1");
  publish("2");
  client.lose();
  publish("3");
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1, true));
  again.send(mqtt::Puback{.packet_identifier = 1});
  again.send(mqtt::Puback{.packet_identifier = 2});
  EXPECT_EQ(again.outbox.take(), message("2", 2) + message("3", 3));
}

TEST_F(OutgoingQosTest, AnOfflineSessionKeepsQosOneAndTwoOnly) {  // [MQTT-3.1.2-5]
  connect();
  client.lose();
  publish("0", QoS::at_most_once);
  publish("1", QoS::at_least_once);
  publish("2", QoS::exactly_once);
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1) +
                                     message("2", 2, false, QoS::exactly_once));
  EXPECT_FALSE(server.logged("dropped"));
}

TEST_F(OutgoingQosTest, AQueueThatHoldsEnoughMessagesRefusesTheNewest) {
  server.limits.max_queued_messages_in_memory = 2;
  connect(1);
  for (int i = 0; i < 5; ++i) publish(std::to_string(i));
  EXPECT_EQ(client.outbox.take(), message("0", 1));
  for (mqtt::PacketIdentifier identifier = 1; identifier < 4; ++identifier) {
    client.send(mqtt::Puback{.packet_identifier = identifier});
  }
  EXPECT_EQ(client.outbox.take(), message("1", 2) + message("2", 3));
  EXPECT_EQ(server.lines("mqtt_max_queued_messages"), 1U);

  publish("6");
  EXPECT_EQ(client.outbox.take(), message("6", 4));
  client.send(mqtt::Disconnect{});
  again.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_TRUE(server.logged("2 messages were dropped"));
}

TEST_F(OutgoingQosTest, AQueueThatHoldsEnoughBytesRefusesTheNewestButAdmitsOneOfAnySize) {
  server.limits.max_queued_bytes_in_memory = 100;
  connect(1);
  const std::string large(200, 'x');
  publish("in flight");
  publish(large);
  publish("refused");
  client.send(mqtt::Puback{.packet_identifier = 1});
  client.send(mqtt::Puback{.packet_identifier = 2});
  EXPECT_EQ(client.outbox.take(), message("in flight", 1) + message(large, 2));
  for (int i = 0; i < 5; ++i) publish(std::string(30, 'y'));  // 25 more are the topic
  client.send(mqtt::Puback{.packet_identifier = 3});
  EXPECT_EQ(client.outbox.take(), message(std::string(30, 'y'), 3) + message(std::string(30, 'y'), 4));
}

TEST_F(OutgoingQosTest, WhatWasNeverSentIsFilteredByPresentRights) {
  connect(1);
  subscribe(other_node, QoS::at_least_once);
  publish("in flight");
  publish("queued");
  publish("queued too", QoS::at_least_once, other_node);
  client.lose();
  subscribe(node, std::nullopt);
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(),
            bytes_of(mqtt::Connack{.session_present = true}) + message("in flight", 1, true));
  again.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Publish{.topic = "pubsub.example.org/utf8/b",
                                                        .payload = "queued too",
                                                        .qos = QoS::at_least_once,
                                                        .packet_identifier = 2}));
}

TEST_F(OutgoingQosTest, ARightToAnotherTypeIsNoneToWhatWasQueued) {
  connect(1);
  client.lose();
  publish("queued");
  AudienceChange change{.node = node, .session = client.session(), .selection = {}};
  change.selection.by_form[static_cast<std::size_t>(topic::Type::json)] = QoS::exactly_once;
  server.sessions.handle(change);
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}));
}

TEST_F(OutgoingQosTest, WhatIsSentAgainToOneIsSentForTheFirstTimeToAnother) {
  connect();
  Client other(server);
  other.connect_again("other");
  AudienceChange change{.node = node, .session = other.session(), .selection = {}};
  change.selection.natural = QoS::at_least_once;
  server.sessions.handle(change);
  other.lose();
  publish("1");
  client.lose();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1, true));
  Client other_again(server);
  other_again.connect_again("other");
  EXPECT_EQ(other_again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1));
}

TEST_F(OutgoingQosTest, TheQueueHasRoomAgainForWhatTheFilterTook) {
  server.limits.max_queued_messages_in_memory = 2;
  server.limits.max_queued_bytes_in_memory = 100;
  connect(1);
  subscribe(other_node, QoS::at_least_once);
  publish("in flight", QoS::at_least_once, other_node);
  publish(std::string(70, 'x'));
  client.lose();
  subscribe(node, std::nullopt);
  again.connect_again("meter");
  publish("first", QoS::at_least_once, other_node);
  publish("second", QoS::at_least_once, other_node);
  EXPECT_FALSE(server.logged("are dropped"));
  publish("third", QoS::at_least_once, other_node);
  EXPECT_TRUE(server.logged("are dropped"));
}

TEST_F(OutgoingQosTest, AQueuedMessageOfAClosedNodeIsForgotten) {
  connect(1);
  client.lose();
  publish("queued");
  server.sessions.handle(NodeClosed{.node = node});
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}));
}

TEST_F(OutgoingQosTest,
       UnsubscribingStopsNewMessagesAndLetsThoseInFlightComplete) {  // [MQTT-3.10.4-2, MQTT-3.10.4-3]
  connect();
  publish("1", QoS::exactly_once);
  subscribe(node, std::nullopt);
  publish("2", QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), message("1", 1, false, QoS::exactly_once));
  client.lose();
  again.connect_again("meter");
  again.send(mqtt::Pubrec{.packet_identifier = 1});
  again.send(mqtt::Pubcomp{.packet_identifier = 1});
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}) +
                                     message("1", 1, true, QoS::exactly_once) + pubrel(1));
}

TEST_F(OutgoingQosTest, WhatIsInFlightIsNotSentAgainToWhoHasLostTheRight) {
  for (const char* filter : {"pubsub.example.org/utf8/a", "pubsub.example.org/+/#"}) {
    Client reader(server);
    reader.connect_again(filter);
    reader.outbox.take();
    reader.send(mqtt::Subscribe{.packet_identifier = 1,
                                .subscriptions = {{.topic_filter = filter, .qos = QoS::exactly_once}}});
    server.answer(server.requested<SubscribeRequest>().back());
    const auto give = [&](std::optional<QoS> qos) {
      AudienceChange change{.node = node, .session = reader.session(), .selection = {}};
      change.selection.by_form[static_cast<std::size_t>(topic::Type::utf8)] = qos;
      server.sessions.handle(change);
    };
    give(QoS::exactly_once);
    publish("1");
    publish("2", QoS::exactly_once);
    give(std::nullopt);
    reader.lose();
    Client back(server);
    back.connect_again(filter);
    EXPECT_EQ(back.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}));
    back.send(mqtt::Pubrec{.packet_identifier = 2});
    EXPECT_EQ(back.outbox.take(), pubrel(2)) << "a client that has it may end the flow";
  }
}

TEST_F(OutgoingQosTest, UnknownAcknowledgementsAreIgnoredWithADebugLine) {
  connect();
  client.send(mqtt::Puback{.packet_identifier = 9});
  client.send(mqtt::Pubcomp{.packet_identifier = 9});
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(client.outbox.take(), "");
  EXPECT_EQ(server.lines("packet identifiers that are not in use"), 1U);
}

TEST_F(OutgoingQosTest, AnUnknownPubrecIsAnsweredSoThatTheClientCanFinish) {
  connect();
  client.send(mqtt::Pubrec{.packet_identifier = 9});
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(client.outbox.take(), pubrel(9));
}

TEST_F(OutgoingQosTest, ASecondPubrecIsAnsweredAgain) {
  connect();
  publish("1", QoS::exactly_once);
  client.outbox.take();
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  EXPECT_EQ(client.outbox.take(), pubrel(1) + pubrel(1));
  EXPECT_FALSE(server.logged("not in use"));
}

TEST_F(OutgoingQosTest, PubackForQosTwoIsAViolation) {  // [MQTT-4.8.0-1]
  connect();
  publish("1", QoS::exactly_once);
  client.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_TRUE(client.outbox.closed);
}

TEST_F(OutgoingQosTest, PubackAfterPubrecIsAViolation) {
  connect();
  publish("1", QoS::exactly_once);
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  client.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_TRUE(client.outbox.closed);
}

TEST_F(OutgoingQosTest, PubrecForQosOneIsAViolation) {
  connect();
  publish("1");
  client.send(mqtt::Pubrec{.packet_identifier = 1});
  EXPECT_TRUE(client.outbox.closed);
}

TEST_F(OutgoingQosTest, PubcompBeforePubrecIsAViolation) {
  connect();
  publish("1", QoS::exactly_once);
  client.send(mqtt::Pubcomp{.packet_identifier = 1});
  EXPECT_TRUE(client.outbox.closed);
  // And the flow goes on where it was.
  client.outbox.take();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(),
            bytes_of(mqtt::Connack{.session_present = true}) + message("1", 1, true, QoS::exactly_once));
}

}  // namespace
}  // namespace pubsub_mqtt::session
