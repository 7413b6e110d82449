// `$SYS/...` on the network thread: who is sent what of it (docs/mapping.md, "What the server says of itself").
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

constexpr const char* uptime = "$SYS/broker/uptime";
constexpr const char* version = "$SYS/broker/version";

class SystemTopicsTest : public testing::Test {
 protected:
  void subscribe(Client& to, mqtt::SubscriptionRequest request, bool may_read_system = false,
                 const std::string& properties = {}) {
    to.send(mqtt::Subscribe{
        .packet_identifier = 1, .subscriptions = {request}, .properties = mqtt::Properties(properties)});
    const auto asked = server.requested<SubscribeRequest>().back();
    server.sessions.handle(SubscribeReply{.ticket = asked.ticket,
                                          .subscriptions = asked.subscriptions,
                                          .results = {mqtt::granted(request.qos)},
                                          .may_read_system = may_read_system});
  }

  void publish(std::vector<SystemPublished::Message> messages, std::vector<SessionId> readers) {
    server.sessions.handle(SystemPublished{.messages = std::move(messages), .readers = std::move(readers)});
  }

  // A word for each: topic, payload, "retained".
  std::vector<std::string> messages(Client& of) {
    const std::string bytes = of.outbox.take();
    std::vector<std::string> words;
    for (const auto& packet : packets_in(bytes, of.level)) {
      const auto* publish = std::get_if<mqtt::Publish>(&packet);
      if (publish == nullptr) continue;
      EXPECT_EQ(publish->qos, mqtt::QoS::at_most_once);
      words.push_back(std::string(publish->topic) + ' ' + std::string(publish->payload) +
                      (publish->retain ? " retained" : ""));
    }
    return words;
  }

  using Words = std::vector<std::string>;

  Server server;
  Client client{server};
};

TEST_F(SystemTopicsTest, AreRetainedForWhoeverSubscribesLater) {
  publish({{uptime, "1"}, {version, "x"}}, {});
  publish({{uptime, "2"}}, {});
  client.connect("client");
  subscribe(client, {.topic_filter = uptime, .qos = mqtt::QoS::exactly_once});
  EXPECT_EQ(messages(client), Words{"$SYS/broker/uptime 2 retained"});
  subscribe(client, {.topic_filter = "$SYS/#"});
  EXPECT_EQ(messages(client), (Words{"$SYS/broker/uptime 2 retained", "$SYS/broker/version x retained"}));
}

TEST_F(SystemTopicsTest, ComeToReadersWithoutTheFlag) {
  client.connect("client");
  subscribe(client, {.topic_filter = "$SYS/+/uptime"});
  client.outbox.take();
  publish({{uptime, "1"}, {version, "x"}}, {client.session()});
  EXPECT_EQ(messages(client), Words{"$SYS/broker/uptime 1"});
  publish({{uptime, "2"}}, {});
  EXPECT_EQ(messages(client), Words{}) << "no reader any more";
}

TEST_F(SystemTopicsTest, AreGoneWhenNothingStandsThere) {
  publish({{uptime, "1"}}, {});
  client.connect("client");
  subscribe(client, {.topic_filter = uptime});
  client.outbox.take();
  publish({{uptime, ""}}, {client.session()});
  EXPECT_EQ(messages(client), Words{"$SYS/broker/uptime "});
  subscribe(client, {.topic_filter = uptime});
  EXPECT_EQ(messages(client), Words{});
}

// Prosody's thread judges accounts, and the network thread knows where a client without one comes from.
TEST_F(SystemTopicsTest, AreNotForClientsWithoutLoginFromElsewhere) {
  server.limits.anonymous = Anonymous::from_everywhere;
  publish({{uptime, "1"}}, {});
  Client stranger(server, elsewhere(false));
  stranger.connect("stranger");
  subscribe(stranger, {.topic_filter = uptime});
  publish({{uptime, "2"}}, {stranger.session()});
  EXPECT_EQ(messages(stranger), Words{});
}

TEST_F(SystemTopicsTest, AreNotForWhoTakesOverASessionFromElsewhere) {
  server.limits.anonymous = Anonymous::from_everywhere;
  client.connect_again("client");
  subscribe(client, {.topic_filter = uptime});
  client.lose();
  Client stranger(server, elsewhere(false));
  stranger.connect_again("client");
  publish({{uptime, "1"}}, {stranger.session()});
  EXPECT_EQ(messages(stranger), Words{});
}

TEST_F(SystemTopicsTest, WaitForNobody) {
  client.connect_again("client");
  subscribe(client, {.topic_filter = uptime, .qos = mqtt::QoS::at_least_once});
  const SessionId session = client.session();
  client.lose();
  publish({{uptime, "1"}}, {session});
  Client again(server);
  again.connect_again("client");
  EXPECT_EQ(messages(again), Words{});
  publish({{uptime, "2"}}, {session});
  EXPECT_EQ(messages(again), Words{"$SYS/broker/uptime 2"});
}

TEST_F(SystemTopicsTest, ComeAsTheOptionsOfASubscriptionSay) {
  publish({{uptime, "1"}}, {});
  client.level = mqtt::ProtocolLevel::mqtt_5;
  client.connect("client");
  const mqtt::SubscriptionRequest request{.topic_filter = uptime,
                                          .retain_as_published = true,
                                          .retain_handling = mqtt::RetainHandling::new_subscription};
  subscribe(client, request);
  EXPECT_EQ(messages(client), Words{"$SYS/broker/uptime 1 retained"});
  subscribe(client, request);
  EXPECT_EQ(messages(client), Words{}) << "it was subscribed already";
  publish({{uptime, "2"}}, {client.session()});
  EXPECT_EQ(messages(client), Words{"$SYS/broker/uptime 2 retained"});
  subscribe(client, {.topic_filter = "$SYS/#", .retain_handling = mqtt::RetainHandling::never}, false,
            encoded({{mqtt::PropertyIdentifier::subscription_identifier, 7U}}));
  EXPECT_EQ(messages(client), Words{});
  publish({{uptime, "3"}}, {client.session()});
  const std::string bytes = client.outbox.take();
  EXPECT_EQ(
      packet_in<mqtt::Publish>(bytes).properties.integer(mqtt::PropertyIdentifier::subscription_identifier),
      7U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
