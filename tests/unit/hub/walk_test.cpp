// What a filter with a wildcard looks at, and what it asks Prosody.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hub_fixture.h"
#include "nodes.h"

namespace pubsub_mqtt::hub {
namespace {

class NodesWalkTest : public ::testing::Test {
 protected:
  NodesWalkTest() {
    for (const std::string name : {"a", "a/b", "a/b/c", "a/c", "ab", "b", "b/a", "b/b"}) {
      nodes.open("h", name);
      nodes.open("i", name);
    }
    work = 0;
  }

  std::vector<std::string> walked(std::string_view filter) {
    const auto pattern = std::get<topic::NodePattern>(topic::parse_filter(filter));
    NodePosition position;
    std::vector<std::string> names;
    EXPECT_TRUE(nodes.walk(pattern, position, [&](const Node& node) {
      names.push_back(std::string(node.host()) + ' ' + std::string(node.name()));
      return true;
    }));
    return names;
  }

  TestService service;
  Limits limits;
  NodeNames names;
  std::shared_ptr<const topic::Mountpoint> mountpoint;
  Time now{};
  std::vector<Delivery> deliveries;
  OncePerClient logged;
  Metrics metrics;
  std::size_t work = 0;
  const Shared shared{.service = service,
                      .limits = limits,
                      .names = names,
                      .mountpoint = mountpoint,
                      .now = now,
                      .deliveries = deliveries,
                      .logged = logged,
                      .metrics = metrics,
                      .work = work};
  Nodes nodes{shared};
};

TEST_F(NodesWalkTest, LooksOnlyAtNodesWhoseNamesBeginLikeTheFilter) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(walked("h/json/a/#"), (Names{"h a", "h a/b", "h a/b/c", "h a/c"}));
  EXPECT_EQ(work, 5U);  // "ab", too
  EXPECT_EQ(walked("h/+/b/+"), (Names{"h b/a", "h b/b"}));
  EXPECT_EQ(work, 7U);
  EXPECT_EQ(walked("+/+/ab"), (Names{"h ab", "i ab"}));
  EXPECT_EQ(work, 9U);
  EXPECT_EQ(walked("+/json/+/b"), (Names{"h a/b", "h b/b", "i a/b", "i b/b"}));
  EXPECT_EQ(work, 25U);
  EXPECT_EQ(walked("#").size(), 16U);
  EXPECT_TRUE(walked("other/#").empty());
  EXPECT_TRUE(walked("+/+/c/#").empty());
}

TEST_F(NodesWalkTest, EndsWhereItIsToldAndGoesOnThere) {
  for (const std::string_view forgets : {"no", "yes"}) {
    NodePosition position;
    std::vector<std::string> names;
    const auto one = [&](Node& node) {
      names.emplace_back(node.name());
      if (forgets == "yes") nodes.forget_if_unused(node);
      return false;
    };
    while (!nodes.walk(all_nodes, position, one)) {
    }
    EXPECT_EQ(names.size(), 16U);
  }
  EXPECT_TRUE(walked("#").empty());
}

TEST_F(NodesWalkTest, NodesMayBeForgottenOnTheWay) {
  NodePosition position;
  int count = 0;
  EXPECT_TRUE(nodes.walk(all_nodes, position, [&](Node& node) {
    ++count;
    nodes.forget_if_unused(node);
    return true;
  }));
  EXPECT_EQ(count, 16);
}

class WalkTest : public HubTest {
 protected:
  WalkTest() {
    for (int i = 0; i < 1000; ++i) create("n" + std::to_string(i));
    service.judged.clear();
  }

  int steps_of(Request request) {
    std::vector<Request> batch;
    batch.push_back(std::move(request));
    hub.accept(batch);
    int steps = 0;
    while (hub.step()) ++steps;
    hub.take_deliveries(deliveries);
    return steps;
  }
};

// 12,000 are as many as fit into 96 kB.
TEST_F(WalkTest, EqualFiltersOfASubscribeAreWalkedOnce) {
  AskToSubscribe request{.session = 1, .packet_identifier = 1, .filters = {}};
  for (std::size_t i = 0; i < 12000; ++i) {
    request.filters.push_back({.topic_filter = "pubsub/+/#",
                               .qos = i % 2 == 0 ? mqtt::QoS::exactly_once : mqtt::QoS::at_least_once});
  }
  // 1,000 nodes at most 25 times a step, then a filter in 200.
  EXPECT_LE(steps_of(std::move(request)), 200);
  EXPECT_EQ(take<AudienceChange>().size(), 1002U);
  const auto reply = last_of<SubscribeReply>();
  ASSERT_EQ(reply.results.size(), 12000U);
  EXPECT_EQ(reply.results[0], mqtt::Reason::granted_qos_2);
  EXPECT_EQ(reply.results[1], mqtt::Reason::granted_qos_1);
  // The last one counts.
  publish("pubsub/json/n1", "1");
  subscribe(1, "pubsub/+/#", mqtt::QoS::at_least_once);
  EXPECT_TRUE(take<AudienceChange>().empty());
}

TEST_F(WalkTest, FiltersBeyondTheLimitsAreRefusedWithoutAWalk) {
  hub.set_limits({.max_wildcard_subscriptions = 100});
  AskToSubscribe request{.session = 1, .packet_identifier = 1, .filters = {}};
  for (int i = 0; i < 12000; ++i)
    request.filters.push_back({.topic_filter = "+/+/x" + std::to_string(i) + "/#"});
  EXPECT_LE(steps_of(std::move(request)), 200);
  const auto all = codes(last_of<SubscribeReply>());
  EXPECT_EQ(std::count(all.begin(), all.end(), mqtt::Reason::granted_qos_0), 100);
}

TEST_F(WalkTest, RightsAreAskedOnceForAnAccountAndANodeWhileNothingChanges) {
  for (SessionId session = 2; session < 20; ++session) {
    open(session, session % 2 == 0 ? "juliet" : "");
    for (int i = 0; i < 3; ++i) {
      subscribe(session, "pubsub/#");
      ask(AskToUnsubscribe{.session = session, .packet_identifier = 2, .topic_filters = {"pubsub/#"}});
    }
  }
  EXPECT_EQ(service.judged.size(), 2U * 1003U);
  service.judged.clear();
  subscribe(2, "pubsub/#");
  hub.node_changed("pubsub", "n1");
  hub.affiliation_changed("pubsub", "n2", "juliet");
  EXPECT_EQ(service.judged, (std::vector<std::string>{"n1 juliet", "n2 juliet"}));
}

// A client that is no member of a node has a new right there when it asks the next time.
TEST_F(WalkTest, ARightThatChangedMeanwhileIsAskedAgain) {
  using Change = void (*)(Hub&);
  for (const Change change : {Change([](Hub& hub_) { hub_.node_changed("pubsub", "n1"); }),
                              Change([](Hub& hub_) { hub_.affiliation_changed("pubsub", "n1", ""); }),
                              Change([](Hub& hub_) { hub_.account_changed(""); }),
                              Change([](Hub& hub_) { hub_.host_changed("pubsub"); })}) {
    for (const bool open_to_all : {false, true}) {
      service.open["n1"] = open_to_all;
      change(hub);
      subscribe(1, "pubsub/+/n1");
      EXPECT_EQ(take<AudienceChange>().size(), open_to_all ? 1U : 0U);
      ask(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/+/n1"}});
      deliveries.clear();
    }
  }
}

TEST_F(WalkTest, AnUnsubscribeAsksForNoRight) {
  subscribe(1, "pubsub/#");
  service.judged.clear();
  hub.node_changed("pubsub", "n1");
  service.judged.clear();
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/#"}});
  EXPECT_TRUE(service.judged.empty());
}

TEST_F(WalkTest, AFilterForFewNodesLooksAtFew) {
  EXPECT_EQ(steps_of(AskToSubscribe{
                .session = 1, .packet_identifier = 1, .filters = {{.topic_filter = "pubsub/json/n99/#"}}}),
            2);  // and its retained messages
  EXPECT_EQ(steps_of(CloseSession{.session = 1}), 1);
}

TEST_F(WalkTest, AnEqualSubscribeBringsRetainedMessagesAndNothingElse) {
  subscribe(1, "pubsub/json/#");
  deliveries.clear();
  retain("pubsub/json/n5", "1");
  take<ItemPublished>();
  service.judged.clear();
  subscribe(1, "pubsub/json/#");
  EXPECT_TRUE(service.judged.empty());
  EXPECT_TRUE(take<AudienceChange>().empty());
  EXPECT_EQ(take<RetainedMessages>().size(), 1U);
}

TEST_F(WalkTest, ALowerQosIsFollowedByWhatOtherFiltersSelect) {
  subscribe(1, "pubsub/json/#", mqtt::QoS::exactly_once);
  subscribe(1, "+/json/n7", mqtt::QoS::at_least_once);
  take<AudienceChange>();
  subscribe(1, "pubsub/json/#", mqtt::QoS::at_most_once);
  const auto changes = take<AudienceChange>();
  ASSERT_EQ(changes.size(), 1002U);
  EXPECT_EQ(std::count_if(changes.begin(), changes.end(),
                          [](const AudienceChange& change) {
                            return change.selection.by_form[json] == mqtt::QoS::at_least_once;
                          }),
            1);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
