// Messages from a client at QoS 1 and 2: acknowledged when pubsub has answered, published once.
#include <gtest/gtest.h>

#include <string>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using Outcome = PublishReply::Outcome;

class IncomingQosTest : public ::testing::Test {
 protected:
  IncomingQosTest() {
    client.connect_again("meter");
    client.outbox.take();
  }

  static mqtt::Publish message(QoS qos, mqtt::PacketIdentifier packet_identifier = 5, bool dup = false) {
    return {
        .topic = "a/json/b", .payload = "1", .qos = qos, .dup = dup, .packet_identifier = packet_identifier};
  }

  void come_back() {
    client.lose();
    again.connect_again("meter");
    EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Connack{.session_present = true}));
  }

  std::size_t published() const { return server.requested<PublishRequest>().size(); }

  static std::string puback(mqtt::PacketIdentifier id = 5) {
    return bytes_of(mqtt::Puback{.packet_identifier = id});
  }
  static std::string pubrec(mqtt::PacketIdentifier id = 5) {
    return bytes_of(mqtt::Pubrec{.packet_identifier = id});
  }
  static std::string pubcomp(mqtt::PacketIdentifier id = 5) {
    return bytes_of(mqtt::Pubcomp{.packet_identifier = id});
  }
  static mqtt::Pubrel pubrel(mqtt::PacketIdentifier id = 5) { return {.packet_identifier = id}; }

  Server server;
  Client client{server};
  Client again{server};
};

TEST_F(IncomingQosTest, TheRequestSaysAllOfThePublish) {
  client.send(mqtt::Publish{.topic = "a/json/b",
                            .payload = "1",
                            .qos = QoS::at_least_once,
                            .retain = true,
                            .packet_identifier = 5});
  ASSERT_EQ(published(), 1U);
  const auto request = server.requested<PublishRequest>().back();
  EXPECT_EQ(request.ticket.session, client.session());
  EXPECT_NE(request.ticket.connection, 0U);
  EXPECT_EQ(request.publication.topic, "a/json/b");
  EXPECT_EQ(request.publication.payload, "1");
  EXPECT_EQ(request.publication.envelope.qos, QoS::at_least_once);
  EXPECT_TRUE(request.publication.envelope.retain);
  EXPECT_FALSE(request.ticket.will);
  EXPECT_EQ(request.ticket.packet_identifier, 5);
}

TEST_F(IncomingQosTest, QosZeroIsNotAcknowledged) {
  client.send(mqtt::Publish{.topic = "a/json/b"});
  server.answer();
  EXPECT_EQ(client.outbox.take(), "");
}

TEST_F(IncomingQosTest, QosOneIsAcknowledgedWhenPubsubHasAccepted) {  // [MQTT-4.3.2-2]
  client.send(message(QoS::at_least_once));
  EXPECT_EQ(client.outbox.take(), "");
  server.answer();
  EXPECT_EQ(client.outbox.take(), puback());
}

TEST_F(IncomingQosTest, WhatIsRefusedForGoodIsAcknowledged) {  // [MQTT-3.3.5-2]
  client.send(message(QoS::at_least_once));
  server.answer(Outcome::refused);
  EXPECT_EQ(client.outbox.take(), puback());
  client.send(message(QoS::exactly_once));
  server.answer(Outcome::refused);
  EXPECT_EQ(client.outbox.take(), pubrec());
  client.send(pubrel());
  EXPECT_EQ(client.outbox.take(), pubcomp());
}

TEST_F(IncomingQosTest, AcknowledgementsComeInTheOrderOfReceipt) {  // [MQTT-4.6.0-2, MQTT-4.6.0-3]
  client.send(message(QoS::at_least_once, 9));
  client.send(message(QoS::exactly_once, 3));
  client.send(message(QoS::at_least_once, 7));
  for (const auto& request : server.requested<PublishRequest>()) server.answer(request);
  EXPECT_EQ(client.outbox.take(), puback(9) + pubrec(3) + puback(7));
}

TEST_F(IncomingQosTest, PubackStaysOnTheConnectionThatSentTheMessage) {
  client.send(message(QoS::at_least_once));
  come_back();
  server.answer();
  EXPECT_EQ(again.outbox.take(), "");
  again.send(message(QoS::at_least_once, 5, true));
  EXPECT_EQ(published(), 2U);  // at least once
  server.answer();
  EXPECT_EQ(again.outbox.take(), puback());
}

TEST_F(IncomingQosTest, WhatCannotBePublishedNowIsNotAcknowledgedAndTheConnectionCloses) {
  for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
    Client sender(server);
    sender.connect("");
    sender.send(message(qos));
    sender.send(message(qos, 6));
    const auto requests = server.requested<PublishRequest>();
    const auto& first = requests[requests.size() - 2];
    server.answer(first, Outcome::failed);
    EXPECT_TRUE(sender.outbox.closed);
    // The next one was accepted, but the session ended with its connection.
    server.answer(requests.back());
    EXPECT_EQ(sender.outbox.take(), "");
  }
}

TEST_F(IncomingQosTest, AFailureOnAnEarlierConnectionLeavesThisOneAlone) {
  client.send(message(QoS::at_least_once));
  come_back();
  server.answer(Outcome::failed);
  EXPECT_FALSE(again.outbox.closed);
}

TEST_F(IncomingQosTest, AFailureAtQosZeroClosesTheConnection) {  // [MQTT-4.8.0-2]
  client.send(mqtt::Publish{.topic = "a/json/b"});
  server.answer(Outcome::failed);
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_EQ(server.lines("could not be published"), 1U);
}

TEST_F(IncomingQosTest, QosTwoIsPublishedOnceAndAnsweredInFourPackets) {  // [MQTT-4.3.3-2]
  client.send(message(QoS::exactly_once));
  EXPECT_EQ(client.outbox.take(), "");
  server.answer();
  EXPECT_EQ(client.outbox.take(), pubrec());
  client.send(pubrel());
  EXPECT_EQ(client.outbox.take(), pubcomp());
  EXPECT_EQ(published(), 1U);
}

TEST_F(IncomingQosTest, ADuplicateWhileTheFirstIsPendingAttachesToIt) {
  client.send(message(QoS::exactly_once));
  come_back();
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(published(), 1U);
  EXPECT_EQ(again.outbox.take(), "");
  server.answer();
  EXPECT_EQ(again.outbox.take(), pubrec());
}

TEST_F(IncomingQosTest, ADuplicateBeforePubrelIsAnsweredAgainAndNotPublished) {  // [MQTT-4.3.3-2]
  client.send(message(QoS::exactly_once));
  server.answer();
  come_back();
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(again.outbox.take(), pubrec());
  EXPECT_EQ(published(), 1U);
}

// A second PUBREC would bring a second PUBREL and a second PUBCOMP, which could meet the identifier's next
// use.
TEST_F(IncomingQosTest, OnANewConnectionPubrecWaitsForTheClientToSendAgain) {
  client.send(message(QoS::exactly_once));
  come_back();
  server.answer();
  EXPECT_EQ(again.outbox.take(), "");
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(again.outbox.take(), pubrec());
  EXPECT_EQ(published(), 1U);
  again.send(pubrel());
  EXPECT_EQ(again.outbox.take(), pubcomp());
}

TEST_F(IncomingQosTest, AFailureThatNobodyWaitsForHereClosesNothing) {
  client.send(message(QoS::exactly_once));
  come_back();
  server.answer(Outcome::failed);
  EXPECT_FALSE(again.outbox.closed);
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(published(), 2U);
}

TEST_F(IncomingQosTest, PubrelBeforePubrecIsAViolationOnTheNextConnectionToo) {
  client.send(message(QoS::exactly_once));
  come_back();
  again.send(pubrel());
  EXPECT_TRUE(again.outbox.closed);
}

TEST_F(IncomingQosTest, AnAnswerWithoutAConnectionIsRemembered) {
  client.send(message(QoS::exactly_once));
  client.lose();
  server.answer();
  again.connect_again("meter");
  again.outbox.take();
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(published(), 1U);
  EXPECT_EQ(again.outbox.take(), pubrec());
}

TEST_F(IncomingQosTest, AReleasedIdentifierMayBeUsedAgain) {  // [MQTT-2.3.1-3]
  for (std::size_t i = 1; i <= 2; ++i) {
    client.send(message(QoS::exactly_once));
    EXPECT_EQ(published(), i);
    server.answer();
    client.send(pubrel());
  }
}

TEST_F(IncomingQosTest, AnUnknownPubrelIsAnsweredSoThatTheClientCanFinish) {
  client.send(pubrel(77));
  EXPECT_EQ(client.outbox.take(), pubcomp(77));
}

TEST_F(IncomingQosTest, PubrelBeforePubrecIsAViolation) {
  client.send(message(QoS::exactly_once));
  client.send(pubrel());
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_TRUE(server.logged("a PUBREL before PUBREC"));
}

TEST_F(IncomingQosTest, AFailureAtQosTwoForgetsTheIdentifierSoThatTheClientsNextTryIsPublished) {
  client.send(message(QoS::exactly_once));
  server.answer(Outcome::failed);
  EXPECT_TRUE(client.outbox.closed);
  come_back();
  again.send(message(QoS::exactly_once, 5, true));
  EXPECT_EQ(published(), 2U);
  server.answer();
  EXPECT_EQ(again.outbox.take(), pubrec());
}

TEST_F(IncomingQosTest, AFailureClosesTheConnectionWhereTheDuplicateWaits) {
  client.send(message(QoS::exactly_once));
  come_back();
  again.send(message(QoS::exactly_once, 5, true));
  server.answer(Outcome::failed);
  EXPECT_TRUE(again.outbox.closed);
}

TEST_F(IncomingQosTest, WhatIsUnderWayIsBoundedAcrossConnections) {
  server.limits.max_pending_publishes = 2;
  client.send(message(QoS::at_least_once, 1));
  client.send(message(QoS::at_least_once, 2));
  come_back();
  again.send(message(QoS::at_least_once, 1, true));
  EXPECT_EQ(published(), 2U);
  EXPECT_EQ(again.connection->deadline(), std::nullopt);  // the silence is ours
  server.answer(server.requested<PublishRequest>().front());
  EXPECT_EQ(again.outbox.resumed, 1);
  again.read_on();
  EXPECT_EQ(published(), 3U);
}

TEST_F(IncomingQosTest, RequestsToSubscribeAreBoundedToo) {
  for (mqtt::PacketIdentifier id = 1; id <= 40; ++id) {
    if (id % 2 == 0) {
      client.send(mqtt::Unsubscribe{.packet_identifier = id, .topic_filters = {"a"}});
    } else {
      client.send(mqtt::Subscribe{.packet_identifier = id, .subscriptions = {{.topic_filter = "a"}}});
    }
  }
  EXPECT_EQ(server.requested<SubscribeRequest>().size(), 8U);
  EXPECT_EQ(server.requested<UnsubscribeRequest>().size(), 8U);
  for (const auto& request : server.requested<SubscribeRequest>()) {
    EXPECT_EQ(client.outbox.resumed, 0);
    server.answer(request);
  }
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on();
  for (const auto& request : server.requested<UnsubscribeRequest>()) {
    server.sessions.handle(
        UnsubscribeReply{.ticket = request.ticket, .topic_filters = request.topic_filters});
  }
  EXPECT_EQ(client.outbox.resumed, 2);
  client.read_on();
  EXPECT_GT(server.requested<SubscribeRequest>().size() + server.requested<UnsubscribeRequest>().size(), 24U);
}

TEST_F(IncomingQosTest, BytesOfRequestsToSubscribeAreBoundedToo) {
  server.limits.max_pending_publish_bytes = 1000;
  const std::string filter(600, 'a');
  for (mqtt::PacketIdentifier id = 1; id <= 5; ++id) {
    client.send(mqtt::Subscribe{.packet_identifier = id, .subscriptions = {{.topic_filter = filter}}});
  }
  const auto requests = server.requested<SubscribeRequest>();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_GE(requests[0].ticket.bytes, 600U);
  for (const auto& request : requests) {
    server.answer(request);
  }
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on();
  EXPECT_EQ(server.requested<SubscribeRequest>().size(), 4U);
}

TEST_F(IncomingQosTest, AClientThatDoesNotReadTheAnswersIsNotReadFurther) {
  client.outbox.stalled = 2 * server.limits.max_outbound_bytes + 1;
  client.send(mqtt::Pingreq{});
  EXPECT_EQ(client.outbox.take(), "");
  client.outbox.stalled = 0;
  client.connection->drained();
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on();
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Pingresp{}));
  client.connection->drained();
  EXPECT_EQ(client.outbox.resumed, 1);
}

}  // namespace
}  // namespace pubsub_mqtt::session
