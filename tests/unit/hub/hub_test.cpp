#include "pubsub_mqtt/hub/hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "../colliding_names.h"
#include "hub_fixture.h"
#include "pubsub_mqtt/payload/large_item.h"

namespace pubsub_mqtt::hub {
namespace {

TEST_F(HubTest, ASubscriberIsPartOfTheAudienceBeforeItsSuback) {
  ask(AskToSubscribe{.session = 1,
                     .connection = 8,
                     .packet_identifier = 5,
                     .filters = {{.topic_filter = "pubsub/json/node"}}});
  ASSERT_EQ(deliveries.size(), 3U);
  const auto& node = std::get<NodeOpened>(deliveries[0]);
  EXPECT_EQ(node.host, "pubsub");
  EXPECT_EQ(node.name, "node");
  const auto& change = std::get<AudienceChange>(deliveries[1]);
  EXPECT_EQ(change.node, node.node);
  EXPECT_EQ(change.session, 1U);
  EXPECT_EQ(change.selection.by_form[json], mqtt::QoS::at_most_once);
  EXPECT_EQ(change.selection.by_form[utf8], std::nullopt);
  const auto& reply = std::get<SubscribeReply>(deliveries[2]);
  EXPECT_EQ(reply.ticket.connection, 8U);
  EXPECT_EQ(reply.ticket.packet_identifier, 5);
  EXPECT_EQ(codes(reply), std::vector{mqtt::Reason::granted_qos_0});
}

TEST_F(HubTest, TheQosAskedForIsGranted) {  // [MQTT-3.8.4-6]
  EXPECT_EQ(subscribe(1, "pubsub/json/node", mqtt::QoS::exactly_once), mqtt::Reason::granted_qos_2);
  EXPECT_EQ(last_of<AudienceChange>().selection.by_form[json], mqtt::QoS::exactly_once);
  // The same filter again replaces it [MQTT-3.8.4-3].
  EXPECT_EQ(subscribe(1, "pubsub/json/node", mqtt::QoS::at_least_once), mqtt::Reason::granted_qos_1);
  EXPECT_EQ(last_of<AudienceChange>().selection.by_form[json], mqtt::QoS::at_least_once);
}

TEST_F(HubTest, WhatIsRefused) {
  for (const std::string filter : {"node", "pubsub/json", "pubsub/nope/node", "elsewhere/json/node",
                                   "pubsub/json/secret", "$share//pubsub/json/node", "pubsub/json/a\x01"}) {
    EXPECT_EQ(subscribe(1, filter), mqtt::Reason::unspecified_error) << filter;
  }
  EXPECT_TRUE(take<AudienceChange>().empty());
}

TEST_F(HubTest, ARefusalIsLoggedOncePerClientAndCause) {
  subscribe(1, "pubsub/json/secret");
  subscribe(1, "pubsub/utf8/secret");
  ASSERT_EQ(service.lines.size(), 1U);
  EXPECT_NE(service.lines[0].find("client 1"), std::string::npos);
  EXPECT_NE(service.lines[0].find("access_model"), std::string::npos);
  open(2);
  subscribe(2, "pubsub/json/secret");
  EXPECT_EQ(service.lines.size(), 2U);
}

TEST_F(HubTest, ATopicCannotForgeALogLine) {
  subscribe(1, "pubsub/json/a\x01\n");
  ASSERT_EQ(service.lines.size(), 1U);
  EXPECT_NE(service.lines[0].find("a\\x01\\x0a"), std::string::npos) << service.lines[0];
}

TEST_F(HubTest, ARefusedSubscribeRemovesWhatWasSubscribed) {
  subscribe(1, "pubsub/json/node");
  service.open["node"] = false;
  EXPECT_EQ(subscribe(1, "pubsub/json/node"), mqtt::Reason::unspecified_error);
  EXPECT_TRUE(last_of<AudienceChange>().selection.empty());
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
}

TEST_F(HubTest, AFilterWaitsForItsNode) {
  EXPECT_EQ(subscribe(1, "pubsub/json/new"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(take<AudienceChange>().empty());
  service.open["new"] = true;
  hub.node_created("pubsub", "new");
  hub.take_deliveries(deliveries);
  EXPECT_FALSE(last_of<AudienceChange>().selection.empty());
}

TEST_F(HubTest, AFilterWaitsForItsHost) {
  service.enabled = false;
  EXPECT_EQ(subscribe(1, "pubsub/json/node"), mqtt::Reason::granted_qos_0);
  EXPECT_TRUE(take<AudienceChange>().empty());
  service.enabled = true;
  hub.node_created("pubsub", "node");
  hub.take_deliveries(deliveries);
  EXPECT_FALSE(last_of<AudienceChange>().selection.empty());
}

TEST_F(HubTest, ARightThatIsWithdrawnStandsBeforeTheNextItem) {
  subscribe(1, "pubsub/json/node");
  deliveries.clear();
  service.open["node"] = false;
  hub.node_changed("pubsub", "node");
  hub.item_published("pubsub", "node", "1",
                     element("<json xmlns='urn:xmpp:json:0'>1</json>").document_element());
  hub.take_deliveries(deliveries);
  ASSERT_EQ(deliveries.size(), 1U);  // nobody is left for the item
  EXPECT_TRUE(std::get<AudienceChange>(deliveries[0]).selection.empty());
}

TEST_F(HubTest, RightsAreAskedOnceForAllSubscribersOfANode) {
  for (SessionId session = 2; session < 50; ++session) {
    open(session);
    subscribe(session, "pubsub/json/node");
  }
  deliveries.clear();
  service.open["node"] = false;
  hub.node_changed("pubsub", "node");
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<AudienceChange>().size(), 48U);
}

TEST_F(HubTest, UnsubscribeClosesANodeThatNobodyListensTo) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/utf8/node");
  deliveries.clear();
  ask(AskToUnsubscribe{
      .session = 1, .packet_identifier = 3, .topic_filters = {"pubsub/json/node", "never/json/asked"}});
  EXPECT_TRUE(take<NodeClosed>().empty());
  EXPECT_EQ(last_of<UnsubscribeReply>().ticket.packet_identifier, 3);
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 4, .topic_filters = {"pubsub/utf8/node"}});
  EXPECT_EQ(take<NodeClosed>().size(), 1U);
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
}

TEST_F(HubTest, ASessionThatEndsLeavesNoFilterBehind) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/json/other");
  ask(CloseSession{.session = 1});
  EXPECT_FALSE(hub.wants_item("pubsub", "node", "1"));
  EXPECT_FALSE(hub.wants_item("pubsub", "other", "1"));
}

TEST_F(HubTest, WhatWasAskedBeforeTheEndIsCarriedOut) {
  std::vector<Request> batch;
  batch.emplace_back(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  batch.emplace_back(CloseSession{.session = 1});
  hub.accept(batch);
  while (hub.step()) {
  }
  EXPECT_EQ(service.published.size(), 1U);
}

TEST_F(HubTest, APublishBecomesAnItem) {
  EXPECT_EQ(publish("pubsub/json/node", "{\"t\":21.5}"), Outcome::accepted);
  ASSERT_EQ(service.published.size(), 1U);
  EXPECT_EQ(service.published[0], "node <json xmlns='urn:xmpp:json:0'>{&quot;t&quot;:21.5}</json>");
}

TEST_F(HubTest, APublishReachesMqttByteForByteAndOtherTypesTranslated) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/xml/node");
  subscribe(1, "pubsub/utf8/node");
  publish("pubsub/json/node", " [1,\r\n2] ");
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(item.payloads[json], " [1,\r\n2] ");
  EXPECT_EQ(item.payloads[utf8], std::nullopt);
  ASSERT_TRUE(item.payloads[xml].has_value());
  EXPECT_EQ(item.payloads[xml]->substr(0, 5), "<json");
  EXPECT_EQ(item.envelope.qos, mqtt::QoS::at_most_once);
}

TEST_F(HubTest, TypesThatNobodyAsksForAreNotTranslated) {
  subscribe(1, "pubsub/utf8/node");
  publish("pubsub/json/node", "1");
  EXPECT_TRUE(take<ItemPublished>().empty());
}

TEST_F(HubTest, AnItemFromXmppReachesItsTypes) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "pubsub/xml/node");
  hub.item_published("pubsub", "node", "1", element("<x xmlns='urn:x'/>").document_element());
  hub.take_deliveries(deliveries);
  const auto item = last_of<ItemPublished>();
  EXPECT_EQ(item.payloads[json], std::nullopt);
  EXPECT_EQ(item.payloads[xml], "<x xmlns='urn:x'/>");
  EXPECT_EQ(item.envelope.qos, mqtt::QoS::exactly_once);
}

TEST_F(HubTest, PublishesThatAreRefusedForGood) {
  EXPECT_EQ(publish("node", "1"), Outcome::refused);
  EXPECT_EQ(publish("elsewhere/json/node", "1"), Outcome::refused);
  EXPECT_EQ(publish("pubsub/json/node", "{"), Outcome::refused);
  EXPECT_EQ(publish("pubsub/json/a\x01", "1"), Outcome::refused);
  service.outcome = Outcome::refused;
  EXPECT_EQ(publish("pubsub/json/node", "1"), Outcome::refused);
  EXPECT_TRUE(service.published.empty());
}

TEST_F(HubTest, PublishesThatFailForNow) {
  service.outcome = Outcome::failed;
  EXPECT_EQ(publish("pubsub/json/node", "1"), Outcome::failed);
  service.outcome = Outcome::accepted;
  service.enabled = false;
  EXPECT_EQ(publish("pubsub/json/node", "1"), Outcome::failed);
}

// [MQTT-4.6.0-6]
TEST_F(HubTest, WhatComesBehindAPublishThatFailsForNowDoesNotOvertakeIt) {
  const auto publish_at = [this](ConnectionId connection, mqtt::QoS qos, bool will = false) {
    ask(AskToPublish{.session = 1,
                     .connection = connection,
                     .topic = "pubsub/json/node",
                     .payload = "1",
                     .qos = qos,
                     .will = will});
    return last_of<PublishReply>().outcome;
  };
  service.outcome = Outcome::failed;
  EXPECT_EQ(publish_at(1, mqtt::QoS::exactly_once), Outcome::failed);
  service.outcome = Outcome::accepted;
  EXPECT_EQ(publish_at(1, mqtt::QoS::exactly_once), Outcome::failed);
  EXPECT_EQ(publish_at(1, mqtt::QoS::at_least_once), Outcome::failed);
  EXPECT_TRUE(service.published.empty());
  // These are not sent again.
  EXPECT_EQ(publish_at(1, mqtt::QoS::at_most_once), Outcome::accepted);
  EXPECT_EQ(publish_at(1, mqtt::QoS::exactly_once, true), Outcome::accepted);
  EXPECT_EQ(publish_at(2, mqtt::QoS::exactly_once), Outcome::accepted);
}

TEST_F(HubTest, AReplyReturnsTheBytesThatWereUnderWay) {
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "123"});
  EXPECT_EQ(last_of<PublishReply>().ticket.bytes, 19U);
}

class LargePayloadTest : public HubTest {
 protected:
  static constexpr auto as_utf8 = static_cast<std::size_t>(topic::Type::utf8);
  static constexpr auto as_xml = static_cast<std::size_t>(topic::Type::xml);

  // With what the network thread has found out.
  Outcome publish_large(const std::string& payload, bool retain = false) {
    Request request =
        AskToPublish{.session = 1, .topic = "pubsub/utf8/node", .payload = payload, .retain = retain};
    auto examined = payload::examine(topic::Type::utf8, payload, Limits{});
    std::get<PublishRequest>(request).large = {.refusal = examined.refusal,
                                               .content_id = std::move(examined.content_id)};
    ask(std::move(request));
    return last_of<PublishReply>().outcome;
  }
};

// Escaped, each quotation mark takes six bytes.
TEST_F(LargePayloadTest, PubsubGetsAnItemWithoutTheContentAndMqttGetsItWhole) {
  subscribe(1, "pubsub/utf8/node");
  const std::string quotes(50000, '"');
  EXPECT_EQ(publish_large(quotes), Outcome::accepted);
  EXPECT_TRUE(service.published.back().ends_with(
      "<data xmlns='urn:xmpp:bob' cid='sha1+cb6522c1be1fc4f7b8a1807930a88586f56a4749@bob.xmpp.org' "
      "type='text/plain'/>"))
      << service.published.back();
  EXPECT_EQ(last_of<ItemPublished>().payloads[as_utf8], quotes);
}

TEST_F(LargePayloadTest, OneThatXmppStreamsTakeIsAnItemLikeOthers) {
  EXPECT_EQ(publish_large(std::string(200000, 'x')), Outcome::accepted);
  EXPECT_NE(service.published.back().find("xxx"), std::string::npos);
}

TEST_F(LargePayloadTest, WhatTheNetworkThreadRefusesIsRefused) {
  EXPECT_EQ(publish_large(std::string(300000, '\x01')), Outcome::refused);
  EXPECT_TRUE(service.published.empty());
}

TEST_F(LargePayloadTest, IsRetainedWholeForEachTypeThatItIs) {
  const std::string large(300000, 'x');
  EXPECT_EQ(publish_large(large, true), Outcome::accepted);
  subscribe(1, "pubsub/utf8/node");
  EXPECT_EQ(last_of<RetainedMessages>().messages.at(0).payload, large);
  ask(RetainedRequest{.session = 1});
  subscribe(1, "pubsub/xml/node");
  EXPECT_EQ(last_of<RetainedMessages>().messages.at(0).payload,
            "<data xmlns='https://prosody.im/protocol/mqtt'>" + large + "</data>");
}

TEST_F(HubTest, ClientsAreServedInTurn) {
  open(2);
  std::vector<Request> batch;
  for (int i = 0; i < 100; ++i) {
    batch.emplace_back(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  }
  batch.emplace_back(AskToSubscribe{
      .session = 2, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/node"}}});
  hub.accept(batch);
  hub.step();
  hub.step();
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<SubscribeReply>().size(), 1U);
}

TEST_F(HubTest, OneStepCarriesOutOneFilterOfALongSubscribe) {
  AskToSubscribe request{.session = 1, .packet_identifier = 1, .filters = {}};
  for (int i = 0; i < 100; ++i)
    request.filters.push_back({.topic_filter = "pubsub/json/n" + std::to_string(i)});
  std::vector<Request> batch;
  batch.emplace_back(std::move(request));
  hub.accept(batch);
  for (int i = 0; i < 99; ++i) ASSERT_TRUE(hub.step());
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<SubscribeReply>().empty());
  hub.step();
  hub.take_deliveries(deliveries);
  EXPECT_EQ(codes(last_of<SubscribeReply>()).size(), 100U);
}

// They are granted and not counted: they must not be anything to go through, either.
TEST_F(HubTest, FiltersOfTheSystemCostNothingLater) {
  std::vector<Request> batch;
  AskToSubscribe request{.session = 1, .connection = 1, .packet_identifier = 1, .filters = {}};
  for (int i = 0; i < 3000; ++i) request.filters.push_back({.topic_filter = "$SYS/" + std::to_string(i)});
  batch.emplace_back(std::move(request));
  hub.accept(batch);
  int steps = 0;
  while (hub.step()) ++steps;
  EXPECT_LE(steps, 3010);
}

TEST_F(HubTest, ASessionHasSoManySubscriptionsAndNoMore) {
  Hub small(service, {.max_subscriptions = 2});
  service.hub = &small;
  std::vector<Request> batch;
  batch.emplace_back(OpenSession{.session = 1, .client = "client 1"});
  batch.emplace_back(AskToSubscribe{.session = 1,
                                    .packet_identifier = 1,
                                    .filters = {{.topic_filter = "pubsub/json/node"},
                                                {.topic_filter = "pubsub/json/#"},
                                                {.topic_filter = "pubsub/json/other"},
                                                {.topic_filter = "#"},
                                                {.topic_filter = "pubsub/json/node"},
                                                {.topic_filter = "pubsub/json/#"}}});
  small.accept(batch);
  while (small.step()) {
  }
  small.take_deliveries(deliveries);
  using Code = mqtt::Reason;
  EXPECT_EQ(codes(last_of<SubscribeReply>()),
            (std::vector{Code::granted_qos_0, Code::granted_qos_0, Code::unspecified_error,
                         Code::unspecified_error, Code::granted_qos_0, Code::granted_qos_0}));
  ASSERT_EQ(service.lines.size(), 1U);
  EXPECT_NE(service.lines[0].find("mqtt_max_subscriptions"), std::string::npos);
  // Nor does it create a node by asking for more. Equal filters count once.
  EXPECT_EQ(service.subscribed, std::vector<std::string>{"node"});
}

TEST_F(HubTest, ASessionHasSoManyWildcardsAndNoMore) {
  Hub small(service, {.max_wildcard_subscriptions = 2});
  service.hub = &small;
  std::vector<Request> batch;
  batch.emplace_back(OpenSession{.session = 1, .client = "client 1"});
  batch.emplace_back(AskToSubscribe{.session = 1,
                                    .packet_identifier = 1,
                                    .filters = {{.topic_filter = "pubsub/json/#"},
                                                {.topic_filter = "pubsub/+/node"},
                                                {.topic_filter = "#"},
                                                {.topic_filter = "pubsub/json/node"},
                                                {.topic_filter = "pubsub/json/#"}}});
  batch.emplace_back(
      AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/json/#"}});
  batch.emplace_back(
      AskToSubscribe{.session = 1, .packet_identifier = 3, .filters = {{.topic_filter = "#"}}});
  small.accept(batch);
  while (small.step()) {
  }
  small.take_deliveries(deliveries);
  using Code = mqtt::Reason;
  const auto replies = take<SubscribeReply>();
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(codes(replies[0]), (std::vector{Code::granted_qos_0, Code::granted_qos_0, Code::unspecified_error,
                                            Code::granted_qos_0, Code::granted_qos_0}));
  EXPECT_EQ(codes(replies[1]), std::vector{Code::granted_qos_0});
  ASSERT_EQ(service.lines.size(), 1U);
  EXPECT_NE(service.lines[0].find("mqtt_max_wildcard_subscriptions"), std::string::npos);
}

class TopicLevelsTest : public HubTest {
 protected:
  // HOST and TYPE are two levels; most of the others are empty, so that the name is not too long.
  static std::string topic(std::size_t levels) { return "pubsub/json/n" + std::string(levels - 3, '/'); }

  std::size_t lines_that_name_the_setting() const {
    return static_cast<std::size_t>(std::count_if(
        service.lines.begin(), service.lines.end(),
        [](const std::string& line) { return line.find("mqtt_max_topic_levels") != std::string::npos; }));
  }
};

TEST_F(TopicLevelsTest, AFilterHasSoManyAndNoMore) {
  EXPECT_EQ(subscribe(1, topic(64)), mqtt::Reason::granted_qos_0);
  EXPECT_EQ(lines_that_name_the_setting(), 0U);
  EXPECT_EQ(subscribe(1, topic(65)), mqtt::Reason::unspecified_error);
  EXPECT_EQ(lines_that_name_the_setting(), 1U);
  std::string giant;
  for (int i = 0; i < 30000; ++i) giant += "+/";
  EXPECT_EQ(subscribe(1, giant + "#"), mqtt::Reason::unspecified_error);
}

TEST_F(TopicLevelsTest, APublishHasSoManyAndNoMore) {
  EXPECT_EQ(publish(topic(64), "1"), Outcome::accepted);
  EXPECT_EQ(lines_that_name_the_setting(), 0U);
  EXPECT_EQ(publish(topic(65), "1"), Outcome::refused);
  EXPECT_EQ(service.published.size(), 1U);
  EXPECT_EQ(lines_that_name_the_setting(), 1U);
}

TEST_F(HubTest, ARefusalIsLoggedOnceForAClientThatComesBack) {
  for (SessionId session = 10; session < 310; ++session) {
    const std::string client = "127.0.0.1:" + std::to_string(session) + " \"meter\"";
    ask(OpenSession{.session = session, .client = client});
    ask(AskToPublish{.session = session, .topic = "nowhere/json/node", .payload = "1"});
    ask(AskToPublish{.session = session, .topic = "pubsub/json/node", .payload = "no json"});
    ask(AnnounceWill{.session = session, .will = {.topic = "nowhere/json/node", .payload = "1"}});
    ask(CloseSession{.session = session});
  }
  EXPECT_EQ(service.lines.size(), 3U);
}

// A stock mosquitto bridge has one: nobody has to mend anything.
TEST_F(HubTest, AWillAboutTheBrokerIsDroppedWithoutALine) {
  const std::string topic = "$SYS/broker/connection/meter/state";
  ask(AnnounceWill{.session = 1, .will = {.topic = topic, .payload = "0"}});
  ask(AskToPublish{.session = 1, .topic = topic, .payload = "0", .retain = true, .will = true});
  EXPECT_EQ(last_of<PublishReply>().outcome, Outcome::refused);
  EXPECT_TRUE(service.lines.empty());
  ask(AnnounceWill{.session = 1, .will = {.topic = "$OTHER/state", .payload = "0"}});
  EXPECT_EQ(service.lines.size(), 1U);
}

TEST_F(TopicLevelsTest, AWillThatHasMoreIsWarnedOf) {
  ask(AnnounceWill{.session = 1, .will = {.topic = topic(64), .payload = "1"}});
  EXPECT_TRUE(service.lines.empty());
  ask(AnnounceWill{.session = 1, .will = {.topic = topic(65), .payload = "1"}});
  EXPECT_EQ(lines_that_name_the_setting(), 1U);
}

// Prosody waits meanwhile: names that were chosen for it cost no more than others. If each were compared with
// all before it, this would not end before ctest's patience does.
TEST_F(HubTest, NamesThatCollideInAHashTableAreNodesLikeOthers) {
  const auto names = colliding_names(60);
  for (const auto& name : names) hub.node_created("pubsub", name);
  EXPECT_EQ(subscribe(1, "pubsub/json/" + names.back()), mqtt::Reason::granted_qos_0);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
