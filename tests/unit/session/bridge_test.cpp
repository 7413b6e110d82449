// What a mosquitto bridge gets: nothing that it published itself, and RETAIN as published (docs/mapping.md, "Bridges").
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

class BridgeTest : public ::testing::Test {
 protected:
  static constexpr NodeId node = 7;
  static constexpr std::string_view topic = "h/utf8/n";

  BridgeTest() {
    server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
    connect(bridge, true);
    other.connect("other");
    subscribe(other.session());
  }

  void connect(Client& client, bool is_bridge, bool clean_session = false) {
    client.send(
        mqtt::Connect{.is_bridge = is_bridge, .clean_session = clean_session, .client_identifier = "bridge"});
    subscribe(client.session());
    client.outbox.take();
  }

  void subscribe(SessionId session) {
    AudienceChange change{.node = node, .session = session, .selection = {}};
    change.selection.natural = QoS::at_least_once;
    server.sessions.handle(change);
  }

  // What pubsub makes of the publish that was asked for last.
  void carry_out_last() { publish(server.requested<PublishRequest>().back().publication); }

  void publish(const Publication& publication) {
    ItemPublished item{
        .node = node, .natural_type = topic::Type::utf8, .payloads = {}, .envelope = publication.envelope};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = publication.payload;
    server.sessions.handle(std::move(item));
  }

  void publish_from_xmpp(const std::string& payload, bool retain, QoS qos = QoS::at_least_once) {
    publish({.topic = {}, .payload = payload, .envelope = {.qos = qos, .retain = retain}});
  }

  static std::string message(std::string_view payload, bool retain, mqtt::PacketIdentifier packet_identifier,
                             bool dup = false) {
    return bytes_of(mqtt::Publish{.topic = topic,
                                  .payload = payload,
                                  .qos = packet_identifier == 0 ? QoS::at_most_once : QoS::at_least_once,
                                  .retain = retain,
                                  .dup = dup,
                                  .packet_identifier = packet_identifier});
  }

  Server server;
  Client bridge{server};
  Client other{server};
};

TEST_F(BridgeTest, IsAnsweredAsAnyClientOfItsVersion) {
  Client again(server);
  again.send(mqtt::Connect{.is_bridge = true, .clean_session = false, .client_identifier = "bridge"});
  EXPECT_EQ(again.outbox.take(), session_present);
  Client of_3_1(server);
  const mqtt::Connect connect{.level = mqtt::ProtocolLevel::mqtt_3_1,
                              .is_bridge = true,
                              .clean_session = false,
                              .client_identifier = "bridge"};
  of_3_1.send(connect);
  EXPECT_EQ(of_3_1.outbox.take(), accepted);
}

TEST_F(BridgeTest, GetsRetainAsPublishedAndOthersDoNot) {
  publish_from_xmpp("1", true, QoS::at_most_once);
  publish_from_xmpp("2", false, QoS::at_most_once);
  publish_from_xmpp("3", true);
  publish_from_xmpp("4", false);
  EXPECT_EQ(bridge.outbox.take(),
            message("1", true, 0) + message("2", false, 0) + message("3", true, 1) + message("4", false, 2));
  EXPECT_EQ(other.outbox.take(), message("1", false, 0) + message("2", false, 0) + message("3", false, 1) +
                                     message("4", false, 2));
}

TEST_F(BridgeTest, APayloadThatIsSharedAndAClearKeepTheFlag) {
  const std::string large(100000, 'x');
  for (const std::string& payload : {large, std::string()}) {
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once}) {
      const mqtt::PacketIdentifier packet_identifier = qos == QoS::at_most_once ? 0 : payload.empty() ? 2 : 1;
      publish_from_xmpp(payload, true, qos);
      EXPECT_EQ(bridge.outbox.take(), message(payload, true, packet_identifier));
      EXPECT_EQ(other.outbox.take(), message(payload, false, packet_identifier));
    }
  }
}

TEST_F(BridgeTest, TheFlagStaysInTheQueueAndWhereAMessageIsSentAgain) {
  server.limits.max_inflight = 1;
  publish_from_xmpp("in flight", true);
  bridge.lose();
  publish_from_xmpp("queued", true);
  publish_from_xmpp("queued, too", false);
  Client again(server);
  again.send(mqtt::Connect{.is_bridge = true, .clean_session = false, .client_identifier = "bridge"});
  EXPECT_EQ(again.outbox.take(), session_present + message("in flight", true, 1, true));
  again.send(mqtt::Puback{1});
  EXPECT_EQ(again.outbox.take(), message("queued", true, 2));
  again.send(mqtt::Puback{2});
  EXPECT_EQ(again.outbox.take(), message("queued, too", false, 3));
}

// What waits with RETAIN is no retained message: those that a SUBSCRIBE brings are not dropped.
TEST_F(BridgeTest, AFullQueueDropsAMessageWithTheFlagAsOne) {
  server.limits.max_queued_messages_in_memory = 1;
  bridge.lose();
  publish_from_xmpp("1", true);
  publish_from_xmpp("2", true);
  EXPECT_EQ(server.lines("mqtt_max_queued_messages"), 1U);
}

TEST_F(BridgeTest, GetsNothingThatItPublished) {
  bridge.send(mqtt::Publish{.topic = topic, .payload = "own"});
  carry_out_last();
  EXPECT_EQ(bridge.outbox.take(), "");
  EXPECT_EQ(other.outbox.take(), message("own", false, 0));
  other.send(mqtt::Publish{.topic = topic, .payload = "another's"});
  carry_out_last();
  EXPECT_EQ(bridge.outbox.take(), message("another's", false, 0));
  // Who is no bridge gets its own.
  EXPECT_EQ(other.outbox.take(), message("another's", false, 0));
}

TEST_F(BridgeTest, GetsNothingThatItPublishedOnTheDirectWay) {
  bridge.send(mqtt::Publish{.topic = topic, .payload = "through pubsub"});
  const auto request = server.requested<PublishRequest>().back();
  server.sessions.handle(PublishReply{
      .ticket = request.ticket, .topic = std::string(topic), .route = std::make_shared<Route>(node, 100)});
  bridge.send(mqtt::Publish{.topic = topic, .payload = "own"});
  EXPECT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_EQ(bridge.outbox.take(), "");
  EXPECT_EQ(other.outbox.take(), message("own", false, 0));
}

// Account and client identifier make a client, not the session.
TEST_F(BridgeTest, WhatASessionBeforePublishedIsItsOwn) {
  bridge.send(mqtt::Publish{.topic = topic, .payload = "late"});
  const auto late = server.requested<PublishRequest>().back().publication;
  Client again(server);
  connect(again, true, true);
  EXPECT_NE(again.session(), bridge.session());
  publish(late);
  EXPECT_EQ(again.outbox.take(), "");
}

TEST_F(BridgeTest, TheWillOfASessionBeforeIsItsOwn) {
  Client with_will(server);
  with_will.send(mqtt::Connect{.is_bridge = true,
                               .client_identifier = "bridge",
                               .will = mqtt::Publish{.topic = topic, .payload = "will"}});
  with_will.lose();
  Client again(server);
  connect(again, true);
  carry_out_last();
  EXPECT_EQ(again.outbox.take(), "");
  EXPECT_EQ(other.outbox.take(), message("will", false, 0));
}

TEST_F(BridgeTest, ARetainedMessageThatItPublishedIsItsOwn) {
  bridge.send(mqtt::Publish{.topic = topic, .payload = "own", .retain = true});
  const auto own = server.requested<PublishRequest>().back().publication.envelope;
  const auto retained = [&](std::string payload, const Envelope& envelope) {
    return RetainedMessages::Message{
        .node = node, .form = topic::Type::utf8, .payload = std::move(payload), .envelope = envelope};
  };
  server.sessions.handle(RetainedMessages{
      .session = bridge.session(),
      .messages = {retained("own", own),
                   retained("another's", {.retain = true, .publisher = own.publisher + 1})}});
  EXPECT_EQ(bridge.outbox.take(), message("another's", true, 0));
}

TEST_F(BridgeTest, ClientsWithoutAnIdentifierAreNotTheSame) {
  Client one(server);
  one.send(mqtt::Connect{.is_bridge = true});
  one.outbox.take();
  subscribe(one.session());
  Client two(server);
  two.send(mqtt::Connect{});
  two.send(mqtt::Publish{.topic = topic, .payload = "1"});
  carry_out_last();
  EXPECT_EQ(one.outbox.take(), message("1", false, 0));
  one.send(mqtt::Publish{.topic = topic, .payload = "2"});
  carry_out_last();
  EXPECT_EQ(one.outbox.take(), "");
}

TEST_F(BridgeTest, WhoComesBackAsNoBridgeIsNone) {
  Client again(server);
  connect(again, false);
  again.send(mqtt::Publish{.topic = topic, .payload = "own"});
  carry_out_last();
  publish_from_xmpp("1", true, QoS::at_most_once);
  EXPECT_EQ(again.outbox.take(), message("own", false, 0) + message("1", false, 0));
}

TEST(PublisherId, TellsAccountsAndIdentifiersApart) {
  EXPECT_EQ(publisher_id({.account = "a", .client_identifier = "b"}),
            publisher_id({.account = "a", .client_identifier = "b"}));
  EXPECT_NE(publisher_id({.account = "a", .client_identifier = "b"}),
            publisher_id({.account = "ab", .client_identifier = ""}));
  EXPECT_NE(publisher_id({.account = "", .client_identifier = "b"}),
            publisher_id({.account = "a", .client_identifier = "b"}));
}

}  // namespace
}  // namespace pubsub_mqtt::session
