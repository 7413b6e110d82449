// Who is in the groups of shared subscriptions, and whose turn it is (MQTT 5.0, 4.8.2).
#include "routing/shared_groups.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace pubsub_mqtt::session {
namespace {

using State = Standing::State;
using mqtt::QoS;
using topic::Type;

class SharedGroupsTest : public ::testing::Test {
 protected:
  void join(SessionId session, const std::string& filter, QoS qos = QoS::at_least_once,
            const std::string& account = {}, GroupScope scope = GroupScope::server) {
    groups.join(session, account, {.topic_filter = filter, .qos = qos}, scope);
  }

  std::vector<std::string> selecting(NodeId node, std::string_view name) {
    std::vector<std::string> filters;
    for (const SharedGroup* group : groups.selecting(node, "h", name)) filters.push_back(group->filter());
    return filters;
  }

  SharedGroup& only() { return *groups.selecting(7, "h", "n").at(0); }

  // Who gets the next messages, as `standings` has it.
  std::vector<SessionId> next(int count) {
    std::vector<SessionId> sessions;
    for (int i = 0; i < count; ++i) {
      const auto chosen = only().choose([&](const SharedGroup::Member& member) -> std::optional<Standing> {
        const auto found = standings.find(member.session);
        return found == standings.end() ? std::nullopt : std::optional(found->second);
      });
      sessions.push_back(chosen ? chosen->session : 0);
    }
    return sessions;
  }

  SharedGroups groups;
  std::map<SessionId, Standing> standings;  // those that are not here cannot have it
};

using Turns = std::vector<SessionId>;

TEST_F(SharedGroupsTest, AGroupIsItsNameAndItsFilter) {
  join(1, "$share/a/h/json/n");
  join(2, "$share/a/h/json/n");
  join(3, "$share/b/h/json/n");
  join(4, "$share/a/h/+/+");
  join(5, "$share/a/h/json/other");
  EXPECT_EQ(selecting(7, "n"),
            (std::vector<std::string>{"$share/a/h/json/n", "$share/b/h/json/n", "$share/a/h/+/+"}));
  EXPECT_EQ(selecting(8, "other"), (std::vector<std::string>{"$share/a/h/+/+", "$share/a/h/json/other"}));
}

TEST_F(SharedGroupsTest, KnowsWhichTopicOfAnItemItsFilterSelects) {
  for (const auto& [filter, type] : std::map<std::string, std::optional<Type>>{
           {"$share/a/h/json/n", Type::json},
           {"$share/a/+/xml/n", Type::xml},
           {"$share/a/h/+/n", std::nullopt},
           {"$share/a/#", std::nullopt},
       }) {
    join(1, filter);
    EXPECT_EQ(only().form(), type) << filter;
    groups.leave(1, {}, filter);
  }
}

TEST_F(SharedGroupsTest, AGroupWithoutMembersIsNone) {
  join(1, "$share/a/h/json/n");
  join(2, "$share/a/h/json/n");
  const GroupNumber number = only().number();
  EXPECT_TRUE(only().has(1));
  groups.leave(1, {}, "$share/a/h/json/n");
  EXPECT_FALSE(only().has(1));
  EXPECT_EQ(groups.find(number), &only());
  groups.leave(2, {}, "$share/a/h/json/n");
  EXPECT_EQ(groups.find(number), nullptr);
  EXPECT_TRUE(selecting(7, "n").empty());
  groups.leave(2, {}, "$share/a/h/json/n");
  join(1, "$share/a/h/json/n");
  EXPECT_NE(only().number(), number) << "what waits for the old group is not for the new one";
}

TEST_F(SharedGroupsTest, AccountsMayHaveGroupsOfTheirOwn) {
  join(1, "$share/a/h/json/n", QoS::at_least_once, "juliet@h", GroupScope::account);
  join(2, "$share/a/h/json/n", QoS::at_least_once, "romeo@h", GroupScope::account);
  join(3, "$share/a/h/json/n", QoS::at_least_once, "", GroupScope::account);
  join(4, "$share/a/h/json/n", QoS::at_least_once, "romeo@h", GroupScope::server);
  EXPECT_EQ(selecting(7, "n").size(), 4U);
  groups.leave(4, "romeo@h", "$share/a/h/json/n");
  groups.leave(2, "romeo@h", "$share/a/h/json/n");
  groups.leave(1, "romeo@h", "$share/a/h/json/n");
  EXPECT_EQ(selecting(7, "n").size(), 2U);
  groups.leave(1, "juliet@h", "$share/a/h/json/n");
  groups.leave(3, "", "$share/a/h/json/n");
  EXPECT_TRUE(selecting(7, "n").empty());
}

// Its client subscribes again after mqtt_shared_groups has changed.
TEST_F(SharedGroupsTest, ASessionIsInOneGroupOfAFilter) {
  const std::string filter = "$share/a/h/json/n";
  for (const GroupScope scope : {GroupScope::server, GroupScope::account, GroupScope::server}) {
    join(1, filter, QoS::at_least_once, "romeo@h", scope);
    EXPECT_EQ(selecting(7, "n").size(), 1U) << "one copy of each message";
  }
  groups.leave(1, "romeo@h", filter);
  EXPECT_TRUE(selecting(7, "n").empty());
}

TEST_F(SharedGroupsTest, MembersTakeTurns) {
  for (const SessionId session : {30U, 10U, 20U}) {
    join(session, "$share/a/h/json/n");
    standings[session] = {};
  }
  EXPECT_EQ(next(4), (Turns{10, 20, 30, 10}));
  groups.leave(20, {}, "$share/a/h/json/n");
  EXPECT_EQ(next(2), (Turns{30, 10}));
  join(25, "$share/a/h/json/n");
  standings[25] = {};
  EXPECT_EQ(next(3), (Turns{25, 30, 10}));
}

TEST_F(SharedGroupsTest, WhoHasAPlaceComesFirstThenWhoHasLittleThenWhoIsAway) {
  for (const SessionId session : {1U, 2U, 3U, 4U}) join(session, "$share/a/h/json/n");
  standings = {{1, {.state = State::is_full, .queued = 5}},
               {2, {.state = State::is_away}},
               {3, {.state = State::has_place, .queued = 9}}};
  EXPECT_EQ(next(2), (Turns{3, 3}));
  standings[3] = {.state = State::is_full, .queued = 6};
  EXPECT_EQ(next(2), (Turns{1, 1}));
  standings[3].queued = 5;
  EXPECT_EQ(next(3), (Turns{3, 1, 3})) << "of equals in turn";
  standings.erase(1);
  standings.erase(3);
  EXPECT_EQ(next(1), (Turns{2}));
  standings.clear();
  EXPECT_EQ(next(1), (Turns{0})) << "nobody can have it";
}

TEST_F(SharedGroupsTest, TheLastSubscriptionOfAMemberSaysItsQos) {
  join(1, "$share/a/h/json/n", QoS::exactly_once);
  join(1, "$share/a/h/json/n", QoS::at_most_once);
  const auto chosen = only().choose([](const auto&) { return std::optional(Standing{}); });
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->match.qos, QoS::at_most_once);
}

}  // namespace
}  // namespace pubsub_mqtt::session
