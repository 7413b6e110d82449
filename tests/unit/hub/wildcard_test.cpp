#include <gtest/gtest.h>

#include <map>
#include <string>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using WildcardTest = HubTest;

TEST_F(WildcardTest, WhatIsGrantedAndWhatIsRefused) {
  for (const std::string filter :
       {"#", "+/#", "pubsub/#", "pubsub/json/#", "pubsub/+/node", "+/json/node", "+/+/+", "pubsub/json/+",
        "pubsub/json/a/+/b", "$SYS/#", "$SYS/broker/uptime"}) {
    EXPECT_EQ(subscribe(1, filter), mqtt::Reason::granted_qos_0) << filter;
  }
  for (const std::string filter : {"+", "+/+", "pubsub/+", "pubsub/nope/#", "+/nope/node", "elsewhere/#",
                                   "$share/+/#", "$other/#", "pubsub/json/a\x01/+", "/json/#"}) {
    EXPECT_EQ(subscribe(1, filter), mqtt::Reason::unspecified_error) << filter;
  }
}

TEST_F(WildcardTest, GivesWhatTheClientMayRead) {
  subscribe(1, "pubsub/json/#");
  const auto changes = take<AudienceChange>();
  ASSERT_EQ(changes.size(), 2U);  // node and other, not secret
  for (const auto& change : changes) EXPECT_EQ(change.selection.by_form[json], mqtt::QoS::at_most_once);
}

TEST_F(WildcardTest, AWildcardTypeSelectsTheNaturalTopic) {
  subscribe(1, "pubsub/+/node", mqtt::QoS::at_least_once);
  const auto change = last_of<AudienceChange>();
  EXPECT_EQ(change.selection.natural, mqtt::QoS::at_least_once);
  EXPECT_EQ(change.selection.by_form[json], std::nullopt);
  publish("pubsub/json/node", "1");
  auto item = last_of<ItemPublished>();
  EXPECT_EQ(item.natural_type, payload::Type::json);
  EXPECT_EQ(item.payloads[json], "1");
  EXPECT_EQ(item.payloads[utf8], std::nullopt);
  EXPECT_EQ(item.payloads[xml], std::nullopt);
  publish("pubsub/xml/node", "<json xmlns='urn:xmpp:json:0'>2</json>");
  item = last_of<ItemPublished>();
  EXPECT_EQ(item.natural_type, payload::Type::json);
  EXPECT_EQ(item.payloads[json], "2");
}

TEST_F(WildcardTest, OverlappingFiltersGiveTheHighestQos) {  // [MQTT-3.3.5-1]
  subscribe(1, "pubsub/json/node", mqtt::QoS::at_most_once);
  subscribe(1, "pubsub/json/#", mqtt::QoS::exactly_once);
  subscribe(1, "+/json/+", mqtt::QoS::at_least_once);
  subscribe(1, "#", mqtt::QoS::at_least_once);
  EXPECT_EQ(last_of<AudienceChange>().selection.by_form[json], mqtt::QoS::exactly_once);
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 1, .topic_filters = {"pubsub/json/#"}});
  const auto changes = take<AudienceChange>();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].selection.by_form[json], mqtt::QoS::at_least_once);
  EXPECT_EQ(changes[0].selection.natural, mqtt::QoS::at_least_once);
}

TEST_F(WildcardTest, FollowsNodesAsTheyComeAndGo) {
  subscribe(1, "pubsub/json/#");
  deliveries.clear();
  create("new");
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<AudienceChange>().selection.by_form[json], mqtt::QoS::at_most_once);
  publish("pubsub/json/new", "1");
  EXPECT_EQ(last_of<ItemPublished>().payloads[json], "1");
  service.open.erase("new");
  hub.node_deleted("pubsub", "new");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(last_of<AudienceChange>().selection.empty());
  EXPECT_EQ(take<NodeClosed>().size(), 1U);
}

TEST_F(WildcardTest, FollowsRightsAsTheyComeAndGo) {
  subscribe(1, "#");
  deliveries.clear();
  service.open["secret"] = true;
  hub.node_changed("pubsub", "secret");
  hub.take_deliveries(deliveries);
  EXPECT_EQ(last_of<AudienceChange>().selection.natural, mqtt::QoS::at_most_once);
  service.open["secret"] = false;
  hub.node_changed("pubsub", "secret");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(last_of<AudienceChange>().selection.empty());
}

TEST_F(WildcardTest, FollowsHostsAsTheyComeAndGo) {
  subscribe(1, "pubsub/json/node");
  subscribe(1, "#");
  deliveries.clear();
  service.enabled = false;
  hub.host_disabled("pubsub");
  hub.take_deliveries(deliveries);
  for (const auto& change : take<AudienceChange>()) EXPECT_TRUE(change.selection.empty());
  service.enabled = true;
  for (const auto& [node, open_to_all] : service.open) hub.node_created("pubsub", node);
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<AudienceChange>().size(), 2U);
}

// What waits for a session that is away belongs to a node, and would be nobody's if the node had another
// identity afterwards.
TEST_F(WildcardTest, ANodeIsStillTheSameWhenItsHostIsBack) {
  subscribe(1, "pubsub/json/node", mqtt::QoS::at_least_once);
  subscribe(1, "+/+/other", mqtt::QoS::at_least_once);
  std::map<NodeId, Selection> before;
  for (const auto& change : take<AudienceChange>()) before[change.node] = change.selection;
  ASSERT_EQ(before.size(), 2U);
  service.enabled = false;
  hub.host_disabled("pubsub");
  service.enabled = true;
  for (const auto& [node, open_to_all] : service.open) hub.node_created("pubsub", node);
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<NodeClosed>().empty());
  std::map<NodeId, Selection> after;
  for (const auto& change : take<AudienceChange>()) after[change.node] = change.selection;
  EXPECT_EQ(after, before);
}

TEST_F(WildcardTest, InvisibleNodesStayInvisible) {
  subscribe(1, "#");
  deliveries.clear();
  create("a+b");
  create("a\x01");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(deliveries.empty());
}

TEST_F(WildcardTest, AWildcardOverManyNodesGivesTheLoopBackInBetween) {
  for (int i = 0; i < 1000; ++i) create("n" + std::to_string(i));
  std::vector<Request> batch;
  batch.emplace_back(
      AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "#"}}});
  hub.accept(batch);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(hub.step());
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<SubscribeReply>().empty());
  // A node that comes meanwhile is not missed.
  create("late");
  while (hub.step()) {
  }
  hub.take_deliveries(deliveries);
  EXPECT_EQ(take<SubscribeReply>().size(), 1U);
  EXPECT_EQ(take<AudienceChange>().size(), 1003U);
}

TEST_F(WildcardTest, ASessionThatEndsLeavesNothingBehind) {
  for (int i = 0; i < 300; ++i) create("n" + std::to_string(i));
  subscribe(1, "#");
  subscribe(1, "pubsub/json/#");
  subscribe(1, "pubsub/json/not-yet");
  deliveries.clear();
  ask(CloseSession{.session = 1});
  EXPECT_EQ(take<NodeClosed>().size(), 302U);
  deliveries.clear();
  create("not-yet");
  create("another");
  hub.take_deliveries(deliveries);
  EXPECT_TRUE(take<AudienceChange>().empty());
}

}  // namespace
}  // namespace pubsub_mqtt::hub
