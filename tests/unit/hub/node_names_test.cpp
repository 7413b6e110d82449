// Names of nodes, as long as the stores of their host can hold.
#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using mqtt::Reason;

// 60 characters, as a device may be called: 120 bytes of UTF-8, and 360 as the name of a file.
std::string cyrillic() {
  std::string name;
  for (int i = 0; i < 60; ++i) name += "Ж";
  return name;
}

class NodeNamesTest : public HubTest {
 protected:
  // Of file storage.
  void hold_at_most_200() { hub.set_max_node_name("pubsub", 200); }
};

TEST_F(NodeNamesTest, AreAsLongAsMqttAllowsWhereTheStoreHasNoLimit) {
  for (const std::string& name : {cyrillic(), std::string(60000, 'a')}) {
    create(name);
    EXPECT_EQ(subscribe(1, "pubsub/json/" + name), Reason::granted_qos_0);
    EXPECT_EQ(publish("pubsub/json/" + name, "1"), Outcome::accepted);
    EXPECT_EQ(take<ItemPublished>().size(), 1U);
  }
}

TEST_F(NodeNamesTest, AreNoLongerThanFitsIntoATopic) {
  const std::string longest(65535 - std::string("pubsub/atom_title/").size(), 'a');
  EXPECT_EQ(subscribe(1, "pubsub/json/" + longest), Reason::granted_qos_0);
  EXPECT_EQ(subscribe(1, "pubsub/json/a" + longest), Reason::unspecified_error);
  subscribe(1, "pubsub/#");
  create("a" + longest);  // by XMPP
  publish("pubsub/json/a" + longest, "1");
  EXPECT_TRUE(take<ItemPublished>().empty());
}

TEST_F(NodeNamesTest, AreRefusedWhereFilesCannotHoldThem) {
  hold_at_most_200();
  const std::string topic = "pubsub/json/" + cyrillic();
  EXPECT_EQ(publish(topic, "1"), Outcome::refused);
  EXPECT_EQ(subscribe(1, topic), Reason::unspecified_error);
  EXPECT_EQ(subscribe(1, topic + "/#"), Reason::unspecified_error);
  EXPECT_NE(service.lines.at(0).find("storage = \"sql\""), std::string::npos) << service.lines[0];
  EXPECT_EQ(subscribe(1, "pubsub/json/" + std::string(200, 'a')), Reason::granted_qos_0);
  EXPECT_EQ(subscribe(1, "pubsub/json/" + std::string(201, 'a')), Reason::unspecified_error);
  // A slash takes three bytes.
  EXPECT_EQ(subscribe(1, "pubsub/json/" + std::string(60, '/') + std::string(20, 'a')),
            Reason::granted_qos_0);
  EXPECT_EQ(subscribe(1, "pubsub/json/" + std::string(60, '/') + std::string(21, 'a')),
            Reason::unspecified_error);
}

TEST_F(NodeNamesTest, TellAClientOf5WhatIsWrong) {
  hold_at_most_200();
  ask(AskToPublish{.session = 1, .topic = "pubsub/json/" + cyrillic(), .payload = "1"});
  const auto reply = last_of<PublishReply>();
  EXPECT_EQ(reply.reason, Reason::topic_name_invalid);
  EXPECT_NE(reply.reason_string.find("longer"), std::string::npos) << reply.reason_string;
}

TEST_F(NodeNamesTest, AreInvisibleWhereFilesCannotHoldThem) {
  hold_at_most_200();
  subscribe(1, "pubsub/#");
  create("short");
  take<NodeOpened>();
  create(cyrillic());
  EXPECT_TRUE(take<NodeOpened>().empty());
}

TEST_F(NodeNamesTest, OfAWillAreJudgedWhenItsClientConnects) {
  hold_at_most_200();
  ask(AnnounceWill{.session = 1, .will = {.topic = "pubsub/json/" + cyrillic(), .payload = "1"}});
  EXPECT_NE(service.lines.at(0).find("can never be published"), std::string::npos) << service.lines[0];
}

TEST_F(NodeNamesTest, FollowTheStore) {
  hold_at_most_200();
  hub.set_max_node_name("pubsub", std::nullopt);
  EXPECT_EQ(publish("pubsub/json/" + cyrillic(), "1"), Outcome::accepted);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
