// What clients have subscribed to, and publish, when the mount point changes in a reload, or pubsub hosts come and go.
#include "mountpoint_fixture.h"

namespace pubsub_mqtt {
namespace {

class MountpointChangeTest : public MountpointFixture {
 protected:
  MountpointChangeTest() {
    client = connect("client");
    publisher = connect("publisher");
    for (const std::string node : {"tele/x", "home/tele/x", "room/tele/x", "x"}) create(node);
  }

  // Publishes to each node by its full name.
  void publish_everywhere(std::string_view payload) {
    for (const auto& [node, open] : service.open) publish(*publisher, "pubsub/json/" + node, payload);
  }

  std::unique_ptr<Client> client;
  std::unique_ptr<Client> publisher;
};

TEST_F(MountpointChangeTest, WithTheFirstOneFiltersThatBeginWithAWildcardAreMounted) {
  subscribe(*client, "#");
  publish(*publisher, "pubsub/json/tele/x", "1");
  mount("pubsub/json");
  publish(*publisher, "pubsub/json/tele/x", "2");
  publish(*publisher, "tele/x", "3");
  EXPECT_EQ(received(*client), (Topics{"pubsub/json/tele/x=1", "tele/x=2", "tele/x=3"}));
}

TEST_F(MountpointChangeTest, WithoutOneMountedFiltersEndAndWildcardsAreWhatTheyWere) {
  mount("pubsub/json");
  subscribe(*client, "tele/x");
  const auto other = connect("other");
  subscribe(*other, "#");
  unmount();
  EXPECT_TRUE(logged("SUBSCRIBE to tele/x refused"));
  publish(*publisher, "pubsub/json/tele/x", "1");
  EXPECT_TRUE(received(*client).empty());
  EXPECT_EQ(received(*other), (Topics{"pubsub/json/tele/x=1"}));
}

TEST_F(MountpointChangeTest, FiltersFollowToAnotherPrefix) {
  for (const std::string filter : {"tele/x", "tele/#", "$share/g/tele/+"}) {
    mount("pubsub/json/home");
    const auto reader = connect(filter);
    subscribe(*reader, filter);
    publish_everywhere("1");
    EXPECT_EQ(received(*reader), (Topics{"tele/x=1"})) << filter;
    service.published.clear();
    // As many levels, and fewer.
    for (const std::string setting : {"pubsub/json/room", "pubsub/json"}) {
      mount(setting);
      publish_everywhere("2");
      EXPECT_EQ(received(*reader), (Topics{"tele/x=2"})) << filter;
    }
  }
}

TEST_F(MountpointChangeTest, FiltersFollowToAnotherType) {
  mount("pubsub/json");
  subscribe(*client, "tele/x");
  mount("pubsub/xml");
  publish(*publisher, "pubsub/json/tele/x", "1");
  EXPECT_EQ(received(*client), (Topics{"tele/x=<json xmlns='urn:xmpp:json:0'>1</json>"}));
}

TEST_F(MountpointChangeTest, FullFiltersAreLeftAlone) {
  mount("pubsub/json");
  subscribe(*client, "pubsub/json/tele/x");
  const auto asked = service.subscribed.size();
  mount("pubsub/json/home");
  EXPECT_EQ(service.subscribed.size(), asked);
  publish(*publisher, "pubsub/json/tele/x", "1");
  EXPECT_EQ(received(*client), (Topics{"pubsub/json/tele/x=1"}));
}

TEST_F(MountpointChangeTest, AClientThatIsAwayFollowsToo) {
  mount("pubsub/json/home");
  subscribe(*client, "tele/x", QoS::at_least_once);
  client->lose();
  mount("pubsub/json/room");
  publisher->send(mqtt::Publish{
      .topic = "pubsub/json/room/tele/x", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
  run();
  Client back(server);
  back.connect_again("client");
  EXPECT_EQ(received(back), (Topics{"tele/x=1/1"}));
}

TEST_F(MountpointChangeTest, ASubscriptionEndsByTheNameThatItHasNow) {
  mount("pubsub/json/home");
  subscribe(*client, "tele/#");
  mount("pubsub/json/room");
  unsubscribe(*client, "tele/#");
  publish_everywhere("1");
  EXPECT_TRUE(received(*client).empty());
}

TEST_F(MountpointChangeTest, ASubscribeThatIsUnderWayMeansWhatItMeansWhenItIsAnswered) {
  for (const std::string filter : {"tele/x", "tele/#"}) {
    mount("pubsub/json/home");
    const auto reader = connect(filter);
    reader->send(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = filter}}});
    hub.set_mountpoint(std::get<topic::Mountpoint>(topic::Mountpoint::parse("pubsub/json", {"pubsub"})));
    EXPECT_EQ(granted(*reader), Reason::granted_qos_0);
    publish_everywhere("1");
    EXPECT_EQ(received(*reader), (Topics{"tele/x=1"})) << filter;
  }
}

TEST_F(MountpointChangeTest, WhatIsRetainedComesWithWhatTheFilterMeansNow) {
  mount("pubsub/json/home");
  publish(*publisher, "pubsub/json/room/tele/x", "1", true);
  subscribe(*client, "tele/x");
  EXPECT_TRUE(received(*client).empty());
  mount("pubsub/json/room");
  EXPECT_EQ(received(*client), (Topics{"tele/x=1!"}));
}

TEST_F(MountpointChangeTest, APubsubHostTakesTheTopicsThatBeginWithIt) {
  mount("pubsub/json");
  subscribe(*client, "tele/x");
  const auto other = connect("other");
  subscribe(*other, "#");
  mount("pubsub/json", {"pubsub", "tele"});
  publish_everywhere("1");
  EXPECT_TRUE(received(*client).empty());
  EXPECT_EQ(received(*other), (Topics{"home/tele/x=1", "room/tele/x=1", "x=1"}));
  publish(*publisher, "tele/json/x", "1");
  EXPECT_TRUE(logged("PUBLISH to tele/json/x refused"));
  mount("pubsub/json");
  publish_everywhere("2");
  EXPECT_EQ(received(*other), (Topics{"home/tele/x=2", "room/tele/x=2", "tele/x=2", "x=2"}));
}

TEST_F(MountpointChangeTest, WhileHostsComeAndGoNothingElseIsInterrupted) {
  mount("pubsub/json");
  subscribe(*client, "home/#");
  hub.set_mountpoint(
      std::get<topic::Mountpoint>(topic::Mountpoint::parse("pubsub/json", {"pubsub", "more"})));
  // Before the network thread hears of it.
  const auto element = payload::parse_element("<json xmlns='urn:xmpp:json:0'>7</json>");
  hub.item_published("pubsub", "home/tele/x", "1", std::get<pugi::xml_document>(element).document_element());
  run();
  EXPECT_EQ(received(*client), (Topics{"home/tele/x=7"}));
}

TEST_F(MountpointChangeTest, TheSameSettingAgainChangesNothing) {
  mount("pubsub/json");
  subscribe(*client, "tele/x");
  const auto asked = service.subscribed.size();
  mount("pubsub/json");
  EXPECT_EQ(service.subscribed.size(), asked);
}

TEST_F(MountpointChangeTest, AWillMeansWhatItMeansWhenItIsPublished) {
  mount("pubsub/json/home");
  auto leaving = connect("leaving", {}, mqtt::Publish{.topic = "tele/x", .payload = "0"});
  mount("pubsub/json/room");
  server.sessions.send_wills();
  run();
  ASSERT_EQ(service.published.size(), 1U);
  EXPECT_TRUE(service.published[0].starts_with("room/tele/x ")) << service.published[0];
}

}  // namespace
}  // namespace pubsub_mqtt
