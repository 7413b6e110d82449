// QoS 1 and 2 in both directions (MQTT 3.1.1, 4.3 to 4.6; docs/mapping.md, "Publish").
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

class Qos : public RunningProsody {
 protected:
  RawMqtt subscriber() {
    RawMqtt client = with_session(prosody.mqtt_port(), "subscriber");
    EXPECT_EQ(client.subscribe(topic, exactly_once), mqtt::Reason::granted_qos_2);
    return client;
  }
  RawMqtt publisher() { return with_session(prosody.mqtt_port(), "publisher"); }

  // From now on pubsub does with items for the node "broken" what `body` (Lua) says.
  void break_pubsub(const std::string& body) {
    prosody.shell(
        ">local s = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service(); local publish = "
        "s.publish; "
        "function s.publish(self, node, ...) if node == 'broken' then " +
        body + " end return publish(self, node, ...) end");
  }
  void mend_pubsub() {
    prosody.shell(">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().publish = nil");
  }
};

TEST_F(Qos, APublishIsAcknowledgedWhenPubsubHasTheItem) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  RawMqtt client = publisher();
  client.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = at_least_once, .packet_identifier = 65535});
  EXPECT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, 65535);
  EXPECT_EQ(admin.items("node").size(), 1U);
  client.send(mqtt::Publish{.topic = topic, .payload = "2", .qos = exactly_once, .packet_identifier = 65535});
  EXPECT_EQ(client.read_packet<mqtt::Pubrec>().packet_identifier, 65535);
  EXPECT_EQ(admin.items("node").size(), 2U);
  client.send(mqtt::Pubrel{65535});
  EXPECT_EQ(client.read_packet<mqtt::Pubcomp>().packet_identifier, 65535);
}

TEST_F(Qos, AMessageArrivesAtTheLowerOfThePublishersAndTheSubscribersQos) {
  RawMqtt client = publisher();
  for (const mqtt::QoS granted : {at_most_once, at_least_once, exactly_once}) {
    RawMqtt reader = connected(prosody.mqtt_port(), "");
    reader.subscribe(topic, granted);
    for (const mqtt::QoS published : {at_most_once, at_least_once, exactly_once}) {
      publish(client, {.topic = topic, .payload = "x", .qos = published});
      EXPECT_EQ(
          next_message(reader),
          (Message{.topic = topic, .payload = "x", .qos = static_cast<int>(std::min(granted, published))}));
    }
  }
}

TEST_F(Qos, AnItemFromXmppArrivesAtTheSubscribersQos) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  for (const int qos : {0, 1, 2}) {
    MqttClient reader(prosody.mqtt_port());
    ASSERT_EQ(reader.subscribe(topic, qos), qos);
    admin.publish("node", "id", "<data xmlns='https://prosody.im/protocol/mqtt'>x</data>");
    EXPECT_EQ(reader.next_message(), (Message{.topic = topic, .payload = "x", .qos = qos}));
  }
}

TEST_F(Qos, PublishesAreAcknowledgedInOrderOfReceipt) {
  RawMqtt client = publisher();
  constexpr mqtt::PacketIdentifier count = 60;
  for (mqtt::PacketIdentifier i = 1; i <= count; ++i) {
    const std::string node = "pubsub.localhost/utf8/node" + std::to_string(i % 3);
    client.send(mqtt::Publish{.topic = node, .payload = "x", .qos = at_least_once, .packet_identifier = i});
  }
  for (mqtt::PacketIdentifier i = 1; i <= count; ++i) {
    ASSERT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, i);
  }
}

TEST_F(Qos, ADuplicateAtQos2IsPublishedOnce) {
  RawMqtt reader = subscriber();
  RawMqtt client = publisher();
  mqtt::Publish packet{.topic = topic, .payload = "once", .qos = exactly_once, .packet_identifier = 7};
  client.send(packet);
  packet.dup = true;
  client.send(packet);  // meets the first, which is pending, or its PUBREC
  client.read_packet<mqtt::Pubrec>();
  abort(client);

  RawMqtt again = with_kept_session(prosody.mqtt_port(), "publisher");
  again.send(packet);
  EXPECT_EQ(again.read_packet<mqtt::Pubrec>().packet_identifier, 7);
  again.send(mqtt::Pubrel{7});
  EXPECT_EQ(again.read_packet<mqtt::Pubcomp>().packet_identifier, 7);
  again.send(mqtt::Pubrel{7});  // as after a PUBCOMP that was lost
  EXPECT_EQ(again.read_packet<mqtt::Pubcomp>().packet_identifier, 7);

  publish(again, {.topic = topic, .payload = "next", .qos = exactly_once, .packet_identifier = 7});
  EXPECT_EQ(next_message(reader).payload, "once");
  EXPECT_EQ(next_message(reader).payload, "next");
}

TEST_F(Qos, ADuplicateAtQos1IsPublishedAgain) {
  RawMqtt reader = subscriber();
  RawMqtt client = publisher();
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once, .packet_identifier = 7});
  publish(client,
          {.topic = topic, .payload = "1", .qos = at_least_once, .dup = true, .packet_identifier = 7});
  EXPECT_EQ(next_message(reader).payload, "1");
  const mqtt::Packet second = reader.read();  // DUP is between two neighbours only [MQTT-3.3.1-3]
  EXPECT_FALSE(std::get<mqtt::Publish>(second).dup);
}

TEST_F(Qos, WhatWasReceivedBeforeADisconnectIsPublished) {
  RawMqtt reader = subscriber();
  RawMqtt client = connected(prosody.mqtt_port(), "hasty");
  for (mqtt::PacketIdentifier i = 1; i <= 10; ++i) {
    client.send(mqtt::Publish{.topic = topic,
                              .payload = std::to_string(i),
                              .qos = i % 2 == 0 ? at_least_once : exactly_once,
                              .packet_identifier = i});
  }
  client.send(mqtt::Disconnect{});
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(next_message(reader).payload, std::to_string(i));
}

TEST_F(Qos, WhatPubsubRefusesForGoodIsAcknowledgedDroppedAndLoggedOnce) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("secret", {{"access_model", "whitelist"}});
  RawMqtt client = publisher();
  for (const mqtt::QoS qos : {at_least_once, exactly_once}) {
    for (const char* refused :
         {"pubsub.localhost/utf8/secret", "pubsub.localhost/json/node", "pubsub.localhost/bson/node",
          "unknown.example/utf8/node", "too/short", "$SYS/utf8/node", "pubsub.localhost/utf8/x\x01"}) {
      publish(client, {.topic = refused, .payload = "no json", .qos = qos});
    }
  }
  EXPECT_TRUE(admin.items("secret").empty());
  EXPECT_THROW(admin.items("node"), StanzaError);
  prosody.wait_for_log();
  for (const char* cause :
       {"/secret refused.*access_model", "/json/node refused", "/bson/node refused",
        "unknown.example.*refused", "too/short refused", "\\$SYS.*refused", "x.*refused"}) {
    EXPECT_GE(prosody.log().count(std::string("publisher.*") + cause), 1U) << cause;
  }
  EXPECT_EQ(prosody.log().count("publisher.*/secret refused"), 1U);
}

TEST_F(Qos, WhatPubsubCannotTakeNowIsSentAgainByTheClient) {
  const std::string broken = "pubsub.localhost/utf8/broken";
  RawMqtt reader = with_session(prosody.mqtt_port(), "reader");
  reader.subscribe(broken, exactly_once);
  for (const char* fault : {"return false, 'internal-server-error'", "return false, 'resource-constraint'",
                            "error('a Lua error')"}) {
    for (const mqtt::QoS qos : {at_least_once, exactly_once}) {
      break_pubsub(fault);
      RawMqtt client = publisher();
      mqtt::Publish packet{.topic = broken, .payload = fault, .qos = qos, .packet_identifier = 3};
      client.send(packet);
      EXPECT_THROW(client.read(), ConnectionClosed) << fault;

      mend_pubsub();
      RawMqtt again = with_kept_session(prosody.mqtt_port(), "publisher");
      packet.dup = true;
      publish(again, packet);
      EXPECT_EQ(next_message(reader),
                (Message{.topic = broken, .payload = fault, .qos = static_cast<int>(qos)}));
    }
  }
  EXPECT_TRUE(messages_so_far(reader).empty());
}

TEST_F(Qos, WhatPubsubCannotTakeNowClosesTheConnectionAtQos0Too) {  // [MQTT-4.8.0-2]
  break_pubsub("return false, 'internal-server-error'");
  RawMqtt client = publisher();
  client.send(mqtt::Publish{.topic = "pubsub.localhost/utf8/broken", .payload = "1"});
  EXPECT_THROW(client.read(), ConnectionClosed);
}

TEST(QosOfTwoHosts, AHostBeingLoadedAgainIsWaitedFor) {
  Prosody prosody;
  prosody.start({.more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" })"});
  const std::size_t mark = prosody.log().size();
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.log().wait_for("Activated service 'mqtt_tls' on", mark);
  prosody.wait_for_log();

  RawMqtt client = with_session(prosody.mqtt_port(), "publisher");
  mqtt::Publish packet{.topic = topic, .payload = "1", .qos = at_least_once, .packet_identifier = 1};
  client.send(packet);
  EXPECT_THROW(client.read(), ConnectionClosed);
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  RawMqtt again = with_session(prosody.mqtt_port(), "publisher");
  packet.dup = true;
  publish(again, packet);
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  EXPECT_EQ(admin.items("node").size(), 1U);
}

TEST(QosWindow, MessagesBeyondMqttMaxInflightWaitForAcknowledgements) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_inflight = 3"});
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe(topic, exactly_once);
  RawMqtt client = connected(prosody.mqtt_port(), "publisher");
  for (int i = 0; i < 6; ++i) {
    publish(client,
            {.topic = topic, .payload = std::to_string(i), .qos = i < 3 ? at_least_once : exactly_once});
  }
  std::vector<mqtt::PacketIdentifier> identifiers;
  const auto expect_next = [&](const std::string& payload) {
    const auto packet = reader.read_packet<mqtt::Publish>();
    EXPECT_EQ(packet.payload, payload);
    EXPECT_FALSE(packet.dup);
    identifiers.push_back(packet.packet_identifier);
  };
  for (const char* payload : {"0", "1", "2"}) expect_next(payload);
  reader.ping();  // and nothing before its answer
  for (int i = 0; i < 3; ++i) reader.send(mqtt::Puback{identifiers.at(static_cast<std::size_t>(i))});
  for (const char* payload : {"3", "4", "5"}) expect_next(payload);
  EXPECT_EQ(std::set(identifiers.begin() + 3, identifiers.end()).size(), 3U);

  // At QoS 2 the place is taken until PUBCOMP.
  publish(client, {.topic = topic, .payload = "6", .qos = exactly_once});
  reader.send(mqtt::Pubrec{identifiers[3]});
  EXPECT_EQ(reader.read_packet<mqtt::Pubrel>().packet_identifier, identifiers[3]);
  reader.ping();
  reader.send(mqtt::Pubcomp{identifiers[3]});
  expect_next("6");
}

TEST_F(Qos, TheOrderOfATopicIsKeptAtEachQos) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  std::vector<std::unique_ptr<MqttClient>> readers;
  for (const int qos : {0, 1, 2}) {
    readers.push_back(std::make_unique<MqttClient>(prosody.mqtt_port()));
    ASSERT_EQ(readers.back()->subscribe(topic, qos), qos);
  }
  RawMqtt client = publisher();
  constexpr int count = 200;
  for (const mqtt::QoS qos : {at_least_once, exactly_once}) {
    for (int i = 1; i <= count; ++i) {
      client.send(mqtt::Publish{.topic = topic,
                                .payload = std::to_string(i),
                                .qos = qos,
                                .packet_identifier = static_cast<mqtt::PacketIdentifier>(i)});
    }
    for (int finished = 0; finished < count;) {
      const mqtt::Packet packet = client.read();
      if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
        client.send(mqtt::Pubrel{pubrec->packet_identifier});
      } else {
        ++finished;  // PUBACK, PUBCOMP
      }
    }
    for (int granted = 0; granted <= 2; ++granted) {
      for (int i = 1; i <= count; ++i) {
        ASSERT_EQ(readers.at(static_cast<std::size_t>(granted))->next_message(),
                  (Message{.topic = topic,
                           .payload = std::to_string(i),
                           .qos = std::min(granted, static_cast<int>(qos))}));
      }
    }
  }
}

TEST_F(Qos, WhatWasNotAcknowledgedComesAgainInOrderWithDup) {
  RawMqtt reader = subscriber();
  RawMqtt client = publisher();
  publish(client, {.topic = topic, .payload = "a", .qos = at_least_once});
  for (const char* payload : {"b", "c", "d"})
    publish(client, {.topic = topic, .payload = payload, .qos = exactly_once});
  std::array<mqtt::PacketIdentifier, 4> identifiers{};
  for (auto& identifier : identifiers) identifier = reader.read_packet<mqtt::Publish>().packet_identifier;
  reader.send(mqtt::Pubrec{identifiers[1]});
  EXPECT_EQ(reader.read_packet<mqtt::Pubrel>().packet_identifier, identifiers[1]);
  abort(reader);

  RawMqtt again = with_kept_session(prosody.mqtt_port(), "subscriber");
  std::vector<mqtt::PacketIdentifier> released;
  std::vector<mqtt::PacketIdentifier> sent;
  std::string payloads;
  for (int i = 0; i < 4; ++i) {
    const mqtt::Packet packet = again.read();
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      released.push_back(pubrel->packet_identifier);
      continue;
    }
    const auto& message = std::get<mqtt::Publish>(packet);
    EXPECT_TRUE(message.dup);
    sent.push_back(message.packet_identifier);
    payloads += message.payload;
  }
  EXPECT_EQ(released, (std::vector{identifiers[1]}));
  EXPECT_EQ(sent, (std::vector{identifiers[0], identifiers[2], identifiers[3]}));
  EXPECT_EQ(payloads, "acd");
  again.ping();  // and nothing more
}

TEST_F(Qos, WhatWasAcknowledgedDoesNotComeAgain) {
  RawMqtt reader = subscriber();
  RawMqtt client = publisher();
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once});
  publish(client, {.topic = topic, .payload = "2", .qos = exactly_once});
  EXPECT_EQ(next_message(reader).payload, "1");
  EXPECT_EQ(next_message(reader).payload, "2");
  reader.send(mqtt::Pubcomp{reader.read_packet<mqtt::Pubrel>().packet_identifier});
  disconnect(reader);
  RawMqtt again = with_kept_session(prosody.mqtt_port(), "subscriber");
  EXPECT_TRUE(messages_so_far(again).empty());
}

TEST_F(Qos, UnsubscribeLetsWhatIsInFlightComplete) {
  RawMqtt reader = subscriber();
  RawMqtt client = publisher();
  publish(client, {.topic = topic, .payload = "1", .qos = exactly_once});
  const mqtt::PacketIdentifier identifier = reader.read_packet<mqtt::Publish>().packet_identifier;
  reader.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {topic}});
  reader.read_packet<mqtt::Unsuback>();
  publish(client, {.topic = topic, .payload = "2", .qos = exactly_once});
  reader.send(mqtt::Pubrec{identifier});
  EXPECT_EQ(reader.read_packet<mqtt::Pubrel>().packet_identifier, identifier);
  reader.send(mqtt::Pubcomp{identifier});
  EXPECT_TRUE(messages_so_far(reader).empty());
}

TEST_F(Qos, AcknowledgementsOfUnknownPacketIdentifiersDoNoHarm) {
  RawMqtt client = publisher();
  client.send(mqtt::Puback{77});
  client.send(mqtt::Pubcomp{77});
  client.send(mqtt::Pubrec{77});
  EXPECT_EQ(client.read_packet<mqtt::Pubrel>().packet_identifier, 77);
  client.send(mqtt::Pubrel{77});
  EXPECT_EQ(client.read_packet<mqtt::Pubcomp>().packet_identifier, 77);
  client.ping();
}

TEST_F(Qos, AnAcknowledgementThatBelongsToTheOtherQosClosesTheConnection) {
  RawMqtt client = publisher();
  for (const mqtt::QoS qos : {at_least_once, exactly_once}) {
    RawMqtt reader = connected(prosody.mqtt_port(), "reader");
    reader.subscribe(topic, qos);
    publish(client, {.topic = topic, .payload = "1", .qos = qos});
    const mqtt::PacketIdentifier identifier = reader.read_packet<mqtt::Publish>().packet_identifier;
    if (qos == at_least_once) {
      reader.send(mqtt::Pubrec{identifier});
    } else {
      reader.send(mqtt::Puback{identifier});
    }
    EXPECT_THROW(reader.read(), ConnectionClosed);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
