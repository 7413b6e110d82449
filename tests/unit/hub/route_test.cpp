// When a publisher is given a direct way, and when it is withdrawn (docs/architecture.md, "The direct way").
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

class RouteTest : public HubTest {
 protected:
  RouteTest() { service.unobserved = true; }

  std::shared_ptr<const Route> route_after(AskToPublish request) {
    request.session = 1;
    ask(std::move(request));
    PublishReply reply = last_of<PublishReply>();
    if (reply.route != nullptr) {
      EXPECT_EQ(reply.topic, last_topic);
    }
    return reply.route;
  }

  std::shared_ptr<const Route> route_to(const std::string& topic) {
    last_topic = topic;
    return route_after({.topic = topic, .payload = "1"});
  }

  std::string last_topic;
};

TEST_F(RouteTest, IsGivenWhereNobodyElseSeesWhatIsPublished) {
  const auto route = route_to("pubsub/json/node");
  ASSERT_NE(route, nullptr);
  EXPECT_TRUE(route->is_open());
  EXPECT_EQ(route_to("pubsub/utf8/node"), route);  // of the node
  EXPECT_NE(route_to("pubsub/json/other"), route);
  service.unobserved = false;
  EXPECT_EQ(route_to("pubsub/json/node"), nullptr);
}

TEST_F(RouteTest, NamesTheNodeThatSubscribersKnow) {
  subscribe(1, "pubsub/json/node");
  EXPECT_EQ(route_to("pubsub/json/node")->node(), last_of<NodeOpened>().node);
}

TEST_F(RouteTest, IsForPayloadsThatAreCertainlyNotTooLarge) {
  EXPECT_EQ(route_to("pubsub/json/node")->max_payload_size(), (Limits{}.max_item_size - 512) / 6);
}

TEST_F(RouteTest, KnowsTheLimitsOfAReload) {
  const auto route = route_to("pubsub/json/node");
  hub.set_limits({.max_item_size = 2048});
  EXPECT_FALSE(route->is_open());
  EXPECT_EQ(route_to("pubsub/json/node")->max_payload_size(), (2048U - 512) / 6);
}

TEST_F(RouteTest, IsNotGivenForWhatIsRetainedNorForAWill) {
  EXPECT_EQ(route_after({.topic = "pubsub/json/node", .payload = "1", .retain = true}), nullptr);
  EXPECT_EQ(route_after({.topic = "pubsub/json/node", .payload = "1", .will = true}), nullptr);
}

TEST_F(RouteTest, IsNotGivenForWhatIsRefused) {
  service.outcome = Outcome::refused;
  EXPECT_EQ(route_to("pubsub/json/node"), nullptr);
}

TEST_F(RouteTest, SaysWhetherTheHostShowsWhoHasPublished) {
  EXPECT_FALSE(route_to("pubsub/json/node")->exposes_publisher());
  service.exposes = true;
  hub.node_changed("pubsub", "node");
  EXPECT_TRUE(route_to("pubsub/json/node")->exposes_publisher());
}

TEST_F(RouteTest, LeadsToTheStoreThatTheNodeHasNow) {
  service.items = 5;
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/node", .payload = "1"});
  const auto reply = last_of<PublishReply>();
  const auto route = reply.route;
  EXPECT_EQ(route->items(), 5U);
  EXPECT_EQ(reply.reason, mqtt::Reason::success);  // the store has it
  service.items = 6;
  EXPECT_EQ(route_to("pubsub/json/node")->items(), 6U);
  EXPECT_FALSE(route->is_open());
}

// Pubsub's newest item may be sent in place of what was retained, where it is newer than the end of that.
TEST_F(RouteTest, IsWithdrawnWhenWhatIsRetainedEnds) {
  const auto route = route_to("pubsub/json/node");
  EXPECT_EQ(route_after({.topic = "pubsub/json/node", .payload = "", .retain = true}), nullptr);
  EXPECT_FALSE(route->is_open());
}

TEST_F(RouteTest, ANewOneFollowsOneThatWasWithdrawn) {
  const auto first = route_to("pubsub/json/node");
  hub.withdraw_route("pubsub", "node");
  EXPECT_FALSE(first->is_open());
  const auto second = route_to("pubsub/json/node");
  EXPECT_TRUE(second->is_open());
  EXPECT_FALSE(first->is_open());
}

struct Change {
  const char* name;
  std::function<void(Hub&)> make;
};

class RouteWithdrawal : public RouteTest, public ::testing::WithParamInterface<Change> {};

TEST_P(RouteWithdrawal, IsImmediate) {
  const auto route = route_to("pubsub/json/node");
  GetParam().make(hub);
  EXPECT_FALSE(route->is_open());
}

INSTANTIATE_TEST_SUITE_P(
    On, RouteWithdrawal,
    ::testing::Values(Change{"AnObserverOfTheNode", [](Hub& hub) { hub.withdraw_route("pubsub", "node"); }},
                      Change{"AnObserverOfTheHost", [](Hub& hub) { hub.withdraw_routes("pubsub"); }},
                      Change{"ANewLuaHalf", [](Hub& hub) { hub.withdraw_all_routes(); }},
                      Change{"AConfiguration", [](Hub& hub) { hub.node_changed("pubsub", "node"); }},
                      Change{"AnAffiliation",
                             [](Hub& hub) { hub.affiliation_changed("pubsub", "node", "juliet@localhost"); }},
                      Change{"ADeletion", [](Hub& hub) { hub.node_deleted("pubsub", "node"); }},
                      Change{"ACreation", [](Hub& hub) { hub.node_created("pubsub", "node"); }},
                      Change{"AnAccount", [](Hub& hub) { hub.account_changed("juliet@localhost"); }},
                      Change{"AClosedAccount",
                             [](Hub& hub) { hub.close_account("juliet@localhost", false); }},
                      Change{"AHostOfAccounts", [](Hub& hub) { hub.close_accounts_of("localhost"); }},
                      Change{"AChangedHost", [](Hub& hub) { hub.host_changed("pubsub"); }},
                      Change{"ADisabledHost", [](Hub& hub) { hub.host_disabled("pubsub"); }}),
    [](const auto& change) { return std::string(change.param.name); });

TEST_F(RouteTest, StaysWhenAnotherNodeChanges) {
  const auto route = route_to("pubsub/json/node");
  hub.node_changed("pubsub", "other");
  hub.node_deleted("pubsub", "other");
  hub.withdraw_routes("elsewhere");
  EXPECT_TRUE(route->is_open());
}

}  // namespace
}  // namespace pubsub_mqtt::hub
