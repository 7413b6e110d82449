// Messages to the groups of shared subscriptions (MQTT 5.0, 4.8.2): one member gets each, and what a member leaves
// behind goes to others.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.h"
#include "routing/audiences.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using Level = mqtt::ProtocolLevel;

constexpr NodeId shared_node = 7;
constexpr auto type_of_node = topic::Type::json;
const std::string group_filter = "$share/g/h/json/n";

class SharedSubscriptionTest : public ::testing::Test {
 protected:
  SharedSubscriptionTest() {
    server.sessions.handle(NodeOpened{.node = shared_node, .host = "h", .name = "n"});
  }

  // A client that is a member of the group, with the right to the node.
  std::unique_ptr<Client> join(const std::string& name, QoS qos = QoS::at_least_once,
                               Level level = Level::mqtt_3_1_1) {
    auto client = std::make_unique<Client>(server);
    client->level = level;
    client->connect_again(name);
    may(*client, true);
    subscribe(*client, {{.topic_filter = group_filter, .qos = qos}});
    return client;
  }

  std::unique_ptr<Client> come_back(const std::string& name) {
    auto client = std::make_unique<Client>(server);
    client->connect_again(name);
    return client;
  }

  // The session is given the node's items in a group, or not any more; and by itself, at this QoS.
  void may(const Client& client, bool share, std::optional<QoS> alone = std::nullopt) {
    AudienceChange change{.node = shared_node, .session = client.session(), .selection = {}};
    change.shared.natural = share;
    change.selection.natural = alone;
    server.sessions.handle(change);
  }

  void subscribe(Client& client, std::vector<mqtt::SubscriptionRequest> filters,
                 std::string_view properties = {}) {
    client.send(mqtt::Subscribe{.packet_identifier = 1,
                                .subscriptions = std::move(filters),
                                .properties = mqtt::Properties(properties)});
    server.answer(server.requested<SubscribeRequest>().back());
    client.outbox.take();
  }

  void unsubscribe(Client& client) {
    client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {group_filter}});
    const auto request = server.requested<UnsubscribeRequest>().back();
    may(client, false);
    server.sessions.handle(
        UnsubscribeReply{.ticket = request.ticket, .topic_filters = request.topic_filters});
    client.outbox.take();
  }

  void publish(std::string payload, Envelope envelope = {.qos = QoS::exactly_once}) {
    ItemPublished item{
        .node = shared_node, .natural_type = type_of_node, .payloads = {}, .envelope = std::move(envelope)};
    item.payloads[static_cast<std::size_t>(type_of_node)] = std::move(payload);
    server.sessions.handle(std::move(item));
  }

  // The messages that have come, as "payload/QoS", with + where DUP is set.
  static std::string received(Client& client) {
    std::string all;
    const std::string bytes = client.outbox.take();
    for (const auto& packet : packets_in(bytes, client.level)) {
      const auto* message = std::get_if<mqtt::Publish>(&packet);
      if (message == nullptr) continue;
      all += std::string(message->payload) + '/' + std::to_string(static_cast<int>(message->qos)) +
             (message->dup ? "+ " : " ");
    }
    return all;
  }

  // Its session ends, as a clean one of the same client takes its place, and ends.
  void end(const std::string& name, Time at = Time(0)) {
    Client(server).send(mqtt::Connect{.client_identifier = name}, at);
  }

  Server server;
};

TEST_F(SharedSubscriptionTest, EachMessageGoesToOneMemberInTurn) {
  auto a = join("a");
  auto b = join("b");
  auto c = join("c");
  for (int i = 0; i < 6; ++i) publish(std::to_string(i));
  EXPECT_EQ(received(*a), "0/1 3/1 ");
  EXPECT_EQ(received(*b), "1/1 4/1 ");
  EXPECT_EQ(received(*c), "2/1 5/1 ");
}

TEST_F(SharedSubscriptionTest, AtTheQosOfTheMemberWhoGetsIt) {  // [MQTT5-4.8.2-3]
  auto a = join("a", QoS::at_most_once);
  auto b = join("b", QoS::exactly_once);
  publish("0");
  publish("1");
  publish("2", {.qos = QoS::at_least_once});
  publish("3", {.qos = QoS::at_least_once});
  EXPECT_EQ(received(*a), "0/0 2/0 ");
  EXPECT_EQ(received(*b), "1/2 3/1 ");
}

TEST_F(SharedSubscriptionTest, WhoMayNotReceiveTheNodeIsPassedOver) {
  auto a = join("a");
  auto b = join("b");
  may(*a, false);
  publish("0");
  publish("1");
  EXPECT_EQ(received(*a), "");
  EXPECT_EQ(received(*b), "0/1 1/1 ");
  may(*b, false);
  publish("2");
  may(*a, true);
  publish("3");
  EXPECT_EQ(received(*a), "3/1 ");
}

TEST_F(SharedSubscriptionTest, EachGroupGetsEachMessageAndSoDoesWhoIsSubscribedAlone) {
  auto a = join("a");
  subscribe(*a, {{.topic_filter = "$share/other/h/json/n", .qos = QoS::at_most_once}});
  may(*a, true, QoS::at_least_once);
  publish("0");
  EXPECT_EQ(received(*a), "0/1 0/0 0/1 ") << "the two groups, and the client itself";
}

TEST_F(SharedSubscriptionTest, TheTopicIsWhatTheFilterOfTheGroupSelects) {
  Client client(server);
  client.connect("client");
  AudienceChange change{.node = shared_node, .session = client.session(), .selection = {}};
  change.shared.by_form = {true, false, false, true};
  server.sessions.handle(change);
  subscribe(client, {{.topic_filter = "$share/g/h/xml/n"}, {.topic_filter = "$share/g/h/json/+"}});
  ItemPublished item{.node = shared_node, .natural_type = type_of_node, .payloads = {"1", {}, {}, "<json/>"}};
  server.sessions.handle(std::move(item));
  std::vector<std::string> topics;
  const std::string bytes = client.outbox.take();
  for (const auto& packet : packets_in(bytes, client.level)) {
    topics.emplace_back(std::get<mqtt::Publish>(packet).topic);
  }
  EXPECT_EQ(topics, (std::vector<std::string>{"h/xml/n", "h/json/n"}));
}

TEST_F(SharedSubscriptionTest, WhoHasNoPlaceInItsWindowIsPassedOver) {
  server.limits.max_inflight = 1;
  auto a = join("a");
  auto b = join("b");
  publish("0");
  publish("1");
  EXPECT_EQ(received(*a), "0/1 ");
  EXPECT_EQ(received(*b), "1/1 ");
  b->send(mqtt::Puback{.packet_identifier = 1});
  publish("2");
  EXPECT_EQ(received(*b), "2/1 ");
  // Nobody has a place: to the shortest queue, in turn where these are equal.
  publish("3");
  publish("4");
  publish("5");
  a->send(mqtt::Puback{.packet_identifier = 1});
  EXPECT_EQ(received(*a), "3/1 ");
  publish("6");
  publish("7");
  b->send(mqtt::Puback{.packet_identifier = 2});
  b->send(mqtt::Puback{.packet_identifier = 3});
  b->send(mqtt::Puback{.packet_identifier = 4});
  EXPECT_EQ(received(*b), "4/1 6/1 ") << "5 and 7 are the other's";
  a->send(mqtt::Puback{.packet_identifier = 2});
  a->send(mqtt::Puback{.packet_identifier = 3});
  EXPECT_EQ(received(*a), "5/1 7/1 ");
}

TEST_F(SharedSubscriptionTest, AtQos0WhoHasMuchToReadIsPassedOver) {
  auto a = join("a", QoS::at_most_once);
  auto b = join("b", QoS::at_most_once);
  a->outbox.stalled = server.limits.max_outbound_bytes / 2;
  publish("0");
  publish("1");
  EXPECT_EQ(received(*a), "");
  EXPECT_EQ(received(*b), "0/0 1/0 ");
  b->outbox.stalled = a->outbox.stalled + 1;
  publish("2");
  EXPECT_EQ(received(*a), "2/0 ");
}

TEST_F(SharedSubscriptionTest, WhoIsAwayGetsOnlyWhatNobodyWhoIsThereCanHave) {
  auto a = join("a");
  auto b = join("b");
  a->lose();
  publish("0");
  publish("1");
  EXPECT_EQ(received(*b), "0/1 1/1 ");
  b->lose();
  publish("2");
  publish("3");
  publish("4", {.qos = QoS::at_most_once});
  auto a_again = come_back("a");
  auto b_again = come_back("b");
  EXPECT_EQ(received(*a_again) + received(*b_again), "2/1 0/1+ 1/1+ 3/1 ");
}

TEST_F(SharedSubscriptionTest, AtQos0NobodyWhoIsAwayGetsAnything) {
  auto a = join("a", QoS::at_most_once);
  a->lose();
  publish("0");
  EXPECT_EQ(received(*come_back("a")), "");
}

TEST_F(SharedSubscriptionTest, WhatWasNotAcknowledgedGoesToOthersWhenTheSessionEnds) {
  auto a = join("a");
  auto b = join("b", QoS::exactly_once);
  publish("0");
  publish("1");
  EXPECT_EQ(received(*a), "0/1 ");
  a->lose();
  EXPECT_EQ(received(*b), "1/2 ") << "not before";
  end("a");
  EXPECT_EQ(received(*b), "0/2 ") << "as a message of its own, not as a duplicate";
  end("b");
}

TEST_F(SharedSubscriptionTest, WhatWasNeverSentGoesToOthersWhenTheSessionEnds) {
  server.limits.max_inflight = 1;
  auto a = join("a");
  for (int i = 0; i < 3; ++i) publish(std::to_string(i));
  EXPECT_EQ(received(*a), "0/1 ");
  auto b = join("b");
  a->lose();
  end("a");
  EXPECT_EQ(received(*b), "0/1 ");
  b->send(mqtt::Puback{.packet_identifier = 1});
  b->send(mqtt::Puback{.packet_identifier = 2});
  EXPECT_EQ(received(*b), "1/1 2/1 ");
}

TEST_F(SharedSubscriptionTest, WhatIsInFlightAtQos2EndsWithTheSession) {  // [MQTT5-4.8.2-5]
  auto a = join("a", QoS::exactly_once);
  publish("0");
  publish("1");
  a->send(mqtt::Pubrec{.packet_identifier = 1});
  EXPECT_EQ(received(*a), "0/2 1/2 ");
  auto b = join("b");
  a->lose();
  EXPECT_EQ(received(*b), "");
  auto again = come_back("a");
  EXPECT_EQ(received(*again), "1/2+ ") << "[MQTT5-4.8.2-4]";
  end("a");
  EXPECT_EQ(received(*b), "");
}

TEST_F(SharedSubscriptionTest, WhatAMemberDoesNotTakeIsGivenToNobodyElse) {  // [MQTT5-4.8.2-6]
  auto a = join("a", QoS::exactly_once, Level::mqtt_5);
  publish("0", {.qos = QoS::at_least_once});
  publish("1");
  EXPECT_EQ(received(*a), "0/1 1/2 ");
  auto b = join("b");
  a->send(mqtt::Puback{.packet_identifier = 1, .reason = mqtt::Reason::unspecified_error});
  a->send(mqtt::Pubrec{.packet_identifier = 2, .reason = mqtt::Reason::quota_exceeded});
  a->lose();
  end("a");
  EXPECT_EQ(received(*b), "");
}

TEST_F(SharedSubscriptionTest, WhatTheClientHasAloneIsNobodyElses) {
  auto a = join("a");
  may(*a, false, QoS::at_least_once);
  publish("0");
  EXPECT_EQ(received(*a), "0/1 ");
  auto b = join("b");
  a->lose();
  end("a");
  EXPECT_EQ(received(*b), "");
}

TEST_F(SharedSubscriptionTest, WhoeverHasUnsubscribedCompletesWhatWasSent) {  // [MQTT-3.10.4-3]
  auto a = join("a");
  publish("0");
  EXPECT_EQ(received(*a), "0/1 ");
  unsubscribe(*a);
  publish("1");
  EXPECT_EQ(received(*a), "");
  a->lose();
  EXPECT_EQ(received(*come_back("a")), "0/1+ ");
}

TEST_F(SharedSubscriptionTest, WhatWaitsForWhoMayNotHaveItAnyMoreGoesToOthersWhenItComesBack) {
  auto a = join("a");
  a->lose();
  publish("0");
  auto b = join("b");
  may(*a, false);
  EXPECT_EQ(received(*come_back("a")), "");
  EXPECT_EQ(received(*b), "0/1 ");
}

TEST_F(SharedSubscriptionTest, AMemberThatComesBackIsOneStill) {
  auto a = join("a");
  a->lose();
  auto again = come_back("a");
  publish("0");
  EXPECT_EQ(received(*again), "0/1 ");
}

TEST_F(SharedSubscriptionTest, ACopyBearsWhatTheSharedSubscriptionSays) {
  Client client(server);
  client.level = Level::mqtt_5;
  client.connect("client");
  may(client, true, QoS::at_most_once);
  const auto with = [](std::uint32_t identifier) {
    return encoded({{.identifier = mqtt::PropertyIdentifier::subscription_identifier, .value = identifier}});
  };
  subscribe(client, {{.topic_filter = group_filter, .retain_as_published = true}}, with(7));
  subscribe(client, {{.topic_filter = "h/+/n"}}, with(8));
  publish("0", {.retain = true});
  std::vector<std::pair<std::uint32_t, bool>> copies;
  const std::string bytes = client.outbox.take();
  for (const auto& packet : packets_in(bytes)) {
    const auto& copy = std::get<mqtt::Publish>(packet);
    copies.emplace_back(
        copy.properties.integer(mqtt::PropertyIdentifier::subscription_identifier).value_or(0), copy.retain);
  }
  EXPECT_EQ(copies, (std::vector<std::pair<std::uint32_t, bool>>{{7, true}, {8, false}}));
}

TEST_F(SharedSubscriptionTest, WhoTakesNoPacketOfThatSizeIsPassedOver) {
  auto a = std::make_unique<Client>(server);
  a->level = Level::mqtt_5;
  const auto properties =
      encoded({{.identifier = mqtt::PropertyIdentifier::maximum_packet_size, .value = 100U}});
  a->send(mqtt::Connect{
      .level = Level::mqtt_5, .client_identifier = "a", .properties = mqtt::Properties(properties)});
  may(*a, true);
  subscribe(*a, {{.topic_filter = group_filter, .qos = QoS::at_least_once}});
  auto b = join("b");
  publish("0");
  publish(std::string(200, '1'));
  publish(std::string(200, '2'));
  EXPECT_EQ(received(*a), "0/1 ");
  EXPECT_EQ(received(*b).size(), 2 * 203U);
}

TEST_F(SharedSubscriptionTest, ABridgeGetsNothingOfItsOwnInAGroup) {
  Client bridge(server);
  bridge.send(mqtt::Connect{.is_bridge = true, .client_identifier = "bridge"});
  may(bridge, true);
  subscribe(bridge, {{.topic_filter = group_filter}});
  auto b = join("b");
  const PublisherId own = server.sessions.find(bridge.session())->publisher();
  publish("0", {.publisher = own});
  publish("1", {.publisher = own});
  EXPECT_EQ(received(bridge), "");
  EXPECT_EQ(received(*b), "0/0 1/0 ");
}

TEST_F(SharedSubscriptionTest, AccountsHaveGroupsOfTheirOwnWhereTheSettingSaysSo) {
  server.limits.shared_groups = GroupScope::account;
  auto a = join("a");
  auto b = join("b");
  publish("0");
  EXPECT_EQ(received(*a) + received(*b), "0/1 ") << "clients without login share one scope";
}

TEST_F(SharedSubscriptionTest, OnTheDirectWay) {
  auto a = join("a");
  auto b = join("b");
  const auto route = std::make_shared<Route>(shared_node, 1000);
  Client publisher(server);
  publisher.connect("publisher");
  publisher.send(mqtt::Publish{.topic = "h/json/n", .payload = "0"});
  const auto request = server.requested<PublishRequest>().back();
  server.sessions.handle(
      PublishReply{.ticket = request.ticket, .topic = request.publication.topic, .route = route});
  for (const std::string_view payload : {"1", "2", "3"}) {
    publisher.send(mqtt::Publish{
        .topic = "h/json/n", .payload = payload, .qos = QoS::at_least_once, .packet_identifier = 1});
  }
  EXPECT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_EQ(received(*a), "1/1 3/1 ");
  EXPECT_EQ(received(*b), "2/1 ");
}

TEST_F(SharedSubscriptionTest, SomebodyHasItWhereMembersAreAway) {  // PUBACK 0x10 says that nobody has
  auto a = join("a", QoS::at_most_once);
  auto b = join("b", QoS::at_most_once);
  a->lose();
  b->lose();
  auto& audiences = server.sessions.find(a->session())->shared().audiences;
  const DirectWay way{.route = std::make_shared<Route>(shared_node, 1000), .type = type_of_node};
  EXPECT_EQ(audiences.publish(way, {.topic = "h/json/n", .payload = "1"}, {}), 1U);
  may(*a, false);
  may(*b, false);
  EXPECT_EQ(audiences.publish(way, {.topic = "h/json/n", .payload = "1"}, {}), 0U);
}

// Limits of a queue are its member's: what is beyond those of all is dropped, and counted for the one that was chosen.
TEST_F(SharedSubscriptionTest, TheQueueOfAMemberKeepsToItsLimits) {
  server.limits.max_queued_messages_in_memory = 2;
  auto a = join("a");
  auto b = join("b");
  a->lose();
  b->lose();
  for (int i = 0; i < 6; ++i) publish(std::to_string(i));
  EXPECT_EQ(received(*come_back("a")), "0/1 2/1 ");
  EXPECT_EQ(received(*come_back("b")), "1/1 3/1 ");
}

TEST_F(SharedSubscriptionTest, WhatHasExpiredIsNotPassedOn) {
  auto a = join("a");
  a->lose();
  publish("0", {.qos = QoS::at_least_once, .expires_at = std::chrono::seconds(1)});
  auto b = join("b");
  end("a", std::chrono::seconds(2));
  EXPECT_EQ(received(*b), "");
}

}  // namespace
}  // namespace pubsub_mqtt::session
