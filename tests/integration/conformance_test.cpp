// Statements of MQTT 3.1.1 that hold only when all rooms do their part, each against a real Prosody;
// docs/conformance.md has them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using mqtt::QoS;

constexpr std::array every_qos{QoS::at_most_once, QoS::at_least_once, QoS::exactly_once};

class Conformance : public RunningProsody {
 protected:
  RawMqtt connect(const mqtt::Connect& packet, bool session_present = false) {
    RawMqtt client(prosody.mqtt_port());
    client.send(packet);
    const auto connack = client.read_packet<mqtt::Connack>();
    EXPECT_EQ(connack.reason, mqtt::Reason::success);
    EXPECT_EQ(connack.session_present, session_present);
    return client;
  }
  RawMqtt connect(std::string_view client_identifier) {
    return connect(mqtt::Connect{.client_identifier = client_identifier});
  }

  // The next PUBLISH, answered as its QoS wants.
  static Received take(RawMqtt& client) {
    auto received = receive(client);
    if (received.qos == QoS::at_least_once)
      client.send(mqtt::Puback{.packet_identifier = received.packet_identifier});
    if (received.qos == QoS::exactly_once) {
      client.send(mqtt::Pubrec{.packet_identifier = received.packet_identifier});
      EXPECT_EQ(client.read_packet<mqtt::Pubrel>().packet_identifier, received.packet_identifier);
      client.send(mqtt::Pubcomp{.packet_identifier = received.packet_identifier});
    }
    return received;
  }

  // To the end of its flow: pubsub has it, and so have its subscribers' sessions.
  static void publish(RawMqtt& client, mqtt::Publish packet) {
    packet.packet_identifier = packet.qos == QoS::at_most_once ? 0 : 77;
    client.send(packet);
    if (packet.qos == QoS::at_least_once) {
      EXPECT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, 77);
    } else if (packet.qos == QoS::exactly_once) {
      EXPECT_EQ(client.read_packet<mqtt::Pubrec>().packet_identifier, 77);
      client.send(mqtt::Pubrel{.packet_identifier = 77});
      EXPECT_EQ(client.read_packet<mqtt::Pubcomp>().packet_identifier, 77);
    }
  }

  // What comes next is this message, so nothing came before it.
  static void expect_next(RawMqtt& client, RawMqtt& publisher, std::string_view payload,
                          std::string_view to = topic) {
    publish(publisher, {.topic = to, .payload = payload, .qos = QoS::at_least_once});
    EXPECT_EQ(take(client).payload, payload);
  }

  static mqtt::Connect persistent(std::string_view client_identifier) {
    return {.clean_session = false, .client_identifier = client_identifier};
  }
};

TEST_F(Conformance, EveryQosIsAnsweredAsTable_3_4_Says) {  // [MQTT-3.3.4-1]
  RawMqtt client = connect("client");
  for (const QoS qos : every_qos) publish(client, {.topic = topic, .payload = "1", .qos = qos});
  client.ping();  // and QoS 0 with nothing
}

TEST_F(Conformance, TheSubscribersQosIsTheUpperBound) {  // [MQTT-3.8.4-5, MQTT-3.8.4-6]
  RawMqtt publisher = connect("publisher");
  RawMqtt subscriber = connect("subscriber");
  for (const QoS granted : every_qos) {
    EXPECT_EQ(subscriber.subscribe(topic, granted), static_cast<mqtt::Reason>(granted));
    for (const QoS published : every_qos) {
      publish(publisher, {.topic = topic, .payload = "1", .qos = published});
      EXPECT_EQ(take(subscriber).qos, std::min(published, granted));
    }
  }
}

TEST_F(Conformance, OverlappingFiltersDeliverOnceAtTheHighestQos) {  // [MQTT-3.3.5-1]
  RawMqtt publisher = connect("publisher");
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(topic, QoS::at_most_once);
  subscriber.subscribe("pubsub.localhost/utf8/#", QoS::exactly_once);
  subscriber.subscribe("+/+/node", QoS::at_least_once);
  publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::exactly_once});
  EXPECT_EQ(take(subscriber).qos, QoS::exactly_once);
  expect_next(subscriber, publisher, "2");
}

TEST_F(Conformance, TheSendersDupIsNotPassedOn) {  // [MQTT-3.3.1-3]
  RawMqtt publisher = connect("publisher");
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(topic, QoS::exactly_once);
  for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
    publish(publisher, {.topic = topic, .payload = "1", .qos = qos, .dup = true});
    EXPECT_FALSE(take(subscriber).dup);
  }
}

TEST_F(Conformance, ADuplicateAtQos2IsDeliveredOnce) {  // [MQTT-4.3.3-2]
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(topic, QoS::exactly_once);
  mqtt::Publish message{.topic = topic, .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 5};
  {
    RawMqtt publisher = connect(persistent("publisher"));
    publisher.send(message);
    publisher.read_packet<mqtt::Pubrec>();
  }
  RawMqtt publisher = connect(persistent("publisher"), true);
  message.dup = true;
  publisher.send(message);
  EXPECT_EQ(publisher.read_packet<mqtt::Pubrec>().packet_identifier, 5);
  publisher.send(mqtt::Pubrel{.packet_identifier = 5});
  EXPECT_EQ(publisher.read_packet<mqtt::Pubcomp>().packet_identifier, 5);
  EXPECT_EQ(take(subscriber).payload, "1");
  expect_next(subscriber, publisher, "2");
}

TEST_F(Conformance, ARetainedMessageIsFlaggedForNewSubscriptionsOnly) {
  // [MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-8, MQTT-3.3.1-9, MQTT-3.8.4-3]
  RawMqtt publisher = connect("publisher");
  RawMqtt early = connect("early");
  early.subscribe(topic, QoS::exactly_once);
  publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::at_least_once, .retain = true});
  EXPECT_FALSE(take(early).retain);
  RawMqtt late = connect("late");
  for (const char* filter : {"pubsub.localhost/utf8/node", "pubsub.localhost/utf8/node", "#"}) {
    late.subscribe(filter, QoS::exactly_once);
    const auto message = take(late);
    EXPECT_EQ(message.topic, topic);
    EXPECT_EQ(message.payload, "1");
    EXPECT_EQ(message.qos, QoS::at_least_once);
    EXPECT_TRUE(message.retain);
  }
}

TEST_F(Conformance, APublishWithoutRetainLeavesTheRetainedMessage) {  // [MQTT-3.3.1-7, MQTT-3.3.1-12]
  RawMqtt client = connect("client");
  publish(client, {.topic = topic, .payload = "old", .qos = QoS::exactly_once, .retain = true});
  publish(client, {.topic = topic, .payload = "retained", .retain = true});
  publish(client, {.topic = topic, .payload = "not retained", .qos = QoS::at_least_once});
  publish(client, {.topic = topic, .payload = "", .qos = QoS::at_least_once});
  client.subscribe(topic, QoS::exactly_once);
  EXPECT_EQ(take(client).payload, "retained");
}

TEST_F(Conformance, AnEmptyRetainedMessageClearsAndIsDelivered) {  // [MQTT-3.3.1-10, MQTT-3.3.1-11]
  RawMqtt publisher = connect("publisher");
  RawMqtt early = connect("early");
  early.subscribe(topic, QoS::at_least_once);
  publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::at_least_once, .retain = true});
  publish(publisher, {.topic = topic, .qos = QoS::at_least_once, .retain = true});
  EXPECT_EQ(take(early).payload, "1");
  const auto empty = take(early);
  EXPECT_EQ(empty.topic, topic);
  EXPECT_EQ(empty.payload, "");
  EXPECT_FALSE(empty.retain);
  RawMqtt late = connect("late");
  late.subscribe(topic, QoS::at_least_once);
  expect_next(late, publisher, "2");
}

TEST_F(Conformance, ARetainedMessageOutlivesTheSessionThatSetIt) {  // [MQTT-3.1.2-7]
  {
    RawMqtt publisher = connect("publisher");
    publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::at_least_once, .retain = true});
    publisher.send(mqtt::Disconnect{});
    publisher.wait_for_close();
  }
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(topic);
  EXPECT_EQ(take(subscriber).payload, "1");
}

mqtt::Connect with_will(bool retain) {
  return {
      .client_identifier = "mortal",
      .will = mqtt::Publish{.topic = topic, .payload = "gone", .qos = QoS::at_least_once, .retain = retain}};
}

TEST_F(Conformance, AWillIsPublishedWhenTheConnectionBreaks) {
  // [MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-16, MQTT-3.1.2-17]
  RawMqtt witness = connect("witness");
  witness.subscribe(topic, QoS::exactly_once);
  for (const bool retain : {false, true}) {
    { const RawMqtt mortal = connect(with_will(retain)); }
    const auto will = take(witness);
    EXPECT_EQ(will.payload, "gone");
    EXPECT_EQ(will.qos, QoS::at_least_once);
    EXPECT_FALSE(will.retain);
    RawMqtt late = connect("late");
    late.subscribe(topic);
    if (retain) {
      EXPECT_TRUE(take(late).retain);
    }
    late.subscribe("pubsub.localhost/utf8/other");  // and what is not retained did not come before this
  }
  RawMqtt publisher = connect("publisher");
  expect_next(witness, publisher, "each once");
}

TEST_F(Conformance, DisconnectDiscardsTheWill) {  // [MQTT-3.14.4-3]
  RawMqtt witness = connect("witness");
  witness.subscribe(topic, QoS::exactly_once);
  {
    RawMqtt mortal = connect(with_will(false));
    mortal.send(mqtt::Disconnect{});
    mortal.wait_for_close();
  }
  RawMqtt publisher = connect("publisher");
  expect_next(witness, publisher, "no will came before");
}

TEST_F(Conformance, SilenceIsAsIfTheNetworkHadFailed) {  // [MQTT-3.1.2-24]
  RawMqtt witness = connect("witness");
  witness.subscribe(topic, QoS::exactly_once);
  auto connect_packet = with_will(false);
  connect_packet.keep_alive = 1;
  RawMqtt silent = connect(connect_packet);
  silent.wait_for_close();
  EXPECT_EQ(take(witness).payload, "gone");
}

TEST_F(Conformance, ASessionIsResumedWithWhatWasNotAcknowledgedAndWhatCameMeanwhile) {
  // [MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.3.1-1, MQTT-4.4.0-1, MQTT-4.6.0-1]
  RawMqtt publisher = connect("publisher");
  std::vector<mqtt::PacketIdentifier> identifiers;
  {
    RawMqtt subscriber = connect(persistent("subscriber"));
    subscriber.subscribe(topic, QoS::exactly_once);
    publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::at_least_once});
    publish(publisher, {.topic = topic, .payload = "2", .qos = QoS::exactly_once});
    publish(publisher, {.topic = topic, .payload = "3", .qos = QoS::exactly_once});
    for (int i = 0; i < 3; ++i) identifiers.push_back(receive(subscriber).packet_identifier);
    subscriber.send(mqtt::Pubrec{.packet_identifier = identifiers[1]});
    EXPECT_EQ(subscriber.read_packet<mqtt::Pubrel>().packet_identifier, identifiers[1]);
    subscriber.send(mqtt::Disconnect{});
    subscriber.wait_for_close();
  }
  publish(publisher, {.topic = topic, .payload = "4", .qos = QoS::at_least_once});
  publish(publisher, {.topic = topic, .payload = "5", .qos = QoS::exactly_once});

  RawMqtt subscriber = connect(persistent("subscriber"), true);
  EXPECT_EQ(subscriber.read_packet<mqtt::Pubrel>().packet_identifier, identifiers[1]);
  subscriber.send(mqtt::Pubcomp{.packet_identifier = identifiers[1]});
  std::vector<Received> again;
  again.reserve(4);
  while (again.size() < 4) again.push_back(receive(subscriber));
  const auto expect = [&](const Received& message, std::string_view payload, QoS qos, bool dup) {
    EXPECT_EQ(message.payload, payload);
    EXPECT_EQ(message.qos, qos);
    EXPECT_EQ(message.dup, dup);
  };
  expect(again[0], "1", QoS::at_least_once, true);
  EXPECT_EQ(again[0].packet_identifier, identifiers[0]);
  expect(again[1], "3", QoS::exactly_once, true);
  EXPECT_EQ(again[1].packet_identifier, identifiers[2]);
  expect(again[2], "4", QoS::at_least_once, false);
  expect(again[3], "5", QoS::exactly_once, false);
}

TEST_F(Conformance, ACleanSessionLeavesNothing) {  // [MQTT-3.1.2-6]
  RawMqtt publisher = connect("publisher");
  {
    RawMqtt subscriber = connect(persistent("subscriber"));
    subscriber.subscribe(topic, QoS::at_least_once);
    publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::at_least_once});
  }
  {
    const RawMqtt clean = connect("subscriber");
    publish(publisher, {.topic = topic, .payload = "2", .qos = QoS::at_least_once});
  }
  RawMqtt subscriber = connect(persistent("subscriber"));
  subscriber.subscribe("pubsub.localhost/utf8/other", QoS::at_least_once);
  publish(publisher, {.topic = topic, .payload = "3", .qos = QoS::at_least_once});
  expect_next(subscriber, publisher, "4", "pubsub.localhost/utf8/other");
}

TEST_F(Conformance, WhatIsInFlightCompletesAfterUnsubscribe) {  // [MQTT-3.10.4-2, MQTT-3.10.4-3]
  RawMqtt publisher = connect("publisher");
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(topic, QoS::exactly_once);
  publish(publisher, {.topic = topic, .payload = "1", .qos = QoS::exactly_once});
  const auto message = receive(subscriber);
  subscriber.send(mqtt::Unsubscribe{.packet_identifier = 9, .topic_filters = {topic}});
  EXPECT_EQ(subscriber.read_packet<mqtt::Unsuback>().packet_identifier, 9);
  publish(publisher, {.topic = topic, .payload = "2", .qos = QoS::exactly_once});
  subscriber.send(mqtt::Pubrec{.packet_identifier = message.packet_identifier});
  EXPECT_EQ(subscriber.read_packet<mqtt::Pubrel>().packet_identifier, message.packet_identifier);
  subscriber.send(mqtt::Pubcomp{.packet_identifier = message.packet_identifier});
  subscriber.ping();
}

// Sends many messages before it reads an answer; then the answers, which come in the same order.
void publish_many(RawMqtt& publisher, QoS qos, int count) {
  for (int i = 1; i <= count; ++i) {
    const auto identifier = static_cast<mqtt::PacketIdentifier>(qos == QoS::at_most_once ? 0 : i);
    publisher.send(mqtt::Publish{
        .topic = topic, .payload = std::to_string(i), .qos = qos, .packet_identifier = identifier});
  }
  if (qos == QoS::at_most_once) return;
  for (int i = 1; i <= count; ++i) {
    if (qos == QoS::at_least_once) {
      EXPECT_EQ(publisher.read_packet<mqtt::Puback>().packet_identifier, i);
    } else {
      EXPECT_EQ(publisher.read_packet<mqtt::Pubrec>().packet_identifier, i);
    }
  }
}

// Takes messages through the window; PUBRELs come in between.
std::vector<std::string> take_many(RawMqtt& subscriber, std::size_t count) {
  std::vector<std::string> payloads;
  while (payloads.size() < count) {
    const auto packet = subscriber.read();
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      subscriber.send(mqtt::Pubcomp{pubrel->packet_identifier});
      continue;
    }
    const auto& message = std::get<mqtt::Publish>(packet);
    payloads.emplace_back(message.payload);
    if (message.qos == QoS::at_least_once) subscriber.send(mqtt::Puback{message.packet_identifier});
    if (message.qos == QoS::exactly_once) subscriber.send(mqtt::Pubrec{message.packet_identifier});
  }
  return payloads;
}

TEST_F(Conformance, ATopicKeepsItsOrder) {  // [MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT-4.6.0-6]
  RawMqtt publisher = connect("publisher");
  constexpr int count = 60;  // three windows
  std::vector<std::string> expected;
  for (int i = 1; i <= count; ++i) expected.push_back(std::to_string(i));
  for (const QoS qos : every_qos) {
    RawMqtt subscriber = connect("subscriber");
    subscriber.subscribe(topic, QoS::exactly_once);
    publish_many(publisher, qos, count);
    EXPECT_EQ(take_many(subscriber, count), expected);
  }
}

TEST_F(Conformance, NamesAreNotNormalised) {  // [MQTT-4.7.3-4, MQTT-1.5.3-3]
  const std::string prefix = "pubsub.localhost/utf8/";
  RawMqtt publisher = connect("publisher");
  RawMqtt subscriber = connect("subscriber");
  subscriber.subscribe(prefix + "\xC3\x85", QoS::at_least_once);  // U+00C5
  subscriber.subscribe(prefix + "node", QoS::at_least_once);
  for (const std::string_view other : {"A\xCC\x8A", "\xEF\xBB\xBFnode", "Node", "node ", "/node", "node/"}) {
    publish(publisher, {.topic = prefix + std::string(other), .payload = "1", .qos = QoS::at_least_once});
  }
  expect_next(subscriber, publisher, "2", prefix + "\xC3\x85");
  expect_next(subscriber, publisher, "3", prefix + "node");
}

TEST_F(Conformance, APublishThatIsNotAuthorisedIsAcknowledged) {  // [MQTT-3.3.5-2]
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("secret", {{"access_model", "whitelist"}});
  RawMqtt client = connect("client");
  for (const QoS qos : every_qos) {
    publish(client, {.topic = "pubsub.localhost/utf8/secret", .payload = "1", .qos = qos});
  }
  client.ping();
  EXPECT_TRUE(admin.items("secret").empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
