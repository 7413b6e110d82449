// Answers to requests below `$pubsub/` on the network thread: who is sent them (docs/mapping.md, "History and lists
// over MQTT").
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;

class ResponsesTest : public testing::Test {
 protected:
  ResponsesTest() { client.level = mqtt::ProtocolLevel::mqtt_5; }

  // To a session that is kept.
  static void come_back(Client& who) {
    const auto properties = encoded({{Id::session_expiry_interval, 100U}});
    who.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                           .clean_session = false,
                           .client_identifier = "client",
                           .properties = mqtt::Properties(properties)});
    who.outbox.take();
  }

  mqtt::Reason subscribe(const std::string& filter = "$pubsub/reply/#", const std::string& properties = {}) {
    client.send(mqtt::Subscribe{.packet_identifier = 1,
                                .subscriptions = {{.topic_filter = filter}},
                                .properties = mqtt::Properties(properties)});
    server.answer(server.requested<SubscribeRequest>().back());
    written = client.outbox.take();
    return packet_in<mqtt::Suback>(written, client.level).reasons.at(0);
  }

  PublishRequest ask(mqtt::QoS qos = mqtt::QoS::at_least_once) {
    client.send(mqtt::Publish{.topic = "$pubsub/nodes", .qos = qos, .packet_identifier = 5});
    return server.requested<PublishRequest>().back();
  }

  void answer(const PublishRequest& request, const std::string& payload = "{}") {
    PublishReply reply;
    reply.ticket = request.ticket;
    reply.topic = request.publication.topic;
    reply.response = Publication{.topic = "$pubsub/reply/a",
                                 .payload = payload,
                                 .envelope = {.properties = std::make_shared<const std::string>(encoded(
                                                  {{.identifier = Id::correlation_data, .value = "7"}}))}};
    server.sessions.handle(std::move(reply));
  }

  // What was written is an answer, and behind it, or alone, PUBACK.
  std::optional<mqtt::Publish> answered(mqtt::Reason puback = mqtt::Reason::success) {
    written = client.outbox.take();
    const auto packets = packets_in(written);
    EXPECT_LE(packets.size(), 2U);
    EXPECT_EQ(std::get<mqtt::Puback>(packets.back()).reason, puback);
    const auto* publish = std::get_if<mqtt::Publish>(&packets.front());
    return publish == nullptr ? std::nullopt : std::optional(*publish);
  }

  Server server;
  Client client{server};
  std::string written;
};

TEST_F(ResponsesTest, ComeBeforePubackAtQos0) {
  client.connect("client");
  subscribe("$pubsub/reply/#", encoded({{Id::subscription_identifier, 3U}}));
  answer(ask());
  const auto publish = answered();
  ASSERT_TRUE(publish);
  EXPECT_EQ(publish->topic, "$pubsub/reply/a");
  EXPECT_EQ(publish->payload, "{}");
  EXPECT_EQ(publish->qos, mqtt::QoS::at_most_once);
  EXPECT_FALSE(publish->retain);
  EXPECT_EQ(publish->properties.bytes(Id::correlation_data), "7");
  EXPECT_EQ(publish->properties.integer(Id::subscription_identifier), 3U);
}

TEST_F(ResponsesTest, AreForWhoSubscribesToThem) {
  client.connect("client");
  answer(ask());
  EXPECT_FALSE(answered(mqtt::Reason::no_matching_subscribers));
  subscribe("$pubsub/reply/b");
  answer(ask());
  EXPECT_FALSE(answered(mqtt::Reason::no_matching_subscribers));
  subscribe("$pubsub/reply/+");
  answer(ask());
  EXPECT_TRUE(answered());
}

TEST_F(ResponsesTest, AreForTheConnectionThatHasAsked) {
  come_back(client);
  subscribe();
  const auto asked = ask();
  client.lose();
  Client again(server);
  come_back(again);
  answer(asked);
  EXPECT_EQ(again.outbox.take(), "");
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(ResponsesTest, ARequestSaysHowLargeAPacketItsClientTakes) {
  const auto properties = encoded({{Id::maximum_packet_size, 1000U}});
  client.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                            .client_identifier = "client",
                            .properties = mqtt::Properties(properties)});
  client.outbox.take();
  EXPECT_EQ(ask().max_packet_size, 1000U);
  subscribe();
  answer(ask(), std::string(1000, 'x'));
  EXPECT_FALSE(answered(mqtt::Reason::quota_exceeded));
}

TEST_F(ResponsesTest, AreSentBehindWhatTheClientHasYetToTake) {
  client.connect("client");
  subscribe();
  client.outbox.stalled = 2 * server.limits.max_outbound_bytes;
  answer(ask());
  EXPECT_TRUE(answered());
}

TEST_F(ResponsesTest, WhoReadsNoneOfThemIsNotReadFrom) {
  client.connect("client");
  subscribe();
  client.outbox.stalled = 2 * server.limits.max_outbound_bytes + 1;
  client.send(
      mqtt::Publish{.topic = "$pubsub/nodes", .qos = mqtt::QoS::at_least_once, .packet_identifier = 5});
  EXPECT_EQ(server.requested<PublishRequest>().size(), 0U);
}

TEST_F(ResponsesTest, ClientsOf3_1_1CannotSubscribeToThem) {
  client.level = mqtt::ProtocolLevel::mqtt_3_1_1;
  client.connect("client");
  EXPECT_EQ(subscribe(), mqtt::Reason::unspecified_error);
  EXPECT_EQ(ask().max_packet_size, 0U);
}

TEST_F(ResponsesTest, TheirFiltersCountTowardsMqttMaxSubscriptions) {
  server.limits.max_subscriptions = 1;
  client.connect("client");
  EXPECT_EQ(subscribe("$pubsub/reply/a"), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(subscribe("$pubsub/reply/b"), mqtt::Reason::quota_exceeded);
}

}  // namespace
}  // namespace pubsub_mqtt::session
