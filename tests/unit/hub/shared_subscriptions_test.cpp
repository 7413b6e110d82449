// Filters of groups, `$share/GROUP/FILTER` (MQTT 5.0, 4.8.2), on Prosody's thread: who may be given what of a node.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using mqtt::QoS;
using mqtt::Reason;

class SharedSubscriptionsTest : public HubTest {
 protected:
  SubscribeReply reply(SessionId session, std::vector<Subscription> filters) {
    ask(AskToSubscribe{.session = session, .packet_identifier = 1, .filters = std::move(filters)});
    return last_of<SubscribeReply>();
  }

  Reason result(const std::string& filter) { return reply(1, {{.topic_filter = filter}}).results.at(0); }

  void unsubscribe(SessionId session, const std::string& filter) {
    ask(UnsubscribeRequest{.ticket = {.session = session}, .topic_filters = {filter}});
  }

  // What the network thread was told last of the session; nothing where it was told nothing.
  std::optional<AudienceChange> change() {
    hub.take_deliveries(deliveries);
    const auto all = take<AudienceChange>();
    return all.empty() ? std::nullopt : std::optional(all.back());
  }
};

TEST_F(SharedSubscriptionsTest, AreSelectedApartFromThoseOfTheClientAlone) {
  EXPECT_EQ(subscribe(1, "$share/g/pubsub/json/node", QoS::exactly_once), Reason::granted_qos_2);
  auto told = change();
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->selection.empty());
  EXPECT_EQ(told->shared, SharedSelection{.by_form = {true}});
  subscribe(1, "pubsub/json/node", QoS::at_least_once);
  told = change();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->selection.by_form[json], QoS::at_least_once);
  EXPECT_EQ(told->shared, SharedSelection{.by_form = {true}});
  unsubscribe(1, "$share/g/pubsub/json/node");
  told = change();
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->shared.empty());
  EXPECT_FALSE(told->selection.empty());
}

TEST_F(SharedSubscriptionsTest, GroupsOfOneFilterAreSeveralSubscriptions) {
  reply(1, {{.topic_filter = "$share/a/pubsub/json/node"},
            {.topic_filter = "$share/b/pubsub/json/node"},
            {.topic_filter = "$share/a/pubsub/#"},
            {.topic_filter = "$share/b/pubsub/#"}});
  EXPECT_EQ(hub.subscriptions(1), 4U);
  take<AudienceChange>();
  unsubscribe(1, "$share/a/pubsub/json/node");
  unsubscribe(1, "$share/a/pubsub/#");
  EXPECT_FALSE(change()) << "the other group still selects it";
  create("later");
  const auto told = change();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->shared, SharedSelection{.natural = true});
  unsubscribe(1, "$share/b/pubsub/#");
  EXPECT_EQ(take<NodeClosed>().size(), 2U) << "other and later";
  unsubscribe(1, "$share/b/pubsub/json/node");
  EXPECT_EQ(take<NodeClosed>().size(), 1U);
  EXPECT_EQ(hub.subscriptions(1), 0U);
}

TEST_F(SharedSubscriptionsTest, FollowNodesAndRights) {
  subscribe(1, "$share/g/pubsub/json/later");
  EXPECT_FALSE(change()) << "it waits";
  create("later");
  EXPECT_EQ(change().value().shared, SharedSelection{.by_form = {true}});
  service.open["later"] = false;
  hub.node_changed("pubsub", "later");
  EXPECT_TRUE(change().value().shared.empty());
  service.open["later"] = true;
  hub.node_changed("pubsub", "later");
  EXPECT_FALSE(change().value().shared.empty());
  ask(CloseSession{.session = 1});
  EXPECT_TRUE(change().value().shared.empty());
  EXPECT_EQ(take<NodeClosed>().size(), 1U);
}

TEST_F(SharedSubscriptionsTest, SomebodyIsThereWhoOnlyShares) {
  subscribe(1, "$share/g/pubsub/+/node");
  EXPECT_TRUE(hub.wants_item("pubsub", "node", "id"));
  publish("pubsub/json/node", "1");
  const auto item = last_of<ItemPublished>();
  EXPECT_TRUE(item.payloads[json].has_value());
  EXPECT_FALSE(item.payloads[xml].has_value());
}

TEST_F(SharedSubscriptionsTest, BringNoRetainedMessages) {  // MQTT 5.0, 4.8.2
  retain("pubsub/json/node", "1");
  reply(1, {{.topic_filter = "$share/g/pubsub/json/node"}, {.topic_filter = "$share/g/pubsub/#"}});
  EXPECT_TRUE(take<RetainedMessages>().empty());
  subscribe(1, "pubsub/json/node");
  EXPECT_EQ(take<RetainedMessages>().size(), 1U);
}

TEST_F(SharedSubscriptionsTest, PubsubIsAskedAsForAnyOther) {
  EXPECT_EQ(result("$share/g/pubsub/json/new"), Reason::granted_qos_0);
  EXPECT_EQ(service.subscribed, std::vector<std::string>{"new"}) << "which may create it";
  EXPECT_EQ(result("$share/g/pubsub/json/secret"), Reason::not_authorized);
  service.subscribed.clear();
  reply(1, {{.topic_filter = "$share/a/pubsub/json/node"},
            {.topic_filter = "$share/b/pubsub/json/node"},
            {.topic_filter = "pubsub/json/node"}});
  EXPECT_EQ(service.subscribed, std::vector<std::string>{"node"}) << "once in a SUBSCRIBE";
}

TEST_F(SharedSubscriptionsTest, WhatCanGiveNothingIsRefused) {
  for (const std::string filter :
       {"$share/", "$share/g", "$share/g/", "$share//pubsub/json/node", "$share/+/pubsub/json/node",
        "$share/g/$SYS/#", "$share/g/$SYS", "$share/g/$share/h/pubsub/json/node", "$share/g/pubsub/json",
        "$share/g/elsewhere/json/node", "$share/g/pubsub/nope/node"}) {
    EXPECT_EQ(result(filter), Reason::topic_filter_invalid) << filter;
  }
  EXPECT_EQ(hub.subscriptions(1), 0U);
  unsubscribe(1, "$share/g");
}

TEST_F(SharedSubscriptionsTest, AFilterThatIsRefusedNowIsRemoved) {
  EXPECT_EQ(result("$share/g/pubsub/json/node"), Reason::granted_qos_0);
  service.open["node"] = false;
  EXPECT_EQ(result("$share/g/pubsub/json/node"), Reason::not_authorized);
  EXPECT_EQ(hub.subscriptions(1), 0U);
}

TEST_F(SharedSubscriptionsTest, CountTowardsTheLimits) {
  hub.set_limits({.max_subscriptions = 4, .max_wildcard_subscriptions = 2});
  const auto results = reply(1, {{.topic_filter = "$share/a/pubsub/json/node"},
                                 {.topic_filter = "pubsub/json/node"},
                                 {.topic_filter = "$share/a/pubsub/#"},
                                 {.topic_filter = "$share/b/pubsub/#"},
                                 {.topic_filter = "$share/b/pubsub/json/node"},
                                 {.topic_filter = "$share/a/pubsub/json/node"}})
                           .results;
  EXPECT_EQ(results, (std::vector{Reason::granted_qos_0, Reason::granted_qos_0, Reason::granted_qos_0,
                                  Reason::granted_qos_0, Reason::quota_exceeded, Reason::granted_qos_0}));
  unsubscribe(1, "pubsub/json/node");
  EXPECT_EQ(result("$share/c/pubsub/#"), Reason::quota_exceeded);
  EXPECT_EQ(result("$share/c/pubsub/json/node"), Reason::granted_qos_0);
}

TEST_F(SharedSubscriptionsTest, LevelsOfTheGroupAreNotCounted) {
  hub.set_limits({.max_topic_levels = 3});
  EXPECT_EQ(result("$share/g/pubsub/json/node"), Reason::granted_qos_0);
  EXPECT_EQ(result("$share/g/pubsub/json/a/b"), Reason::topic_filter_invalid);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
