// Mounted topics on the direct way (docs/architecture.md, "The direct way").
#include "mountpoint_fixture.h"

namespace pubsub_mqtt {
namespace {

class MountpointDirectWayTest : public MountpointFixture {
 protected:
  MountpointDirectWayTest() {
    service.unobserved = true;
    mount("pubsub/json/home");
    create("home/tele/x");
    client = connect("client");
    publisher = connect("publisher");
  }

  // Returns what has come when the hub has done nothing.
  Topics received_directly(std::string_view topic, std::string_view payload) {
    publisher->send(mqtt::Publish{.topic = topic, .payload = payload});
    auto all = received(*client);
    run();
    return all;
  }

  std::unique_ptr<Client> client;
  std::unique_ptr<Client> publisher;
};

TEST_F(MountpointDirectWayTest, GoBothWaysByBothNames) {
  subscribe(*client, "tele/+");
  subscribe(*client, "pubsub/json/home/#");
  const Topics both{"pubsub/json/home/tele/x=2", "tele/x=2"};
  for (const std::string topic : {"tele/x", "pubsub/json/home/tele/x"}) {
    publish(*publisher, topic, "1");
    received(*client);
    auto all = received_directly(topic, "2");
    std::ranges::sort(all);
    EXPECT_EQ(all, both) << topic;
  }
  EXPECT_EQ(service.published.size(), 2U);
}

TEST_F(MountpointDirectWayTest, GoInTheFormOfTheMountPointsType) {
  subscribe(*client, "tele/x");
  publish(*publisher, "pubsub/utf8/home/tele/x", "1");
  EXPECT_TRUE(received_directly("pubsub/utf8/home/tele/x", "2").empty());  // no JSON
  mount("pubsub/xml/home");
  publish(*publisher, "pubsub/json/home/tele/x", "1");
  received(*client);
  EXPECT_EQ(received_directly("pubsub/json/home/tele/x", "2"),
            (Topics{"tele/x=<json xmlns='urn:xmpp:json:0'>2</json>"}));
}

TEST_F(MountpointDirectWayTest, GoToGroupsToo) {
  subscribe(*client, "$share/g/tele/#");
  publish(*publisher, "tele/x", "1");
  received(*client);
  EXPECT_EQ(received_directly("tele/x", "2"), (Topics{"tele/x=2"}));
}

TEST_F(MountpointDirectWayTest, AnAtomTitleIsReceivedAsAnEntry) {
  mount("pubsub/xml/home");
  subscribe(*client, "tele/x");
  publish(*publisher, "pubsub/atom_title/home/tele/x", "1");
  received(*client);
  const Topics entries = received_directly("pubsub/atom_title/home/tele/x", "2");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_TRUE(entries[0].starts_with("tele/x=<entry")) << entries[0];
  EXPECT_NE(entries[0].find("<title>2</title>"), std::string::npos) << entries[0];
}

TEST_F(MountpointDirectWayTest, WhatWaitsForPubsubByAnotherNameIsNotOvertaken) {
  subscribe(*client, "tele/x");
  publish(*publisher, "tele/x", "1");
  received(*client);
  const auto other = connect("other");
  other->send(mqtt::Publish{.topic = "pubsub/json/home/tele/x", .payload = "2"});
  EXPECT_TRUE(received_directly("tele/x", "3").empty());
  EXPECT_EQ(received(*client), (Topics{"tele/x=2", "tele/x=3"}));
}

TEST_F(MountpointDirectWayTest, IsForWhatTheTopicMeansNow) {
  create("room/tele/x");
  publish(*publisher, "tele/x", "1");
  mount("pubsub/json/room");
  publish(*publisher, "tele/x", "2");
  EXPECT_TRUE(service.published.back().starts_with("room/tele/x ")) << service.published.back();
}

TEST_F(MountpointDirectWayTest, IsNotGivenForWhatTheTopicMeantWhenItWasSent) {
  create("room/tele/x");
  publisher->send(mqtt::Publish{.topic = "tele/x", .payload = "1"});
  hub.set_mountpoint(std::get<topic::Mountpoint>(topic::Mountpoint::parse("pubsub/json/room", {"pubsub"})));
  run();
  EXPECT_TRUE(service.published.back().starts_with("home/tele/x "));
  publish(*publisher, "tele/x", "2");
  EXPECT_TRUE(service.published.back().starts_with("room/tele/x ")) << service.published.back();
}

}  // namespace
}  // namespace pubsub_mqtt
