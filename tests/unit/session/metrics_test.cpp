// What the network thread counts of sessions (docs/metrics.md).
#include <gtest/gtest.h>

#include <string>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    client.connect("client");
    client.send(mqtt::Subscribe{.packet_identifier = 1,
                                .subscriptions = {{.topic_filter = "h/utf8/n", .qos = QoS::exactly_once}}});
    server.answer(server.requested<SubscribeRequest>().back());
    server.sessions.handle(NodeOpened{.node = 1, .host = "h", .name = "n"});
    AudienceChange change{.node = 1, .session = client.session(), .selection = {}};
    change.selection.by_form[topic::Form(topic::Type::utf8).index()] = QoS::exactly_once;
    server.sessions.handle(change);
    client.outbox.take();
  }

  void deliver(QoS qos, const std::string& payload, Time expires_at = Time::max()) {
    ItemPublished item{.node = 1,
                       .natural_type = topic::Type::utf8,
                       .payloads = {},
                       .envelope = {.qos = qos, .expires_at = expires_at}};
    item.payloads[topic::Form(topic::Type::utf8).index()] = payload;
    server.sessions.handle(std::move(item));
  }

  std::uint64_t dropped(Dropped why) const {
    return server.sessions.metrics().counters.dropped[static_cast<std::size_t>(why)];
  }

  Server server;
  Client client{server};
};

TEST_F(MetricsTest, PacketsAndMessagesFromClients) {
  const Counters before = server.sessions.metrics().counters;
  EXPECT_EQ(before.received_packets, 2U);
  EXPECT_EQ(before.connects, 1U);
  const mqtt::Publish publish{
      .topic = "h/utf8/n", .payload = "12345", .qos = QoS::at_least_once, .packet_identifier = 2};
  client.send(publish);
  client.send(mqtt::Pingreq{});
  const Counters now = server.sessions.metrics().counters;
  EXPECT_EQ(now.received_packets, 4U);
  EXPECT_EQ(now.received_bytes - before.received_bytes, bytes_of(publish).size() + 2);
  EXPECT_EQ(now.received.by_qos()[1].messages, 1U);
  EXPECT_EQ(now.received.by_qos()[1].bytes, 5U);
  EXPECT_EQ(now.received.by_qos()[0].messages, 0U);
}

TEST_F(MetricsTest, MessagesToClientsAndWhatIsInFlight) {
  for (const auto qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) deliver(qos, "123");
  const Metrics metrics = server.sessions.metrics();
  for (const auto& count : metrics.counters.sent.by_qos()) {
    EXPECT_EQ(count.messages, 1U);
    EXPECT_EQ(count.bytes, 3U);
  }
  EXPECT_EQ(metrics.present.in_flight, 2U);
  EXPECT_EQ(metrics.present.queued_messages, 0U);
}

TEST_F(MetricsTest, WhatWaitsAndWhatIsDropped) {
  server.limits.max_inflight = 1;
  server.limits.max_queued_messages_in_memory = 1;
  server.limits.max_outbound_bytes = 100;
  for (int i = 0; i < 4; ++i) deliver(QoS::at_least_once, "1");
  EXPECT_EQ(dropped(Dropped::queue_full), 2U);
  const Present present = server.sessions.metrics().present;
  EXPECT_EQ(present.queued_messages, 1U);
  EXPECT_EQ(present.queued_bytes, std::string("h/utf8/n1").size());
  client.outbox.stalled = 100;
  deliver(QoS::at_most_once, "1");
  EXPECT_EQ(dropped(Dropped::too_slow), 1U);
  server.sessions.look(Time(1000));
  deliver(QoS::at_most_once, "1", Time(999));
  EXPECT_EQ(dropped(Dropped::expired), 1U);
}

TEST_F(MetricsTest, WhatIsTooLarge) {
  Client small(server);
  small.level = mqtt::ProtocolLevel::mqtt_5;
  const std::string properties = encoded({{mqtt::PropertyIdentifier::maximum_packet_size, 30U}});
  small.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                           .client_identifier = "small",
                           .properties = mqtt::Properties(properties)});
  AudienceChange change{.node = 1, .session = small.session(), .selection = {}};
  change.selection.by_form[topic::Form(topic::Type::utf8).index()] = QoS::at_most_once;
  server.sessions.handle(change);
  deliver(QoS::at_most_once, std::string(100, 'x'));
  EXPECT_EQ(dropped(Dropped::too_large), 1U);
}

TEST_F(MetricsTest, SessionsAndTheirFilters) {
  Client away(server);
  away.connect_again("away");
  away.send(mqtt::Subscribe{
      .packet_identifier = 1,
      .subscriptions = {{.topic_filter = "h/utf8/#"}, {.topic_filter = "$share/g/h/utf8/#"}}});
  server.answer(server.requested<SubscribeRequest>().back());
  away.lose();
  const Present present = server.sessions.metrics().present;
  EXPECT_EQ(present.connected, 1U);
  EXPECT_EQ(present.away, 1U);
  EXPECT_EQ(present.subscriptions, 2U);
  EXPECT_EQ(present.shared_subscriptions, 1U);
  EXPECT_EQ(present.shared_groups, 1U);
  server.sessions.meet_deadlines(*server.sessions.deadline());
  EXPECT_EQ(server.sessions.metrics().present.away, 0U);
  EXPECT_EQ(server.sessions.metrics().counters.expired_sessions, 1U);
}

TEST_F(MetricsTest, ConnectsThatAreRefused) {
  server.limits.anonymous = Anonymous::from_nowhere;
  Client stranger(server);
  stranger.connect("stranger");
  const Counters counters = server.sessions.metrics().counters;
  EXPECT_EQ(counters.refused_connects.of(mqtt::Reason::not_authorized), 1U);
  EXPECT_EQ(counters.connects, 2U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
