#include "topic_matching.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace pubsub_mqtt::topic {
namespace {

struct Match {
  std::string_view filter;
  std::string_view topic;
  bool selects;
};

void check(const std::vector<Match>& table) {
  for (const auto& [filter, topic, selects] : table) {
    EXPECT_EQ(matches(filter, topic), selects) << filter << " and " << topic;
  }
}

TEST(Matches, TheSameCharacters_MQTT_4_7_3_4) {
  check({{"a", "a", true},
         {"a", "b", false},
         {"a", "A", false},
         {"ACCOUNTS", "Accounts", false},
         {"a/b", "a/b", true},
         {"a/b", "a", false},
         {"a", "a/b", false},
         {"a/b", "a/bc", false},
         {"a/bc", "a/b", false},
         {"a", "/a", false},
         {"/a", "a", false},
         {"a/", "a", false},
         {"a", "a/", false},
         {"a//b", "a/b", false},
         {"a//b", "a//b", true},
         {"/", "/", true},
         {"//", "/", false},
         // No normalisation: U+00C5 is not U+0041 U+030A, U+FEFF is not nothing.
         {"a",
          "\xEF\xBB\xBF"
          "a",
          false},
         {"\xC3\x85", "A\xCC\x8A", false}});
}

TEST(Matches, TheMultiLevelWildcardAsIn_4_7_1_2) {
  check({{"sport/tennis/player1/#", "sport/tennis/player1", true},
         {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
         {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
         {"sport/tennis/player1/#", "sport/tennis/player2", false},
         {"sport/tennis/player1/#", "sport/tennis/player11", false},
         {"sport/tennis/player1/#", "sport/tennis", false},
         {"sport/#", "sport", true},
         {"sport/#", "sport/", true},
         {"sport/#", "sports", false},
         {"sport/#", "/sport", false},
         {"#", "a", true},
         {"#", "a/b/c", true},
         {"#", "/", true},
         {"/#", "/a", true},
         {"/#", "/", true},
         {"/#", "a", false}});
}

TEST(Matches, TheSingleLevelWildcardAsIn_4_7_1_3) {
  check({{"sport/tennis/+", "sport/tennis/player1", true},
         {"sport/tennis/+", "sport/tennis/player2", true},
         {"sport/tennis/+", "sport/tennis/player1/ranking", false},
         {"sport/tennis/+", "sport/tennis", false},
         {"sport/+", "sport", false},
         {"sport/+", "sport/", true},
         {"+", "a", true},
         {"+", "a/b", false},
         {"+", "/a", false},
         {"+/+", "/finance", true},
         {"/+", "/finance", true},
         {"+", "/finance", false},
         {"+/tennis/#", "sport/tennis", true},
         {"+/tennis/#", "sport/tennis/player1", true},
         {"+/tennis/#", "tennis", false},
         {"sport/+/player1", "sport/tennis/player1", true},
         {"sport/+/player1", "sport//player1", true},
         {"sport/+/player1", "sport/a/b/player1", false},
         {"+/#", "a", true},
         {"a/+/#", "a", false}});
}

TEST(Matches, NoWildcardOnTheFirstLevelWithADollarTopic_MQTT_4_7_2_1) {
  check({{"#", "$SYS", false},
         {"#", "$SYS/a", false},
         {"+", "$SYS", false},
         {"+/monitor/Clients", "$SYS/monitor/Clients", false},
         {"+/#", "$SYS/a", false},
         {"$SYS/#", "$SYS/monitor/Clients", true},
         {"$SYS/#", "$SYS", true},
         {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
         {"a/+", "a/$b", true},
         {"a/#", "a/$b", true},
         {"#", "a/$b", true}});
}

}  // namespace
}  // namespace pubsub_mqtt::topic
