// What one client may use up, and all clients together.
#include "pubsub_mqtt/base/limits.h"

#include <gtest/gtest.h>

#include <list>
#include <string>

#include "../base/allocated_bytes.h"
#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using std::chrono::hours;
using std::chrono::seconds;

const std::string unavailable = bytes_of(mqtt::Connack{.reason = mqtt::Reason::server_unavailable});

TEST(ClientIdentifierLimitTest, ALongerIdentifierIsRejected) {
  Server server;
  server.limits.max_client_identifier_length = 30;
  Client longest(server);
  longest.send(mqtt::Connect{.client_identifier = std::string(30, 'x')});
  EXPECT_EQ(longest.outbox.take(), accepted);
  Client too_long(server);
  too_long.send(mqtt::Connect{.client_identifier = std::string(31, 'x')});
  EXPECT_EQ(too_long.outbox.take(),
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
  EXPECT_TRUE(too_long.outbox.closed);
  EXPECT_TRUE(server.logged("mqtt_max_client_identifier_length"));
}

class RateLimitTest : public ::testing::Test {
 protected:
  RateLimitTest() {
    server.limits.anonymous = Anonymous::from_everywhere;
    server.limits.max_message_rate = 10;
  }

  void publish(Client& from, int times, Time at) {
    for (int i = 0; i < times; ++i) from.send(message, at);
  }

  std::size_t published() const { return server.requested<PublishRequest>().size(); }

  const mqtt::Publish message{.topic = "a/json/b", .payload = "1"};
  Server server;
  Client client{server, elsewhere(false)};
};

TEST_F(RateLimitTest, MessagesBeyondASecondsWorthAreReadLater) {
  client.connect("meter");
  publish(client, 15, seconds(1));
  EXPECT_EQ(published(), 10U);
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(client.connection->deadline(), Time(1100));

  client.connection->expire(Time(1099));
  EXPECT_EQ(client.outbox.resumed, 0);
  client.connection->expire(Time(1100));
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on(Time(1100));
  EXPECT_EQ(published(), 11U);
  client.read_on(Time(1150));  // for another reason than ours: it is not its time yet
  EXPECT_EQ(published(), 11U);
  client.read_on(seconds(10));
  EXPECT_EQ(published(), 15U);
  EXPECT_TRUE(client.unread.empty());
  EXPECT_EQ(client.connection->deadline(), std::nullopt);
}

TEST_F(RateLimitTest, WhoKeepsToTheRateIsNotDelayed) {
  client.connect("meter");
  for (int i = 0; i < 50; ++i) publish(client, 1, Time(100 * i));
  EXPECT_EQ(published(), 50U);
  EXPECT_FALSE(server.logged("mqtt_max_message_rate"));
}

TEST_F(RateLimitTest, OnlyPublishesAreMessages) {
  client.connect("meter");
  for (int i = 0; i < 50; ++i) client.send(mqtt::Pingreq{});
  EXPECT_TRUE(client.unread.empty());
}

TEST_F(RateLimitTest, AllBytesCount) {
  server.limits.max_byte_rate = 1000;
  client.connect("meter");
  for (int i = 0; i < 600; ++i) client.send(mqtt::Pingreq{}, seconds(1));
  EXPECT_EQ(client.unread.size(), 200U);  // two bytes each
  EXPECT_TRUE(server.logged("mqtt_max_byte_rate"));
  client.read_on(seconds(2));
  EXPECT_TRUE(client.unread.empty());
}

TEST_F(RateLimitTest, APacketLargerThanASecondsBytesPassesAndIsWaitedOut) {
  server.limits.max_byte_rate = 1000;
  client.connect("meter");
  const std::string payload(5000, 'x');
  // In pieces, as a socket reads it; what is kept of a packet that is not complete is read already.
  std::string bytes = bytes_of(mqtt::Publish{.topic = "a/utf8/b", .payload = payload});
  const std::size_t size = bytes.size();
  Time now = seconds(10);
  for (std::size_t at = 0; at < size; at += 500) {
    client.receive(bytes.substr(at, 500), now);
    while (!client.unread.empty()) {
      now = client.connection->deadline().value();
      client.connection->expire(now);
      client.read_on(now);
    }
  }
  EXPECT_EQ(published(), 1U);
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_GE(now, seconds(14));
  EXPECT_LE(now, seconds(15));
}

TEST_F(RateLimitTest, AWholePacketPassesAtOnce) {
  server.limits.max_byte_rate = 1000;
  client.connect("meter");
  const std::string payload(5000, 'x');
  client.send(mqtt::Publish{.topic = "a/utf8/b", .payload = payload}, seconds(10));
  EXPECT_EQ(published(), 1U);
  client.send(message, seconds(13));
  EXPECT_EQ(published(), 1U);
  client.read_on(seconds(15));
  EXPECT_EQ(published(), 2U);
}

TEST_F(RateLimitTest, TheSilenceOfAPauseIsOurs) {
  server.limits.max_byte_rate = 100;
  client.connect("meter", 10);
  const std::string payload(2900, 'x');
  client.send(mqtt::Publish{.topic = "a/utf8/b", .payload = payload}, seconds(1));
  client.send(mqtt::Pingreq{}, seconds(2));
  const Time again = client.connection->deadline().value();
  EXPECT_GT(again, seconds(20));
  client.connection->expire(seconds(19));
  EXPECT_FALSE(client.outbox.closed);
  client.connection->expire(again);
  EXPECT_EQ(client.outbox.resumed, 1);
  // It starts anew.
  EXPECT_EQ(client.connection->deadline(), again + seconds(15));
  client.connection->expire(again);
  EXPECT_FALSE(client.outbox.closed);
}

TEST_F(RateLimitTest, WaitingForPubsubAsWellIsWaitingForBoth) {
  server.limits.max_pending_publishes = 10;
  client.connect("meter", 10);
  publish(client, 11, Time{0});
  EXPECT_EQ(published(), 10U);
  EXPECT_EQ(client.connection->deadline(), std::nullopt);  // pubsub has all of them
  for (int i = 0; i < 5; ++i) {
    server.sessions.handle(PublishReply{.ticket = {.session = client.session(), .bytes = 9}, .topic = {}});
  }
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on();
  EXPECT_EQ(published(), 10U);
  EXPECT_EQ(client.connection->deadline(), Time(100));
}

TEST_F(RateLimitTest, ItIsLoggedOnceASession) {
  client.connect_again("meter");
  publish(client, 11, Time{0});
  client.read_on(seconds(2));
  publish(client, 21, seconds(2));
  client.lose();
  Client again(server, elsewhere(false));
  again.connect_again("meter");
  publish(again, 11, seconds(3));
  EXPECT_FALSE(again.unread.empty());
  ASSERT_EQ(server.lines("mqtt_max_message_rate"), 1U);
  EXPECT_TRUE(server.logged("192.0.2.1:5000 \"meter\": sends more than mqtt_max_message_rate allows"));
}

TEST_F(RateLimitTest, LoopbackIsExempt) {
  server.limits.max_byte_rate = 10;
  Client local(server);
  local.connect("local");
  publish(local, 100, Time{0});
  EXPECT_EQ(published(), 100U);
}

TEST_F(RateLimitTest, ConnectIsReadAtOnceAndCountsAfterwards) {
  server.limits.max_byte_rate = 10;
  const std::string connect = bytes_of(mqtt::Connect{.client_identifier = "a long name"});
  client.receive(connect.substr(0, 20));
  client.receive(connect.substr(20) + bytes_of(mqtt::Pingreq{}));
  EXPECT_EQ(client.outbox.take(), accepted);
  EXPECT_EQ(client.unread.size(), 2U);
  // Not the time that a CONNECT may take.
  EXPECT_NE(client.connection->deadline(), server.limits.connect_timeout);
}

class StoredSessionsLimitTest : public ::testing::Test {
 protected:
  StoredSessionsLimitTest() {
    server.limits.max_sessions_per_account = 2;
    server.limits.max_anonymous_sessions = 2;
  }

  // The bytes that answer a CONNECT. The connection stays.
  std::string connect(const std::string& account, std::string_view client_identifier, bool clean = false) {
    Client& client = clients.emplace_back(server);
    mqtt::Connect connect{.clean_session = clean, .client_identifier = client_identifier};
    if (!account.empty()) connect.user_name = account;
    client.send(connect);
    if (!account.empty()) {
      server.sessions.handle(
          LoginReply{.connection = client.id, .reason = mqtt::Reason::success, .account = account});
    }
    return client.outbox.take();
  }

  Server server;
  std::list<Client> clients;
};

TEST_F(StoredSessionsLimitTest, AnAccountHasSoManyAndNoMore) {
  EXPECT_EQ(connect("a@host", "1"), accepted);
  EXPECT_EQ(connect("a@host", "2"), accepted);
  EXPECT_EQ(connect("a@host", "3"), unavailable);
  EXPECT_TRUE(clients.back().outbox.closed);
  EXPECT_TRUE(
      server.logged("\"3\" (a@host): closed: its account has as many stored sessions as "
                    "mqtt_max_sessions_per_account allows"));
  EXPECT_EQ(server.log.back().level, LogLevel::warn);
  EXPECT_EQ(server.sessions.size(), 2U);
  // Neither another account nor who has no login is concerned, nor is a session that ends with its
  // connection.
  EXPECT_EQ(connect("b@host", "3"), accepted);
  EXPECT_EQ(connect("", "3"), accepted);
  EXPECT_EQ(connect("a@host", "3", true), accepted);
}

TEST_F(StoredSessionsLimitTest, ClientsWithoutLoginShareTheirs) {
  EXPECT_EQ(connect("", "1"), accepted);
  EXPECT_EQ(connect("", "2"), accepted);
  EXPECT_EQ(connect("", "3"), unavailable);
  EXPECT_TRUE(server.logged("mqtt_max_anonymous_sessions"));
}

TEST_F(StoredSessionsLimitTest, ResumingIsAlwaysPossible) {
  connect("a@host", "1");
  connect("a@host", "2");
  EXPECT_EQ(connect("a@host", "1"), session_present);  // takes over
  clients.clear();
  EXPECT_EQ(connect("a@host", "2"), session_present);
  EXPECT_EQ(connect("a@host", "3"), unavailable);
}

TEST_F(StoredSessionsLimitTest, ACleanSessionInItsPlaceFreesIt) {
  connect("a@host", "1");
  connect("a@host", "2");
  EXPECT_EQ(connect("a@host", "1", true), accepted);
  EXPECT_EQ(connect("a@host", "3"), accepted);
  // And is no reason to be let in: its place is taken now. Its connection stays.
  EXPECT_EQ(connect("a@host", "1"), unavailable);
  EXPECT_FALSE(std::next(clients.begin(), 2)->outbox.closed);
}

TEST_F(StoredSessionsLimitTest, AnExpiredSessionFreesItsPlace) {
  connect("a@host", "1");
  connect("a@host", "2");
  clients.clear();
  server.sessions.expire(Time{0});
  server.sessions.expire(hours(24 * 8));
  EXPECT_EQ(connect("a@host", "3"), accepted);
  EXPECT_EQ(connect("a@host", "4"), accepted);
  EXPECT_EQ(connect("a@host", "5"), unavailable);
}

TEST_F(StoredSessionsLimitTest, ADeletedAccountHasNone) {
  connect("a@host", "1");
  connect("a@host", "2");
  server.sessions.handle(CloseAccount{.account = "a@host", .was_deleted = true});
  EXPECT_EQ(connect("a@host", "3"), accepted);
  EXPECT_EQ(connect("a@host", "4"), accepted);
  EXPECT_EQ(connect("a@host", "5"), unavailable);
}

// Topics are "h/utf8/n", eight bytes.
class QueueBudgetTest : public ::testing::Test {
 protected:
  QueueBudgetTest() {
    server.limits.max_inflight = 1;
    server.limits.max_total_queued_bytes_in_memory = 100;
    server.sessions.handle(NodeOpened{.node = 7, .host = "h", .name = "n"});
    listen(one, "one");
    listen(other, "other");
  }

  void listen(Client& client, std::string_view client_identifier) {
    client.connect_again(client_identifier);
    client.outbox.take();
    subscribe(client.session(), QoS::at_least_once);
  }

  void subscribe(SessionId session, std::optional<QoS> qos) {
    AudienceChange change{.node = 7, .session = session, .selection = {}};
    change.selection.natural = qos;
    server.sessions.handle(change);
  }

  void publish(std::size_t size) {
    ItemPublished item{.node = 7, .natural_type = topic::Type::utf8, .payloads = {}};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = std::string(size, 'x');
    server.sessions.handle(std::move(item));
  }

  std::size_t queued() const { return server.sessions.queued_bytes(); }

  Server server;
  Client one{server};
  Client other{server};
};

TEST_F(QueueBudgetTest, WhatWouldExceedItIsDroppedCountedAndLoggedOnceASession) {
  publish(100);  // in flight
  EXPECT_EQ(queued(), 0U);
  publish(32);
  EXPECT_EQ(queued(), 80U);
  publish(12);  // there is a place for one of them
  EXPECT_EQ(queued(), 100U);
  publish(0);
  publish(0);
  EXPECT_EQ(queued(), 100U);
  EXPECT_EQ(server.lines("mqtt_max_total_queued_bytes"), 2U);
  EXPECT_EQ(server.lines("mqtt_max_queued_bytes"), 0U);
  one.lose();
  other.lose();
  server.sessions.expire(Time{0});
  server.sessions.expire(hours(24 * 8));
  EXPECT_TRUE(server.logged("\"one\": 2 messages were dropped"));
  EXPECT_TRUE(server.logged("\"other\": 3 messages were dropped"));
}

TEST_F(QueueBudgetTest, AnEmptyQueueIsNoExemption) {
  publish(0);
  publish(50);
  EXPECT_EQ(queued(), 58U);
  EXPECT_TRUE(server.logged("\"other\": does not take messages at QoS 1 and 2"));
}

TEST_F(QueueBudgetTest, AcknowledgingGivesItBack) {
  publish(0);
  publish(10);
  EXPECT_EQ(queued(), 36U);
  one.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(queued(), 18U);
  other.send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(queued(), 0U);
}

TEST_F(QueueBudgetTest, ResumingGivesBackWhatMayNotBeSentAnyMore) {
  one.lose();
  other.lose();
  publish(10);
  publish(20);
  EXPECT_EQ(queued(), 92U);
  subscribe(one.session(), std::nullopt);
  Client again(server);
  again.connect_again("one");
  EXPECT_EQ(queued(), 46U);
  Client other_again(server);
  other_again.connect_again("other");
  EXPECT_EQ(queued(), 28U);  // one is in flight
}

TEST_F(QueueBudgetTest, TheEndOfASessionGivesItBack) {
  one.lose();
  publish(10);
  publish(20);
  EXPECT_EQ(queued(), 18U + 28U + 28U);
  Client again(server);
  again.connect("one");
  EXPECT_EQ(queued(), 28U);
  other.lose();
  server.sessions.expire(Time{0});
  server.sessions.expire(hours(24 * 8));
  EXPECT_EQ(queued(), 0U);
}

TEST_F(QueueBudgetTest, RetainedMessagesDoNotCount) {
  publish(0);
  RetainedMessages batch{.session = other.session(), .messages = {}};
  batch.messages.push_back({.node = 7,
                            .form = topic::Type::utf8,
                            .payload = std::string(1000, 'x'),
                            .envelope = {.qos = QoS::at_least_once, .retain = true}});
  server.sessions.handle(std::move(batch));
  EXPECT_EQ(queued(), 0U);
}

// Whoever can connect can send half of a CONNECT.
TEST(ConnectSizeTest, AStrangerHasNoMoreThan64KiBInMemory) {
  Server server;
  Client client(server);
  mqtt::Connect connect{.client_identifier = "meter"};
  const std::string will(60000, 'w');
  connect.will = mqtt::Publish{.topic = "h/utf8/w", .payload = will};
  const std::string packet = bytes_of(connect);
  const auto before = allocated_bytes();
  for (const char byte : packet.substr(0, packet.size() - 1)) client.receive({&byte, 1});
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_LE(allocated_bytes() - before, 65536U + 1024);
  client.receive(packet.substr(packet.size() - 1));
  EXPECT_EQ(client.outbox.take(), accepted);

  Client larger(server);
  const std::string password(10000, 'p');
  connect.user_name = "juliet";
  connect.password = password;
  larger.receive(bytes_of(connect).substr(0, 5));
  EXPECT_TRUE(larger.outbox.closed);
}

TEST(ConnectSizeTest, AClientThatIsLetInMaySendMore) {
  Server server;
  Client client(server);
  client.connect("meter");
  const std::string payload(200000, 'p');
  client.send(mqtt::Publish{.topic = "h/utf8/n", .payload = payload});
  ASSERT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_EQ(server.requested<PublishRequest>()[0].publication.payload, payload);
}

// In the tree each element names its namespace: an item may be larger than six times its payload.
TEST(LargePayloadTest, XmlThatNamesItsNamespacesSeldomIsMeasured) {
  Server server;
  Client client(server);
  client.connect("meter");
  std::string payload = "<x xmlns='urn:x' xmlns:a='" + std::string(1000, 'n') + "'>";
  for (int i = 0; i < 600; ++i) payload += "<a:y/>";
  payload += std::string(30000, 't') + "</x>";
  client.send(mqtt::Publish{.topic = "h/xml/n", .payload = payload});
  ASSERT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_FALSE(server.requested<PublishRequest>()[0].prepared.content_id.empty());
}

}  // namespace
}  // namespace pubsub_mqtt::session
