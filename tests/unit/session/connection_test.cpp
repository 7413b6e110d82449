#include "pubsub_mqtt/session/connection.h"

#include <gtest/gtest.h>

#include <list>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

const std::string hundred_and_twenty(120, '1');

using std::chrono::seconds;

TEST(ConnectionTest, AConnectIsAcceptedAndOpensASession) {
  Server server;
  Client client(server);
  client.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(client.outbox.written, bytes_of(mqtt::Connack{}));
  EXPECT_EQ(server.clients(), (std::vector<std::string>{"127.0.0.1:5000 \"meter\""}));
}

TEST(ConnectionTest, TheFirstPacketMustBeConnect) {  // [MQTT-3.1.0-1]
  Server server;
  Client client(server);
  client.send(mqtt::Pingreq{});
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_TRUE(client.outbox.written.empty());
  EXPECT_TRUE(server.logged("MQTT-3.1.0-1"));
}

TEST(ConnectionTest, ASecondConnectIsAViolation) {  // [MQTT-3.1.0-2]
  Server server;
  Client client(server);
  client.connect("meter");
  client.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST(ConnectionTest, AnUnknownProtocolLevelIsAnsweredWithCode1) {  // [MQTT-3.1.2-2]
  Server server;
  Client client(server);
  std::string connect = bytes_of(mqtt::Connect{.client_identifier = "meter"});
  connect[8] = 2;
  client.receive(connect);
  EXPECT_EQ(client.outbox.written,
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::unsupported_protocol_version}));
  EXPECT_TRUE(client.outbox.closed);
}

TEST(ConnectionTest, AnEmptyIdentifierNeedsACleanSession) {  // [MQTT-3.1.3-8]
  Server server;
  Client client(server);
  client.send(mqtt::Connect{.clean_session = false, .client_identifier = ""});
  EXPECT_EQ(client.outbox.written,
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
  EXPECT_TRUE(client.outbox.closed);
}

TEST(ConnectionTest, EmptyIdentifiersAreMadeUnique) {  // [MQTT-3.1.3-6]
  Server server;
  Client one(server);
  Client other(server);
  one.connect("");
  other.connect("");
  EXPECT_FALSE(one.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 2U);
}

TEST(ConnectionTest, TheSameIdentifierClosesTheOlderConnection) {  // [MQTT-3.1.4-2]
  Server server;
  Client older(server);
  Client newer(server);
  older.connect("meter");
  newer.connect("meter");
  EXPECT_TRUE(older.outbox.closed);
  EXPECT_FALSE(newer.outbox.closed);
  // What the older one still says is nobody's.
  const std::size_t before = server.requests.size();
  older.send(mqtt::Publish{.topic = "a/json/b", .payload = "1"});
  EXPECT_EQ(server.requests.size(), before);
  older.connection.reset();
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST(ConnectionTest, MalformedBytesCloseAndSayWhy) {  // [MQTT-4.8.0-1]
  Server server;
  Client client(server);
  client.connect("meter");
  client.receive(std::string("\xC1\x00", 2));  // PINGREQ with a reserved flag
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_TRUE(server.logged("127.0.0.1:5000 \"meter\": closed: "));
}

TEST(ConnectionTest, ServersPacketsAreNotForClientsToSend) {
  Server server;
  for (const std::string& packet :
       {bytes_of(mqtt::Connack{}), bytes_of(mqtt::Pingresp{}),
        bytes_of(mqtt::Suback{.packet_identifier = 1, .reasons = {mqtt::Reason::granted_qos_0}}),
        bytes_of(mqtt::Unsuback{.packet_identifier = 1})}) {
    Client client(server);
    client.connect("");
    client.receive(packet);
    EXPECT_TRUE(client.outbox.closed);
  }
}

TEST(ConnectionTest, PingreqIsAnswered) {  // [MQTT-3.12.4-1]
  Server server;
  Client client(server);
  client.connect("meter");
  client.send(mqtt::Pingreq{});
  EXPECT_EQ(client.outbox.written, bytes_of(mqtt::Pingresp{}));
}

TEST(ConnectionTest, DisconnectEndsTheSession) {
  Server server;
  Client client(server);
  client.connect("meter");
  client.send(mqtt::Disconnect{});
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST(ConnectionTest, TheEndOfTheNetworkConnectionEndsTheSession) {
  Server server;
  Client client(server);
  client.connect("meter");
  client.connection.reset();
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST(ConnectionTest, WithoutConnectTheConnectionIsClosedInTime) {
  Server server;
  Client client(server, seconds(5));
  EXPECT_EQ(client.connection->deadline(), seconds(15));
  client.receive("\x10", seconds(14));  // the beginning of a CONNECT is none
  client.connection->expire(seconds(15) - Time(1));
  EXPECT_FALSE(client.outbox.closed);
  client.connection->expire(seconds(15));
  EXPECT_TRUE(client.outbox.closed);
  EXPECT_TRUE(server.logged("mqtt_connect_timeout"));
}

TEST(ConnectionTest, WhileItIsNotReadFromTheTimeToConnectDoesNotRun) {
  Server server;
  Client client(server, seconds(5));
  client.connection->stop_clock(seconds(7));
  EXPECT_EQ(client.connection->deadline(), std::nullopt);
  client.connection->expire(seconds(100));
  EXPECT_FALSE(client.outbox.closed);
  client.connection->start_clock(seconds(100));
  EXPECT_EQ(client.connection->deadline(), seconds(108));
  client.connection->expire(seconds(108));
  EXPECT_TRUE(client.outbox.closed);
}

TEST(ConnectionTest, ReadingOnWithoutAByteIsNoLife) {
  Server server;
  Client client(server);
  client.connect("meter", 10);
  client.read_on(seconds(14));
  EXPECT_EQ(client.connection->deadline(), seconds(15));
  client.connection->expire(seconds(15));
  EXPECT_TRUE(client.outbox.closed);
}

// What it has sent meanwhile is still to be read.
TEST(ConnectionTest, WhoWasNotReadFromHasItsTimeAnew) {
  Server server;
  server.limits.max_pending_publishes = 1;
  Client client(server);
  client.connect("meter", 10);
  client.send(mqtt::Publish{.topic = "a/json/b", .payload = "1"});
  client.connection->expire(seconds(100));
  server.answer();
  client.read_on(seconds(100));
  EXPECT_EQ(client.connection->deadline(), seconds(115));
  client.read_on(seconds(101));
  EXPECT_EQ(client.connection->deadline(), seconds(115));
}

TEST(ConnectionTest, SilenceForOneAndAHalfKeepAlivesCloses) {  // [MQTT-3.1.2-24]
  Server server;
  Client client(server);
  client.connect("meter", 10);
  client.send(mqtt::Pingreq{}, seconds(20));
  EXPECT_EQ(client.connection->deadline(), seconds(35));
  client.connection->expire(seconds(35) - Time(1));
  EXPECT_FALSE(client.outbox.closed);
  client.connection->expire(seconds(35));
  EXPECT_TRUE(client.outbox.closed);
}

TEST(ConnectionTest, KeepAliveZeroNeverCloses) {  // 3.1.2.10
  Server server;
  Client client(server);
  client.connect("meter", 0);
  EXPECT_EQ(client.connection->deadline(), std::nullopt);
}

TEST(ConnectionTest, APacketThatArrivesSlowlyCountsAsLife) {
  Server server;
  Client client(server);
  client.connect("meter", 10);
  client.receive("\x30", seconds(9));
  EXPECT_EQ(client.connection->deadline(), seconds(24));
}

TEST(ConnectionTest, PublishesBeyondTheLimitAreLeftUnread) {
  Server server;
  server.limits.max_pending_publishes = 4;
  Client client(server);
  client.connect("meter", 10);
  for (int i = 0; i < 6; ++i) client.send(mqtt::Publish{.topic = "a/json/b", .payload = "1"});
  const auto publishes = server.requested<PublishRequest>();
  ASSERT_EQ(publishes.size(), 4U);
  EXPECT_FALSE(client.unread.empty());
  // The silence is ours.
  EXPECT_EQ(client.connection->deadline(), std::nullopt);

  const PublishReply reply{.ticket = {.session = client.session(), .bytes = 9}, .topic = {}};
  server.sessions.handle(reply);
  EXPECT_EQ(client.outbox.resumed, 0);
  EXPECT_EQ(client.connection->deadline(), std::nullopt);  // still
  client.connection->expire(seconds(100));
  EXPECT_FALSE(client.outbox.closed);
  server.sessions.handle(reply);
  EXPECT_EQ(client.outbox.resumed, 1);
  client.read_on(seconds(100));
  EXPECT_EQ(server.requested<PublishRequest>().size(), 6U);
  EXPECT_TRUE(client.unread.empty());
}

// What those who are gone have sent is carried out, so it counts.
TEST(ConnectionTest, BytesOfAllClientsThatWaitForPubsubAreLimited) {
  Server server;
  server.limits.max_pending_bytes = 100;
  const mqtt::Publish large{.topic = "a/json/b", .payload = std::string_view(hundred_and_twenty)};
  SessionId gone = 0;
  {
    Client client(server);
    client.connect("gone");
    gone = client.session();
    client.send(large);
  }
  Client other(server);
  other.connect("other", 10);
  other.send(large);
  EXPECT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_FALSE(other.unread.empty());
  EXPECT_EQ(other.connection->deadline(), std::nullopt);  // the silence is ours
  server.sessions.handle(PublishReply{.ticket = {.session = gone, .bytes = 128}, .topic = {}});
  EXPECT_TRUE(server.sessions.takes_requests_again());
  EXPECT_FALSE(server.sessions.takes_requests_again());
  other.read_on();
  EXPECT_TRUE(other.unread.empty());
  EXPECT_EQ(server.requested<PublishRequest>().size(), 2U);
}

class SharedBudgetTest : public ::testing::Test {
 protected:
  SharedBudgetTest() {
    server.limits.max_pending_bytes = 1000;
    greedy.connect("greedy");
    for (int i = 0; i < 100; ++i) greedy.send(small);
  }

  static constexpr mqtt::Publish small{.topic = "a/json/b", .payload = "12345678901234567890"};
  const mqtt::Publish large{.topic = "a/json/b",
                            .payload = std::string_view(hundred_and_twenty).substr(0, 112)};
  Server server;
  Client greedy{server};
};

TEST_F(SharedBudgetTest, WhoIsOverAFairShareWaitsAndNobodyElse) {
  EXPECT_EQ(server.requested<PublishRequest>().size(), 36U);
  EXPECT_FALSE(greedy.unread.empty());
  Client modest(server);
  modest.connect("modest", 10);  // not even its CONNECT waits
  modest.send(mqtt::Publish{.topic = "a/json/b", .payload = "1"});
  modest.send(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = "a/json/b"}}});
  modest.send(mqtt::Pingreq{});
  EXPECT_TRUE(modest.unread.empty());
  EXPECT_EQ(modest.outbox.written, bytes_of(mqtt::Pingresp{}));
  EXPECT_EQ(server.requested<PublishRequest>().size(), 37U);
  EXPECT_EQ(server.requested<SubscribeRequest>().size(), 1U);
}

TEST_F(SharedBudgetTest, WhoWaitsReadsOnWhenTheOthersSharesAreAllThatIsLeft) {
  std::list<Client> others;
  for (const std::string name : {"a", "b", "c"}) {
    others.emplace_back(server).connect(name);
    others.back().send(large);
  }
  // All shares together are half of 1,000 bytes, so that there is an end of waiting.
  const auto asked = server.requested<PublishRequest>();
  ASSERT_EQ(asked.size(), 39U);
  for (std::size_t i = 0; i < 31; ++i) {
    EXPECT_EQ(server.requested<PublishRequest>().size(), 39U) << i;
    server.answer(asked[i]);
    EXPECT_EQ(greedy.outbox.resumed, static_cast<int>(i) + 1);
    greedy.read_on();
  }
  EXPECT_GT(server.requested<PublishRequest>().size(), 39U);
}

// By address, as these have no login; those from loopback, of whom one may be a proxy, one by one.
TEST_F(SharedBudgetTest, WhoLeavesAndComesBackGainsNothingAndTakesNothingFromOthers) {
  server.limits.anonymous = Anonymous::from_everywhere;
  Peer attacker = elsewhere(false);
  attacker.party = "192.0.2.1";
  int asked = 0;
  for (int i = 0; i < 50; ++i) {
    Client client(server, attacker);
    client.connect("");
    client.send(small);
    asked += client.unread.empty() ? 1 : 0;
  }
  EXPECT_EQ(asked, 250 / 28) << "of half of the budget, with two parties";
  Peer bystander = attacker;
  bystander.party = "192.0.2.2";
  Client modest(server, bystander);
  modest.connect("modest");
  for (int i = 0; i < 5; ++i) modest.send(small);
  EXPECT_TRUE(modest.unread.empty());
}

TEST_F(SharedBudgetTest, AnAccountHasOneShareWhereverItComesFrom) {
  const auto log_in = [&](Client& client) {
    client.send(mqtt::Connect{.client_identifier = "", .user_name = "juliet", .password = "secret"});
    client.connection->receive(LoginReply{.connection = client.id, .account = "juliet@host"});
    client.outbox.take();
  };
  Client first(server);
  log_in(first);
  for (int i = 0; i < 20; ++i) first.send(small);
  EXPECT_FALSE(first.unread.empty());
  Client second(server, elsewhere(true));
  log_in(second);
  second.send(small);
  EXPECT_FALSE(second.unread.empty());
}

// One packet that comes in pieces is no way around.
TEST_F(SharedBudgetTest, ALargePacketWaitsAlsoWhereItBegan) {
  Client modest(server);
  modest.connect("modest", 10);
  const std::string large(600, '1');
  const std::string packet = bytes_of(mqtt::Publish{.topic = "a/json/b", .payload = std::string_view(large)});
  modest.receive(packet.substr(0, 1));
  modest.receive(packet.substr(1));
  EXPECT_FALSE(modest.unread.empty());
  EXPECT_EQ(server.requested<PublishRequest>().size(), 36U);
}

TEST(ConnectionTest, BytesThatWaitForPubsubAreLimitedToo) {
  Server server;
  server.limits.max_pending_publish_bytes = 100;
  Client client(server);
  client.connect("meter");
  const std::string payload(60, '1');
  for (int i = 0; i < 3; ++i) client.send(mqtt::Publish{.topic = "a/json/b", .payload = payload});
  EXPECT_EQ(server.requested<PublishRequest>().size(), 2U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
