#include "pubsub_mqtt/topic/mountpoint.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pubsub_mqtt::topic {
namespace {

const Mountpoint::Hosts hosts{"pubsub.example.org", "news.example.org"};

Mountpoint mounted_at(std::string_view setting) {
  return std::get<Mountpoint>(Mountpoint::parse(setting, hosts));
}

std::string before(std::string_view prefix, std::string_view account, std::string_view client_identifier) {
  return mounted_at("pubsub.example.org/json/" + std::string(prefix)).before(account, client_identifier);
}

TEST(MountpointTest, IsAHostATypeAndPerhapsAPrefix) {
  EXPECT_EQ(mounted_at("pubsub.example.org/utf8").before({}, "c"), "pubsub.example.org/utf8/");
  EXPECT_EQ(mounted_at("pubsub.example.org/utf8").type(), Type::utf8);
  EXPECT_EQ(mounted_at("news.example.org/json/a/b").before({}, "c"), "news.example.org/json/a/b/");
  EXPECT_EQ(mounted_at("news.example.org/json/a/b").host(), "news.example.org");
}

TEST(MountpointTest, IsNothingElse) {
  for (const std::string_view setting :
       {"", "pubsub.example.org", "pubsub.example.org/", "pubsub.example.org/nope", "example.org/json",
        "PUBSUB.example.org/json", "/json", "pubsub.example.org/json/", "pubsub.example.org/json//a",
        "pubsub.example.org/json/a/", "pubsub.example.org/json/a//b", "pubsub.example.org/json/+",
        "pubsub.example.org/json/a/#", "pubsub.example.org/json/a\x01", "pubsub.example.org/json/%x",
        "pubsub.example.org/json/%", "pubsub.example.org/json/a%%u"}) {
    EXPECT_TRUE(std::holds_alternative<Mountpoint::Invalid>(Mountpoint::parse(setting, hosts))) << setting;
  }
}

TEST(MountpointTest, TakesWhatDoesNotBeginWithAPubsubHost) {
  const Mountpoint mountpoint = mounted_at("pubsub.example.org/json");
  for (const std::string_view name : {"tele/x", "x", "/x", "#", "+", "+/json/x", "tele/#", "json/x",
                                      "example.org/json/x", "pubsub.example.org.x/json/a"}) {
    EXPECT_TRUE(mountpoint.takes(name)) << name;
  }
  for (const std::string_view name :
       {"pubsub.example.org/json/x", "news.example.org", "news.example.org/#", "$SYS/#", "$x", "$"}) {
    EXPECT_FALSE(mountpoint.takes(name)) << name;
  }
}

TEST(MountpointTest, NamesTheAccountAndTheClient) {
  EXPECT_EQ(before("home/%u", "juliet@example.org", "meter"),
            "pubsub.example.org/json/home/juliet@example.org/");
  EXPECT_EQ(before("%u", "", "meter"), "pubsub.example.org/json/anonymous/");
  EXPECT_EQ(before("%c/x", "", "meter"), "pubsub.example.org/json/meter/x/");
  EXPECT_EQ(before("of-%u-%c", "", "meter"), "pubsub.example.org/json/of-anonymous-meter/");
}

TEST(MountpointTest, AClientChoosesOneLevelOfItAndNoMore) {
  EXPECT_EQ(before("%c", "", "a/b+c#d%e$f"), "pubsub.example.org/json/a%2Fb%2Bc%23d%25e%24f/");
  EXPECT_EQ(before("%c", "", "a\x01\x1f\x7f"), "pubsub.example.org/json/a%01%1F%7F/");
  EXPECT_EQ(before("%c", "", "\xC2\x80\xC2\x9F\xC2\xA0"), "pubsub.example.org/json/%C2%80%C2%9F\xC2\xA0/");
  EXPECT_EQ(before("%c", "", "Zähler 7"), "pubsub.example.org/json/Zähler 7/");
  EXPECT_EQ(before("%c", "", "%u"), "pubsub.example.org/json/%25u/");
}

TEST(MountpointTest, ANodeBelowItHasAMountedTopic) {
  EXPECT_EQ(mounted_at("pubsub.example.org/json").topic_of("pubsub.example.org", "tele/x"), "tele/x");
  EXPECT_EQ(mounted_at("pubsub.example.org/json").topic_of("pubsub.example.org", "/x"), "/x");
  EXPECT_EQ(mounted_at("pubsub.example.org/json/a/%u").topic_of("pubsub.example.org", "a/anonymous/tele/x"),
            "tele/x");
  EXPECT_EQ(mounted_at("pubsub.example.org/json/a").topic_of("pubsub.example.org", "a//x"), "/x");
}

TEST(MountpointTest, OtherNodesHaveNone) {
  const Mountpoint bare = mounted_at("pubsub.example.org/json");
  EXPECT_EQ(bare.topic_of("news.example.org", "tele/x"), std::nullopt);
  for (const std::string_view node : {"$x", "$x/y", "pubsub.example.org", "news.example.org/json/x"}) {
    EXPECT_EQ(bare.topic_of("pubsub.example.org", node), std::nullopt) << node;
  }
  const Mountpoint below = mounted_at("pubsub.example.org/json/a");
  for (const std::string_view node : {"a", "a/", "x", "a/$x", "a/news.example.org/x"}) {
    EXPECT_EQ(below.topic_of("pubsub.example.org", node), std::nullopt) << node;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::topic
