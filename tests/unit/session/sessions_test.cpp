#include "pubsub_mqtt/session/sessions.h"

#include <gtest/gtest.h>

#include <chrono>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

constexpr auto json = static_cast<std::size_t>(topic::Type::json);
constexpr auto utf8 = static_cast<std::size_t>(topic::Type::utf8);

Selection select(std::initializer_list<std::size_t> types) {
  Selection selection;
  for (const std::size_t type : types) selection.by_form[type] = mqtt::QoS::at_most_once;
  return selection;
}

ItemPublished item(NodeId node, std::optional<std::string> as_json, std::optional<std::string> as_utf8 = {}) {
  ItemPublished published{.node = node, .payloads = {}};
  published.payloads[json] = std::move(as_json);
  published.payloads[utf8] = std::move(as_utf8);
  return published;
}

class SessionsTest : public ::testing::Test {
 protected:
  SessionsTest() {
    client.connect("meter");
    server.sessions.handle(NodeOpened{.node = 7, .host = "pubsub.example.org", .name = "a/b"});
  }
  Server server;
  Client client{server};
};

TEST_F(SessionsTest, ARequestToSubscribeCarriesTheFiltersInOrder) {
  client.send(mqtt::Subscribe{.packet_identifier = 5,
                              .subscriptions = {{.topic_filter = "a/json/b"},
                                                {.topic_filter = "c", .qos = mqtt::QoS::exactly_once}}});
  const auto requests = server.requested<SubscribeRequest>();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].ticket.session, client.session());
  EXPECT_EQ(requests[0].ticket.packet_identifier, 5);
  ASSERT_EQ(requests[0].subscriptions.size(), 2U);
  EXPECT_EQ(requests[0].subscriptions[1].topic_filter, "c");
  EXPECT_EQ(requests[0].subscriptions[1].qos, mqtt::QoS::exactly_once);

  const std::vector codes{mqtt::Reason::granted_qos_0, mqtt::Reason::unspecified_error};
  server.sessions.handle(
      SubscribeReply{.ticket = requests[0].ticket,
                     .subscriptions = requests[0].subscriptions,
                     .results = {mqtt::Reason::granted_qos_0, mqtt::Reason::not_authorized}});
  EXPECT_EQ(client.outbox.written, bytes_of(mqtt::Suback{.packet_identifier = 5, .reasons = codes}));
}

TEST_F(SessionsTest, UnsubscribeIsAnsweredWithItsIdentifier) {
  client.send(mqtt::Unsubscribe{.packet_identifier = 9, .topic_filters = {"a/json/b"}});
  const auto requests = server.requested<UnsubscribeRequest>();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].topic_filters, std::vector<std::string>{"a/json/b"});
  server.sessions.handle(
      UnsubscribeReply{.ticket = requests[0].ticket, .topic_filters = requests[0].topic_filters});
  EXPECT_EQ(client.outbox.written, bytes_of(mqtt::Unsuback{.packet_identifier = 9}));
}

TEST_F(SessionsTest, RepliesToAnotherConnectionAreDropped) {
  server.sessions.handle(
      UnsubscribeReply{.ticket = {.session = client.session(), .connection = 1000, .packet_identifier = 9},
                       .topic_filters = {}});
  EXPECT_TRUE(client.outbox.written.empty());
}

TEST_F(SessionsTest, AnItemReachesItsAudienceOnTheTopicOfEachType) {
  server.sessions.handle(
      AudienceChange{.node = 7, .session = client.session(), .selection = select({json, utf8})});
  server.sessions.handle(item(7, "1", "one"));
  EXPECT_EQ(client.outbox.written,
            bytes_of(mqtt::Publish{.topic = "pubsub.example.org/json/a/b", .payload = "1"}) +
                bytes_of(mqtt::Publish{.topic = "pubsub.example.org/utf8/a/b", .payload = "one"}));
}

TEST_F(SessionsTest, ATypeThatTheItemDoesNotHaveIsSkipped) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  server.sessions.handle(item(7, std::nullopt, "one"));
  EXPECT_TRUE(client.outbox.written.empty());
}

TEST_F(SessionsTest, AnEmptyPayloadIsAMessage) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({utf8})});
  server.sessions.handle(item(7, std::nullopt, ""));
  EXPECT_EQ(client.outbox.written, bytes_of(mqtt::Publish{.topic = "pubsub.example.org/utf8/a/b"}));
}

TEST_F(SessionsTest, AnEmptySelectionEndsTheDelivery) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = {}});
  server.sessions.handle(item(7, "1"));
  EXPECT_TRUE(client.outbox.written.empty());
}

TEST_F(SessionsTest, AClosedNodeHasNoAudience) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  server.sessions.handle(NodeClosed{.node = 7});
  server.sessions.handle(item(7, "1"));
  EXPECT_TRUE(client.outbox.written.empty());
}

TEST_F(SessionsTest, ASessionThatIsOverIsNeverMistakenForItsSuccessor) {
  const SessionId over = client.session();
  server.sessions.handle(AudienceChange{.node = 7, .session = over, .selection = select({json})});
  client.connection.reset();
  Client next(server);
  next.connect("meter");
  ASSERT_NE(next.session(), over);
  server.sessions.handle(item(7, "1"));
  server.sessions.handle(PublishReply{.ticket = {.session = over, .bytes = 1}, .topic = {}});
  EXPECT_TRUE(next.outbox.written.empty());
}

TEST_F(SessionsTest, LargeMessagesArriveWhole) {
  const std::string payload(100000, 'x');
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  server.sessions.handle(item(7, payload));
  EXPECT_EQ(client.outbox.written,
            bytes_of(mqtt::Publish{.topic = "pubsub.example.org/json/a/b", .payload = payload}));
}

TEST_F(SessionsTest, MessagesBeyondTheOutboundLimitAreDroppedCountedAndLoggedOnce) {
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  client.outbox.stalled = server.limits.max_outbound_bytes;
  for (int i = 0; i < 3; ++i) server.sessions.handle(item(7, "1"));
  EXPECT_TRUE(client.outbox.written.empty());
  EXPECT_EQ(server.lines("mqtt_max_outbound_bytes"), 1U);

  client.outbox.stalled = 0;
  server.sessions.handle(item(7, "2"));
  EXPECT_FALSE(client.outbox.written.empty());
  client.connection.reset();
  EXPECT_TRUE(server.logged("3 messages were dropped"));
}

TEST_F(SessionsTest, AMessageIsAlwaysAdmittedToAnEmptyQueue) {
  server.limits.max_outbound_bytes = 10;
  server.sessions.handle(AudienceChange{.node = 7, .session = client.session(), .selection = select({json})});
  server.sessions.handle(item(7, std::string(1000, 'x')));
  EXPECT_GT(client.outbox.written.size(), 1000U);
}

TEST(LackOfMemory, IsLoggedOnceAMinuteWithTheNumberOfConnections) {
  Server server;
  for (int i = 0; i < 3; ++i) server.sessions.lacked_memory();
  server.sessions.expire(Time(0));
  EXPECT_TRUE(server.logged("MQTT connections were closed for lack of memory: 3."));
  server.sessions.lacked_memory();
  server.sessions.expire(std::chrono::seconds(59));
  EXPECT_EQ(server.lines("lack of memory"), 1U);
  server.sessions.expire(std::chrono::seconds(60));
  EXPECT_TRUE(server.logged("MQTT connections were closed for lack of memory: 1."));
}

}  // namespace
}  // namespace pubsub_mqtt::session
