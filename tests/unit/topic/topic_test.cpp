#include "pubsub_mqtt/topic/topic.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace pubsub_mqtt::topic {
namespace {

TEST(TopicTest, HostTypeAndNode) {
  const auto parsed = parse_topic("pubsub.example.org/atom_title/news");
  const auto& topic = std::get<NodeTopic>(parsed);
  EXPECT_EQ(topic.host, "pubsub.example.org");
  EXPECT_EQ(topic.type, Type::atom_title);
  EXPECT_EQ(topic.node, "news");
}

TEST(TopicTest, SlashesBelongToTheNode) {
  for (const std::string node : {"a/b", "/a", "a//b", "a/", "/", "$a/b"}) {
    const std::string topic = "h/json/" + node;
    const auto parsed = parse_topic(topic);
    ASSERT_TRUE(std::holds_alternative<NodeTopic>(parsed)) << node;
    EXPECT_EQ(std::get<NodeTopic>(parsed).node, node);
  }
}

TEST(TopicTest, WhatIsNoNodeTopic) {
  for (const std::string_view topic :
       {"", "h", "h/json", "h/json/", "h/nope/n", "h//n", "h/JSON/n", "$SYS/broker/uptime"}) {
    EXPECT_TRUE(std::holds_alternative<NoNodeTopic>(parse_topic(topic))) << topic;
  }
}

TEST(TopicTest, NodeNamesHoldNoControlCharactersAndNoNonCharacters) {
  for (const std::string_view name :
       {"a\x01z", "\x1f", "\x7f", "\xC2\x80", "\xC2\x9F", "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\xEF\xB7\x90",
        "\xEF\xB7\xAF", "\xF0\x9F\xBF\xBE", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_FALSE(is_node_name(name)) << name;
  }
  for (const std::string_view name : {"\xC2\xA0", "\xEF\xBB\xBF", "\xEF\xBF\xBD", "\xEF\xB7\x8F",
                                      "\xEF\xB7\xB0", "\xF0\x9F\x8C\xA1", "Zähler 7"}) {
    EXPECT_TRUE(is_node_name(name)) << name;
  }
}

TEST(TopicTest, NodesNamedLikeWildcardsAreInvisible) {
  EXPECT_FALSE(is_node_name("a+b"));
  EXPECT_FALSE(is_node_name("a/#"));
}

TEST(TopicTest, ANameIsAsLongAsMqttAllows) { EXPECT_TRUE(is_node_name(std::string(65000, 'a'))); }

TEST(TopicTest, AsTheNameOfAFileAllButLettersAndDigitsTakeThreeBytes) {
  EXPECT_EQ(encoded_size(""), 0U);
  EXPECT_EQ(encoded_size("azAZ09"), 6U);
  EXPECT_EQ(encoded_size("a/b-c"), 9U);
  EXPECT_EQ(encoded_size("Ж"), 6U);
}

// A wildcard may stand for an empty level.
TEST(TopicTest, APatternIsNoLongerThanTheShortestNameThatItSelects) {
  EXPECT_EQ(encoded_size("+/+/a"), encoded_size("//a"));
  EXPECT_EQ(encoded_size("a/#"), encoded_size("a/"));
}

TEST(TopicTest, AFilterIsForAGroupOrForTheClientAlone) {
  for (const auto& [text, group, filter] :
       std::vector<std::array<std::string_view, 3>>{{"$share/g/h/json/n", "g", "h/json/n"},
                                                    {"$share/g/#", "g", "#"},
                                                    {"$share/g//n", "g", "/n"},
                                                    {"$share/g/$SYS/#", "g", "$SYS/#"},
                                                    {"$share/$g/+/+/n", "$g", "+/+/n"},
                                                    {"h/json/n", "", "h/json/n"},
                                                    {"$shared/g/#", "", "$shared/g/#"},
                                                    {"$share", "", "$share"},
                                                    {"$SHARE/g/#", "", "$SHARE/g/#"}}) {
    const auto split = split_group(text);
    ASSERT_TRUE(split.has_value()) << text;
    EXPECT_EQ(split->group, group) << text;
    EXPECT_EQ(split->filter, filter) << text;
    EXPECT_EQ(is_shared(text), !group.empty()) << text;
  }
}

TEST(TopicTest, AGroupHasANameWithoutWildcardsAndAFilterBehindIt) {  // [MQTT5-4.8.2-1, MQTT5-4.8.2-2]
  for (const std::string_view text :
       {"$share/", "$share/g", "$share/g/", "$share//n", "$share//", "$share/+/n", "$share/#", "$share/+"}) {
    EXPECT_FALSE(split_group(text)) << text;
    EXPECT_TRUE(is_shared(text)) << text;
  }
}

TEST(TopicTest, AFilterWithAGroupIsNoneByItself) {
  EXPECT_TRUE(std::holds_alternative<NoNodeTopic>(parse_filter("$share/g/h/json/n")));
}

}  // namespace
}  // namespace pubsub_mqtt::topic
