// When a session begins, ends and is found again; wills; retained messages in credits; MQTT 3.1.
#include <gtest/gtest.h>

#include <string>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using std::chrono::hours;
using std::chrono::minutes;

struct SessionLifetimeTest : ::testing::Test {
  Server server;
  Client client{server};
  Client again{server};
};

TEST_F(SessionLifetimeTest,
       APersistentSessionOutlivesItsConnectionAndIsResumed) {  // [MQTT-3.1.2-4, MQTT-3.2.2-2]
  client.connect_again("meter");
  EXPECT_EQ(client.outbox.take(), accepted);  // [MQTT-3.2.2-3]
  client.lose();
  EXPECT_EQ(server.sessions.size(), 1U);
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), session_present);
  EXPECT_EQ(again.session(), client.session());
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(SessionLifetimeTest, DisconnectKeepsAPersistentSession) {
  client.connect_again("meter");
  client.send(mqtt::Disconnect{});
  EXPECT_TRUE(client.outbox.closed);
  client.lose();
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), session_present);
}

TEST_F(SessionLifetimeTest, CleanSessionDiscardsAnOlderOne) {  // [MQTT-3.1.2-6, MQTT-3.2.2-1]
  client.connect_again("meter");
  client.lose();
  again.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(again.outbox.take(), accepted);
  EXPECT_NE(again.session(), client.session());
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(SessionLifetimeTest, ProsodysThreadLearnsOfASessionWithItsFirstRequest) {
  client.connect_again("meter");
  client.send(mqtt::Pingreq{});
  EXPECT_TRUE(server.requested<OpenSession>().empty());
  client.send(mqtt::Publish{.topic = "h/utf8/n"});
  client.send(mqtt::Publish{.topic = "h/utf8/n"});
  ASSERT_EQ(server.requested<OpenSession>().size(), 1U);
  EXPECT_EQ(server.requested<OpenSession>()[0].session, client.session());
  EXPECT_EQ(server.requested<OpenSession>()[0].client, "127.0.0.1:5000 \"meter\"");
  EXPECT_EQ(server.requested<OpenSession>()[0].party, "");

  // From another address it has another name in the log.
  client.lose();
  server.limits.anonymous = Anonymous::from_everywhere;
  Client from_elsewhere(server, {.address = "192.0.2.1", .party = "192.0.2.1", .name = "192.0.2.1:6000"});
  from_elsewhere.connect_again("meter");
  EXPECT_EQ(server.requested<OpenSession>().size(), 1U);
  from_elsewhere.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {"h/utf8/n"}});
  ASSERT_EQ(server.requested<OpenSession>().size(), 2U);
  EXPECT_EQ(server.requested<OpenSession>()[1].session, client.session());
  EXPECT_EQ(server.requested<OpenSession>()[1].client, "192.0.2.1:6000 \"meter\"");
  EXPECT_EQ(server.requested<OpenSession>()[1].party, "192.0.2.1");
}

TEST_F(SessionLifetimeTest, ProsodysThreadHearsOfTheEndOfThoseThatItKnows) {
  client.connect("silent");
  client.lose();
  EXPECT_TRUE(server.requested<CloseSession>().empty());
  again.connect("asks");
  again.send(mqtt::Publish{.topic = "h/utf8/n"});
  again.lose();
  EXPECT_EQ(server.requested<CloseSession>().size(), 1U);
}

TEST_F(SessionLifetimeTest, AllAreListedWithOrWithoutAConnection) {
  client.connect_again("meter");
  again.connect_again("other");
  client.lose();
  auto clients = server.sessions.clients();
  ASSERT_EQ(clients.size(), 2U);
  EXPECT_EQ(clients[0].session, client.session());
  EXPECT_EQ(clients[0].name, "127.0.0.1:5000 \"meter\"");
  EXPECT_FALSE(clients[0].is_connected);
  EXPECT_TRUE(clients[1].is_connected);
  server.sessions.expire(hours(1));
  server.sessions.expire(hours(1) + server.limits.session_expiry);
  EXPECT_EQ(server.clients(), (std::vector<std::string>{"127.0.0.1:5000 \"other\""}));
}

TEST_F(SessionLifetimeTest, ACleanSessionIsNeverResumed) {  // [MQTT-3.1.2-6]
  client.send(mqtt::Connect{.client_identifier = "meter"});
  again.connect_again("meter");  // while the clean one is still there
  EXPECT_EQ(again.outbox.take(), accepted);
  again.send(mqtt::Disconnect{});
  Client third(server);
  third.connect_again("meter");  // but this one was not clean
  EXPECT_EQ(third.outbox.take(), session_present);
}

TEST_F(SessionLifetimeTest, OtherClientIdentifiersAreOtherSessions) {
  client.connect_again("meter");
  again.connect_again("Meter");
  EXPECT_EQ(again.outbox.take(), accepted);
  EXPECT_FALSE(client.outbox.closed);
}

TEST_F(SessionLifetimeTest, TakeoverClosesTheOlderConnectionAndKeepsTheSession) {  // [MQTT-3.1.4-2]
  client.connect_again("meter");
  client.outbox.take();
  again.connect_again("meter");
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_EQ(again.outbox.take(), session_present);
  // The older one's end is not the session's, and what it says is nobody's.
  client.send(mqtt::Publish{.topic = "a/json/b"});
  client.connection->drained();
  EXPECT_EQ(client.connection->deadline(), std::nullopt);
  client.lose();
  EXPECT_EQ(server.requested<PublishRequest>().size(), 0U);
  EXPECT_EQ(server.sessions.size(), 1U);
  again.send(mqtt::Pingreq{});
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Pingresp{}));
}

TEST_F(SessionLifetimeTest, AnIdentifierOfAnyUtf8IsTaken) {  // [MQTT-3.1.3-4, MQTT-3.1.3-5]
  client.connect_again("Zähler \"7\" \xF0\x9F\x98\x80\n");
  EXPECT_EQ(client.outbox.take(), accepted);
  EXPECT_EQ(server.clients()[0], "127.0.0.1:5000 \"Zähler \\x227\\x22 \xF0\x9F\x98\x80\\x0a\"");
}

TEST_F(SessionLifetimeTest, ASessionWithoutIdentifierIsNobodyElsesAndLeavesNothing) {  // [MQTT-3.1.3-6]
  client.connect("");
  again.connect("");
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 2U);
  client.lose();
  again.lose();
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(SessionLifetimeTest, ASessionWithoutConnectionExpires) {
  server.limits.session_expiry = hours(1);
  client.connect_again("meter");
  server.sessions.expire(hours(10));
  EXPECT_EQ(server.sessions.deadline(), std::nullopt);
  client.lose();
  server.expect_end_of_session(hours(11));
  EXPECT_TRUE(server.logged("mqtt_session_expiry"));
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), accepted);
}

TEST_F(SessionLifetimeTest, ComingBackPutsTheExpiryOff) {
  server.limits.session_expiry = hours(1);
  client.connect_again("meter");
  client.lose();
  server.sessions.expire(hours(1) - Time(1));
  again.connect_again("meter");
  EXPECT_EQ(server.sessions.deadline(), std::nullopt);
  server.sessions.expire(hours(3));
  again.lose();
  server.expect_end_of_session(hours(4));
}

TEST_F(SessionLifetimeTest, AReloadThatShortensTheExpiryEndsWhatIsOverByIt) {
  client.connect_again("meter");
  client.lose();
  server.sessions.expire(hours(2));
  server.limits.session_expiry = hours(1);
  server.sessions.expire(hours(2));
  EXPECT_EQ(server.sessions.size(), 0U);
}

class WillTest : public SessionLifetimeTest {
 protected:
  static mqtt::Connect with_will(std::string_view message, bool clean_session = true, bool retain = false,
                                 std::string_view client_identifier = "meter") {
    return {.clean_session = clean_session,
            .keep_alive = 10,
            .client_identifier = client_identifier,
            .will = mqtt::Publish{
                .topic = "h/utf8/w", .payload = message, .qos = QoS::at_least_once, .retain = retain}};
  }

  // The messages of the wills, in order; what follows the will of a clean session is its end.
  std::vector<std::string> wills() const {
    std::vector<std::string> found;
    for (const auto& request : server.requested<PublishRequest>()) {
      EXPECT_TRUE(request.ticket.will);
      found.push_back(request.publication.payload);
    }
    return found;
  }

  using Wills = std::vector<std::string>;
};

TEST_F(WillTest, ItSaysWhatConnectSaid) {  // [MQTT-3.1.2-8, MQTT-3.1.2-16, MQTT-3.1.2-17]
  client.send(with_will("gone", true, true));
  EXPECT_EQ(wills(), Wills{});
  client.lose();
  ASSERT_EQ(wills(), Wills{"gone"});
  const auto will = server.requested<PublishRequest>()[0];
  EXPECT_EQ(will.publication.topic, "h/utf8/w");
  EXPECT_EQ(will.publication.envelope.qos, QoS::at_least_once);
  EXPECT_TRUE(will.publication.envelope.retain);
  EXPECT_EQ(will.ticket.session, client.session());
  EXPECT_TRUE(std::holds_alternative<CloseSession>(server.requests.back()));
}

TEST_F(WillTest, DisconnectForgetsIt) {  // [MQTT-3.1.2-10, MQTT-3.14.4-3]
  client.send(with_will("gone"));
  client.send(mqtt::Disconnect{});
  client.lose();
  EXPECT_EQ(wills(), Wills{});
}

TEST_F(WillTest, AProtocolErrorPublishesIt) {
  client.send(with_will("gone"));
  client.receive(std::string("\xC1\x00", 2));
  EXPECT_EQ(wills(), Wills{"gone"});
  client.lose();
  EXPECT_EQ(wills().size(), 1U);
}

TEST_F(WillTest, SilencePublishesIt) {  // [MQTT-3.1.2-24]
  client.send(with_will("gone"));
  client.connection->expire(std::chrono::seconds(15));
  EXPECT_EQ(wills(), Wills{"gone"});
}

TEST_F(WillTest, TakeoverPublishesTheOlderOne) {
  client.send(with_will("older", false));
  again.send(with_will("newer", false));
  EXPECT_EQ(wills(), Wills{"older"});
  // The will goes before what the newer connection asks.
  client.lose();
  EXPECT_EQ(wills(), Wills{"older"});
  again.lose();
  EXPECT_EQ(wills(), (Wills{"older", "newer"}));
}

TEST_F(WillTest, TakeoverByACleanSessionPublishesItBeforeTheOldSessionEnds) {
  client.send(with_will("older", false));
  again.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(wills(), Wills{"older"});
  std::vector<std::size_t> order;
  for (const auto& request : server.requests) {
    if (!std::holds_alternative<AnnounceWill>(request)) order.push_back(request.index());
  }
  const std::vector<std::size_t> expected{Request(OpenSession{}).index(), Request(PublishRequest{}).index(),
                                          Request(CloseSession{}).index()};
  EXPECT_EQ(order, expected);
}

TEST_F(WillTest, AClosingByTheServerPublishesIt) {
  client.send(with_will("gone"));
  client.send(mqtt::Publish{.topic = "a/json/b", .qos = QoS::at_least_once, .packet_identifier = 1});
  server.answer(PublishReply::Outcome::failed);
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_EQ(server.requested<PublishRequest>().back().publication.payload, "gone");
}

TEST_F(WillTest, AResumedSessionHasTheWillOfItsPresentConnection) {
  client.send(with_will("first", false));
  client.lose();
  again.connect_again("meter");  // without one
  again.lose();
  EXPECT_EQ(wills(), Wills{"first"});
}

TEST_F(WillTest, AllGoOutOnceWhenTheServerLeavesRetainedOnesFirst) {
  client.send(with_will("1"));
  again.send(with_will("2", true, true, "other"));
  Client offline(server);
  offline.send(with_will("3", false, true, "offline"));
  offline.send(mqtt::Disconnect{});
  server.sessions.send_wills();
  EXPECT_EQ(wills(), (Wills{"2", "1"}));
  server.sessions.send_wills();
  client.lose();
  EXPECT_EQ(wills().size(), 2U);
}

class RetainedMessagesTest : public SessionLifetimeTest {
 protected:
  RetainedMessagesTest() {
    server.limits.max_inflight = 2;
    server.sessions.handle(NodeOpened{.node = 7, .host = "h", .name = "n"});
    client.connect_again("meter");
    client.outbox.take();
    AudienceChange change{.node = 7, .session = client.session(), .selection = {}};
    change.selection.natural = QoS::exactly_once;
    server.sessions.handle(change);
  }

  RetainedMessages batch(std::initializer_list<std::string_view> payloads, QoS qos) const {
    RetainedMessages retained{.session = client.session(), .messages = {}};
    for (const auto payload : payloads) {
      retained.messages.push_back({.node = 7,
                                   .form = topic::Type::utf8,
                                   .payload = std::string(payload),
                                   .envelope = {.qos = qos, .retain = true}});
    }
    return retained;
  }

  static std::string message(std::string_view payload, QoS qos, mqtt::PacketIdentifier id = 0,
                             bool dup = false) {
    return bytes_of(mqtt::Publish{.topic = "h/utf8/n",
                                  .payload = payload,
                                  .qos = qos,
                                  .retain = true,
                                  .dup = dup,
                                  .packet_identifier = id});
  }

  std::size_t asked() const { return server.requested<RetainedRequest>().size(); }
};

TEST_F(RetainedMessagesTest, TheyAreFlaggedAndInOrder) {  // [MQTT-3.3.1-8]
  server.sessions.handle(batch({"1", "2"}, QoS::at_most_once));
  EXPECT_EQ(client.outbox.take(), message("1", QoS::at_most_once) + message("2", QoS::at_most_once));
}

TEST_F(RetainedMessagesTest, ALiveMessageIsNotFlagged) {  // [MQTT-3.3.1-9]
  ItemPublished item{.node = 7, .natural_type = topic::Type::utf8, .payloads = {}};
  item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "1";
  server.sessions.handle(std::move(item));
  EXPECT_EQ(client.outbox.take(),
            bytes_of(mqtt::Publish{
                .topic = "h/utf8/n", .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 1}));
}

TEST_F(RetainedMessagesTest, ARightThatHasGoneMeanwhileCounts) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = {}});
  server.sessions.handle(batch({"1"}, QoS::at_most_once));
  EXPECT_EQ(client.outbox.take(), "");
  EXPECT_EQ(asked(), 1U);
}

TEST_F(RetainedMessagesTest, MoreAreAskedForWhenTheBatchHasGone) {
  server.sessions.handle(batch({"1"}, QoS::at_most_once));
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(server.requested<RetainedRequest>()[0].session, client.session());
}

TEST_F(RetainedMessagesTest, MoreWaitUntilTheSocketTookHalf) {
  client.outbox.stalled = server.limits.max_outbound_bytes;
  server.sessions.handle(batch({"never dropped"}, QoS::at_most_once));
  EXPECT_EQ(client.outbox.take(), message("never dropped", QoS::at_most_once));
  EXPECT_EQ(asked(), 0U);
  client.outbox.stalled = server.limits.max_outbound_bytes / 2;
  client.connection->drained();
  EXPECT_EQ(asked(), 1U);
  client.connection->drained();
  EXPECT_EQ(asked(), 1U);
}

TEST_F(RetainedMessagesTest, MoreWaitUntilTheWindowTookAllOfTheBatch) {
  server.sessions.handle(batch({"1", "2", "3"}, QoS::at_least_once));
  EXPECT_EQ(client.outbox.take(), message("1", QoS::at_least_once, 1) + message("2", QoS::at_least_once, 2));
  EXPECT_EQ(asked(), 0U);
  client.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(client.outbox.take(), message("3", QoS::at_least_once, 3));
  EXPECT_EQ(asked(), 1U);
}

TEST_F(RetainedMessagesTest, TheyAreNotCountedInTheQueue) {
  server.limits.max_queued_messages_in_memory = 2;
  const auto publish = [&](std::string payload) {
    ItemPublished item{.node = 7,
                       .natural_type = topic::Type::utf8,
                       .payloads = {},
                       .envelope = {.qos = QoS::at_least_once}};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = std::move(payload);
    server.sessions.handle(std::move(item));
  };
  const auto live = [](std::string_view payload, mqtt::PacketIdentifier id) {
    return bytes_of(mqtt::Publish{
        .topic = "h/utf8/n", .payload = payload, .qos = QoS::at_least_once, .packet_identifier = id});
  };
  server.sessions.handle(batch({"1", "2", "3", "4"}, QoS::at_least_once));
  publish("5");
  publish("6");
  publish("dropped");
  server.sessions.handle(batch({"7"}, QoS::at_least_once));  // never dropped
  for (mqtt::PacketIdentifier id = 1; id < 7; ++id) client.send(mqtt::Puback{.packet_identifier = id});
  std::string expected;
  for (mqtt::PacketIdentifier id = 1; id <= 4; ++id)
    expected += message(std::to_string(id), QoS::at_least_once, id);
  EXPECT_EQ(client.outbox.take(),
            expected + live("5", 5) + live("6", 6) + message("7", QoS::at_least_once, 7));
  EXPECT_EQ(server.lines("are dropped"), 1U);
}

TEST_F(RetainedMessagesTest, AnOfflineSessionAsksWhenItIsBack) {
  server.sessions.handle(batch({"1", "2", "3"}, QoS::at_least_once));
  client.lose();
  server.sessions.handle(batch({"at QoS 0 it is lost"}, QoS::at_most_once));
  EXPECT_EQ(asked(), 0U);
  again.connect_again("meter");
  EXPECT_EQ(again.outbox.take(), session_present + message("1", QoS::at_least_once, 1, true) +
                                     message("2", QoS::at_least_once, 2, true));
  EXPECT_EQ(asked(), 0U);
  again.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(asked(), 1U);
}

TEST_F(RetainedMessagesTest, WhatTheLostConnectionWasToAskForTheNextOneAsks) {
  client.outbox.stalled = server.limits.max_outbound_bytes;
  server.sessions.handle(batch({"1"}, QoS::at_most_once));
  client.lose();
  EXPECT_EQ(asked(), 0U);
  again.connect_again("meter");
  EXPECT_EQ(asked(), 1U);
}

class Mqtt31Test : public SessionLifetimeTest {
 protected:
  static mqtt::Connect connect(std::string_view client_identifier, bool clean_session = true) {
    return {.level = mqtt::ProtocolLevel::mqtt_3_1,
            .clean_session = clean_session,
            .client_identifier = client_identifier};
  }

  using Code = mqtt::Reason;

  static void ask(Client& from, QoS second) {
    from.send(mqtt::Subscribe{.packet_identifier = 1,
                              .subscriptions = {{.topic_filter = "a", .qos = QoS::at_least_once},
                                                {.topic_filter = "b", .qos = second}}});
  }

  void answer(std::vector<Code> codes) {
    const auto request = server.requested<SubscribeRequest>().back();
    server.sessions.handle(SubscribeReply{
        .ticket = request.ticket, .subscriptions = request.subscriptions, .results = std::move(codes)});
  }
};

TEST_F(Mqtt31Test, IsServed) {
  client.send(connect("meter"));
  EXPECT_EQ(client.outbox.take(), accepted);
}

TEST_F(Mqtt31Test, AnEmptyIdentifierIsRefused) {
  client.send(connect(""));
  EXPECT_EQ(client.outbox.take(),
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
  EXPECT_TRUE(client.outbox.closed);
}

TEST_F(Mqtt31Test, ALongIdentifierIsAcceptedWithADebugLine) {
  client.send(connect("12345678901234567890123"));
  EXPECT_FALSE(server.logged("23 characters"));
  again.send(connect("123456789012345678901234"));
  EXPECT_EQ(again.outbox.take(), accepted);
  EXPECT_TRUE(server.logged("23 characters"));
}

TEST_F(Mqtt31Test, ThereIsNoSessionPresentInConnack) {
  client.send(connect("meter", false));
  client.lose();
  again.send(connect("meter", false));
  EXPECT_EQ(again.outbox.take(), accepted);
  EXPECT_EQ(again.session(), client.session());
}

TEST_F(Mqtt31Test, ARefusedFilterIsAnsweredWithTheQosAskedFor) {
  client.send(connect("meter"));
  client.outbox.take();
  ask(client, QoS::exactly_once);
  answer({Code::granted_qos_1, Code::unspecified_error});
  EXPECT_EQ(
      client.outbox.take(),
      bytes_of(mqtt::Suback{.packet_identifier = 1, .reasons = {Code::granted_qos_1, Code::granted_qos_2}}));
  EXPECT_TRUE(server.logged("was refused a filter"));
  // MQTT 3.1.1 has the words.
  again.connect("other");
  ask(again, QoS::exactly_once);
  answer({Code::granted_qos_1, Code::unspecified_error});
  EXPECT_EQ(again.outbox.take(),
            bytes_of(mqtt::Suback{.packet_identifier = 1,
                                  .reasons = {Code::granted_qos_1, Code::unspecified_error}}));
}

TEST_F(Mqtt31Test, TheQosAskedForIsThatOfThePresentConnectionAndRequest) {
  client.send(connect("meter", false));
  ask(client, QoS::exactly_once);
  client.lose();
  again.send(connect("meter", false));
  again.outbox.take();
  for (const QoS qos : {QoS::at_most_once, QoS::at_least_once}) {
    ask(again, qos);
    answer({Code::unspecified_error, Code::unspecified_error});
    EXPECT_EQ(again.outbox.take(),
              bytes_of(mqtt::Suback{.packet_identifier = 1,
                                    .reasons = {Code::granted_qos_1, static_cast<Code>(qos)}}));
  }
}

}  // namespace
}  // namespace pubsub_mqtt::session
