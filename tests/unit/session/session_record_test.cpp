// A session is a value: what is taken out of one gateway goes on in another.
#include "record/session_record.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "protocol/repeated_lines.h"
#include "routing/audiences.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

constexpr auto as_json = static_cast<std::size_t>(topic::Type::json);
constexpr NodeId the_node = 7;

class SessionRecordTest : public testing::Test {
 protected:
  SessionRecordTest() {
    client.connect_again("meter");
    server.sessions.handle(NodeOpened{.node = the_node, .host = "h", .name = "n"});
    subscribe("h/json/n", QoS::exactly_once);
  }

  void subscribe(const std::string& filter, QoS qos) {
    client.send(
        mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = filter, .qos = qos}}});
    server.answer(server.requested<SubscribeRequest>().back());
    AudienceChange change{.node = the_node, .session = client.session(), .selection = {}};
    change.selection.by_form[as_json] = qos;
    server.sessions.handle(change);
  }

  void publish(const std::string& payload, QoS qos) {
    ItemPublished item{
        .node = the_node, .natural_type = topic::Type::json, .payloads = {}, .envelope = {.qos = qos}};
    item.payloads[as_json] = payload;
    server.sessions.handle(std::move(item));
  }

  SessionRecord& record() { return server.sessions.find(client.session())->record(); }

  Server server;
  Client client{server};
};

TEST_F(SessionRecordTest, KnowsWhatTheSessionIsSubscribedTo) {
  subscribe("h/utf8/n", QoS::at_least_once);
  subscribe("h/json/n", QoS::at_most_once);  // replaces the first [MQTT-3.8.4-3]
  const auto& subscriptions = record().subscriptions;
  EXPECT_EQ(subscriptions.size(), 2U);
  ASSERT_NE(subscriptions.find("h/json/n"), nullptr);
  EXPECT_EQ(subscriptions.find("h/json/n")->qos, QoS::at_most_once);
  EXPECT_EQ(subscriptions.find("h/utf8/n")->qos, QoS::at_least_once);
  EXPECT_EQ(subscriptions.find("h/json/m"), nullptr);
}

TEST_F(SessionRecordTest, ForgetsWhatIsUnsubscribedOrRefused) {
  subscribe("h/utf8/n", QoS::at_least_once);
  client.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {"h/utf8/n", "never"}});
  const auto request = server.requested<UnsubscribeRequest>().back();
  server.sessions.handle(UnsubscribeReply{.ticket = request.ticket, .topic_filters = request.topic_filters});
  EXPECT_EQ(record().subscriptions.size(), 1U);
  const auto again = server.requested<SubscribeRequest>().front();
  server.sessions.handle(SubscribeReply{.ticket = again.ticket,
                                        .subscriptions = again.subscriptions,
                                        .results = {mqtt::Reason::not_authorized}});
  EXPECT_EQ(record().subscriptions.size(), 0U);
}

// In flight, queued and received are as they were; packet identifiers go on from where they were.
TEST_F(SessionRecordTest, GoesOnInAnotherGateway) {
  server.limits.max_inflight = 1;
  publish("1", QoS::exactly_once);
  publish("2", QoS::at_least_once);
  client.send(
      mqtt::Publish{.topic = "h/json/o", .payload = "3", .qos = QoS::exactly_once, .packet_identifier = 9});
  server.answer();
  client.lose();

  Server other;
  SessionTable table;
  SharedGroups groups;
  Audiences audiences(table, groups, other.limits);
  RepeatedLines repeated_lines(other.log);
  Shared shared{.limits = other.limits,
                .requests = other.requests,
                .log = other.log,
                .repeated_lines = repeated_lines,
                .sessions = table,
                .audiences = audiences};
  Session& session = table.create(std::move(record()), shared);
  EXPECT_EQ(shared.queued_bytes, session.record().outgoing.queued_bytes());
  EXPECT_GT(shared.queued_bytes, 0U);
  EXPECT_EQ(session.key().client_identifier, "meter");
  EXPECT_NE(session.record().subscriptions.find("h/json/n"), nullptr);

  TestOutbox outbox;
  session.attach({.connection = 1, .outbox = &outbox, .address = "192.0.2.1:1", .will = nullptr});
  NodeOpened opened{.node = the_node, .host = "h", .name = "n"};
  audiences.carry_out(opened);
  AudienceChange change{.node = the_node, .session = session.id(), .selection = {}};
  change.selection.by_form[as_json] = QoS::exactly_once;
  audiences.carry_out(change);
  session.resume();
  EXPECT_EQ(outbox.take(),
            bytes_of(mqtt::Publish{.topic = "h/json/n",
                                   .payload = "1",
                                   .qos = QoS::exactly_once,
                                   .dup = true,
                                   .packet_identifier = 1}) +
                bytes_of(mqtt::Publish{
                    .topic = "h/json/n", .payload = "2", .qos = QoS::at_least_once, .packet_identifier = 2}));
  EXPECT_EQ(shared.queued_bytes, 0U);
  // The duplicate of what the client sent is not published again [MQTT-4.3.3-2].
  session.receive(mqtt::Publish{
      .topic = "h/json/o", .payload = "3", .qos = QoS::exactly_once, .dup = true, .packet_identifier = 9});
  EXPECT_TRUE(other.requested<PublishRequest>().empty());
  EXPECT_EQ(outbox.take(), bytes_of(mqtt::Pubrec{.packet_identifier = 9}));
}

}  // namespace
}  // namespace pubsub_mqtt::session
