// Mounted topics and filters, from a client's packet to the packets of those who subscribe (docs/mapping.md, "The mount
// point").
#include "mountpoint_fixture.h"

namespace pubsub_mqtt {
namespace {

class MountpointTest : public MountpointFixture {
 protected:
  MountpointTest() {
    mount("pubsub/json");
    client = connect("client");
    publisher = connect("publisher");
  }

  std::unique_ptr<Client> client;
  std::unique_ptr<Client> publisher;
};

TEST_F(MountpointTest, ATopicIsTakenBelowIt) {
  create("tele/x");
  publish(*publisher, "tele/x", "1");
  EXPECT_EQ(service.published, (std::vector<std::string>{"tele/x <json xmlns='urn:xmpp:json:0'>1</json>"}));
  mount("pubsub/utf8/home");
  publish(*publisher, "tele/x", "on");
  EXPECT_EQ(service.published.back(), "home/tele/x <data xmlns='https://prosody.im/protocol/mqtt'>on</data>");
}

TEST_F(MountpointTest, ATopicOfAPubsubHostIsNot) {
  publish(*publisher, "news/json/x", "1");
  EXPECT_TRUE(service.published.empty());
  EXPECT_TRUE(logged("PUBLISH to news/json/x refused"));
  publish(*publisher, "$x/y", "1");
  EXPECT_TRUE(logged("PUBLISH to $x/y refused: topics that begin with $ are reserved"));
}

TEST_F(MountpointTest, WhoSubscribesByAMountedTopicGetsIt) {
  create("tele/x");
  EXPECT_EQ(subscribe(*client, "tele/x", QoS::at_least_once), Reason::granted_qos_1);
  publish(*publisher, "tele/x", "1");
  publish(*publisher, "pubsub/json/tele/x", "2");
  publish(*publisher, "pubsub/utf8/tele/x", "3");  // no JSON
  EXPECT_EQ(received(*client), (Topics{"tele/x=1", "tele/x=2"}));
}

TEST_F(MountpointTest, TheNodeHasBothNames) {
  create("tele/x");
  subscribe(*client, "tele/#", QoS::exactly_once);
  subscribe(*client, "pubsub/json/tele/x", QoS::at_least_once);
  subscribe(*client, "pubsub/+/#");
  subscribe(*client, "pubsub/xml/#");
  client->send(
      mqtt::Publish{.topic = "tele/x", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
  run();
  auto all = received(*client);
  std::ranges::sort(all);
  EXPECT_EQ(all, (Topics{"pubsub/json/tele/x=1/1", "pubsub/xml/tele/x=<json xmlns='urn:xmpp:json:0'>1</json>",
                         "tele/x=1/1"}));
}

TEST_F(MountpointTest, AFilterByOneNameSaysNothingOfTheOther) {
  create("tele/x");
  subscribe(*client, "tele/x");
  subscribe(*client, "pubsub/json/tele/x");
  unsubscribe(*client, "pubsub/json/tele/x");
  publish(*publisher, "tele/x", "1");
  EXPECT_EQ(received(*client), (Topics{"tele/x=1"}));
  subscribe(*client, "pubsub/json/tele/x");
  unsubscribe(*client, "tele/x");
  publish(*publisher, "tele/x", "2");
  EXPECT_EQ(received(*client), (Topics{"pubsub/json/tele/x=2"}));
  // Nor where one of them is a mounted filter that reads like the full one.
  unsubscribe(*client, "tele/x");
  EXPECT_TRUE(received(*client).empty());
}

TEST_F(MountpointTest, FiltersThatBeginWithAWildcardAreAboutMountedTopicsOnly) {
  for (const std::string node : {"x", "tele/x", "tele/y/z", "/x"}) create(node);
  const std::vector<std::pair<std::string, Topics>> expected{
      {"#", {"/x=1", "tele/x=1", "tele/y/z=1", "x=1"}},
      {"+/#", {"/x=1", "tele/x=1", "tele/y/z=1", "x=1"}},
      {"+/x", {"/x=1", "tele/x=1"}},
      {"+", {"x=1"}},
      {"tele/#", {"tele/x=1", "tele/y/z=1"}},
      {"+/json/#", {}},
  };
  for (const auto& [filter, topics] : expected) {
    const auto reader = connect(filter);
    EXPECT_EQ(subscribe(*reader, filter), Reason::granted_qos_0) << filter;
    for (const std::string node : {"/x", "tele/x", "tele/y/z", "x"})
      publish(*publisher, "pubsub/json/" + node, "1");
    EXPECT_EQ(received(*reader), topics) << filter;
  }
}

TEST_F(MountpointTest, BelowAPrefixWildcardsDoNotLeaveIt) {
  mount("pubsub/json/home");
  for (const std::string node : {"home", "home/x", "homes/x", "x", "home/tele/x"}) create(node);
  subscribe(*client, "#");
  for (const auto& [node, open] : service.open) publish(*publisher, "pubsub/json/" + node, "1");
  EXPECT_EQ(received(*client), (Topics{"tele/x=1", "x=1"}));
}

TEST_F(MountpointTest, NodesThatAreNamedLikeReservedTopicsHaveNoMountedOne) {
  for (const std::string node : {"$x/y", "news/json/x", "pubsub", "x"}) create(node);
  subscribe(*client, "#");
  subscribe(*client, "pubsub/json/#");
  for (const std::string node : {"$x/y", "news/json/x", "pubsub", "x"})
    publish(*publisher, "pubsub/json/" + node, "1");
  auto all = received(*client);
  std::ranges::sort(all);
  EXPECT_EQ(all, (Topics{"pubsub/json/$x/y=1", "pubsub/json/news/json/x=1", "pubsub/json/pubsub=1",
                         "pubsub/json/x=1", "x=1"}));
}

TEST_F(MountpointTest, MountedFiltersFollowNodesAsTheyComeAndGo) {
  subscribe(*client, "tele/#");
  create("tele/x");
  publish(*publisher, "tele/x", "1");
  hub.node_deleted("pubsub", "tele/x");
  service.open.erase("tele/x");
  run();
  create("tele/x");
  publish(*publisher, "tele/x", "2");
  EXPECT_EQ(received(*client), (Topics{"tele/x=1", "tele/x=2"}));
}

TEST_F(MountpointTest, RightsAreTheNodes) {
  create("tele/x");
  service.open["tele/x"] = false;
  hub.node_changed("pubsub", "tele/x");
  EXPECT_EQ(subscribe(*client, "tele/x"), Reason::unspecified_error);
  EXPECT_TRUE(logged("SUBSCRIBE to tele/x (pubsub/json/tele/x) refused"));
  subscribe(*client, "#");
  publish(*publisher, "tele/x", "1");
  EXPECT_TRUE(received(*client).empty());
  service.outcome = hub::Outcome::refused;
  publish(*publisher, "tele/x", "1");
  EXPECT_TRUE(logged("PUBLISH to tele/x (pubsub/json/tele/x) refused: because"));
}

TEST_F(MountpointTest, WhatXmppPublishesHasItsMountedTopic) {
  create("tele/x");
  subscribe(*client, "tele/#", QoS::at_least_once);
  const auto element = payload::parse_element("<json xmlns='urn:xmpp:json:0'>7</json>");
  hub.item_published("pubsub", "tele/x", "1", std::get<pugi::xml_document>(element).document_element());
  run();
  EXPECT_EQ(received(*client), (Topics{"tele/x=7/1"}));
}

TEST_F(MountpointTest, RetainedMessagesAreTheNodes) {
  create("tele/x");
  create("tele/y");
  publish(*publisher, "tele/x", "1", true);
  publish(*publisher, "pubsub/json/tele/y", "2", true);
  publish(*publisher, "pubsub/utf8/tele/z", "3", true);
  EXPECT_EQ(subscribe(*client, "tele/+"), Reason::granted_qos_0);
  EXPECT_EQ(received(*client), (Topics{"tele/x=1!", "tele/y=2!"}));
  subscribe(*client, "tele/x");
  EXPECT_EQ(received(*client), (Topics{"tele/x=1!"}));
  subscribe(*client, "pubsub/json/tele/x");
  EXPECT_EQ(received(*client), (Topics{"pubsub/json/tele/x=1!"}));
}

TEST_F(MountpointTest, AClearReachesBothNames) {
  create("tele/x");
  publish(*publisher, "tele/x", "1", true);
  for (const std::string topic : {"tele/x", "pubsub/json/tele/x"}) {
    subscribe(*client, topic);
    received(*client);
  }
  for (const std::string topic : {"tele/x", "pubsub/json/tele/x"}) {
    publish(*publisher, topic, "", true);
    auto all = received(*client);
    std::ranges::sort(all);
    EXPECT_EQ(all, (Topics{"pubsub/json/tele/x=", "tele/x="})) << topic;
    publish(*publisher, topic, "1", true);
    received(*client);
  }
  EXPECT_EQ(service.retracted, 2);
}

TEST_F(MountpointTest, OfAGroupOneMemberGetsAMountedMessage) {
  create("tele/x");
  const auto other = connect("other");
  for (Client* member : {client.get(), other.get()}) {
    EXPECT_EQ(subscribe(*member, "$share/g/tele/#"), Reason::granted_qos_0);
  }
  const auto full = connect("full");
  subscribe(*full, "$share/g/pubsub/json/tele/#");
  for (const std::string payload : {"1", "2"}) publish(*publisher, "tele/x", payload);
  EXPECT_EQ(received(*client), (Topics{"tele/x=1"}));
  EXPECT_EQ(received(*other), (Topics{"tele/x=2"}));
  EXPECT_EQ(received(*full), (Topics{"pubsub/json/tele/x=1", "pubsub/json/tele/x=2"}));
  unsubscribe(*client, "$share/g/tele/#");
  publish(*publisher, "tele/x", "3");
  EXPECT_EQ(received(*other), (Topics{"tele/x=3"}));
}

TEST_F(MountpointTest, AGroupHasNoNodeWithoutAMountedTopic) {
  create("$x/y");
  subscribe(*client, "$share/g/#");
  publish(*publisher, "pubsub/json/$x/y", "1");
  EXPECT_TRUE(received(*client).empty());
}

TEST_F(MountpointTest, AWillIsTakenBelowIt) {
  create("tele/lwt");
  subscribe(*client, "tele/lwt");
  auto leaving = connect("leaving", {}, mqtt::Publish{.topic = "tele/lwt", .payload = "0"});
  EXPECT_TRUE(service.lines.empty());
  leaving->lose();
  run();
  EXPECT_EQ(received(*client), (Topics{"tele/lwt=0"}));
}

TEST_F(MountpointTest, AWillThatCanNeverBePublishedIsNamedAsTheClientDoes) {
  connect("bad", {}, mqtt::Publish{.topic = "tele/lwt", .payload = "no JSON"});
  EXPECT_TRUE(logged("its will can never be published to tele/lwt (pubsub/json/tele/lwt)"));
}

TEST_F(MountpointTest, LevelsAreThoseThatTheClientNames) {
  mount("pubsub/json/a/b/c");
  hub.set_limits({.max_topic_levels = 3});
  create("a/b/c/x/y/z");
  EXPECT_EQ(subscribe(*client, "x/y/z"), Reason::granted_qos_0);
  EXPECT_EQ(subscribe(*client, "x/y/z/0"), Reason::unspecified_error);
  EXPECT_EQ(subscribe(*client, "$share/g/x/y/z"), Reason::granted_qos_0);
  publish(*publisher, "x/y/z", "1");
  EXPECT_EQ(service.published.size(), 1U);
  publish(*publisher, "x/y/z/0", "1");
  EXPECT_EQ(service.published.size(), 1U);
}

TEST_F(MountpointTest, EachAccountHasATreeOfItsOwn) {
  mount("pubsub/json/%u");
  const auto juliet = connect("j", "juliet@h");
  const auto romeo = connect("r", "romeo@h");
  for (const std::string node : {"juliet@h/tele/x", "romeo@h/tele/x", "anonymous/tele/x"}) create(node);
  for (Client* each : {juliet.get(), romeo.get(), client.get()}) subscribe(*each, "tele/#");
  publish(*juliet, "tele/x", "1");
  publish(*romeo, "tele/x", "2");
  publish(*publisher, "tele/x", "3");
  EXPECT_EQ(received(*juliet), (Topics{"tele/x=1"}));
  EXPECT_EQ(received(*romeo), (Topics{"tele/x=2"}));
  EXPECT_EQ(received(*client), (Topics{"tele/x=3"}));
  // It is a name and no right.
  subscribe(*romeo, "pubsub/json/juliet@h/tele/x");
  publish(*juliet, "tele/x", "4");
  EXPECT_EQ(received(*romeo), (Topics{"pubsub/json/juliet@h/tele/x=4"}));
}

TEST_F(MountpointTest, GroupsOfTwoAccountsAreTwoWhereTheirTreesAre) {
  mount("pubsub/json/%u");
  const auto juliet = connect("j", "juliet@h");
  const auto romeo = connect("r", "romeo@h");
  create("juliet@h/x");
  for (Client* each : {juliet.get(), romeo.get()}) subscribe(*each, "$share/g/x");
  for (const std::string payload : {"1", "2"}) publish(*juliet, "x", payload);
  EXPECT_EQ(received(*juliet), (Topics{"x=1", "x=2"}));
  EXPECT_TRUE(received(*romeo).empty());
}

TEST_F(MountpointTest, EachClientHasATreeOfItsOwn) {
  mount("pubsub/json/of/%c");
  const auto odd = connect("a/b");
  create("of/a%2Fb/x");
  create("of/client/x");
  subscribe(*odd, "x");
  subscribe(*client, "#");
  publish(*odd, "x", "1");
  EXPECT_EQ(received(*odd), (Topics{"x=1"}));
  EXPECT_TRUE(received(*client).empty());
}

TEST_F(MountpointTest, OptionsAreThoseOfTheFiltersByThatName) {
  create("tele/x");
  const auto five = connect_5("five");
  subscribe(*five, "tele/#", QoS::at_least_once,
            session::encoded({{mqtt::PropertyIdentifier::subscription_identifier, 7U}}));
  subscribe(*five, "pubsub/json/#", QoS::at_least_once,
            session::encoded({{mqtt::PropertyIdentifier::subscription_identifier, 8U}}));
  publisher->send(
      mqtt::Publish{.topic = "tele/x", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
  run();
  std::vector<std::pair<std::string, std::uint32_t>> identifiers;
  const std::string bytes = five->outbox.take();
  for (const auto& packet : session::packets_in(bytes)) {
    const auto& message = std::get<mqtt::Publish>(packet);
    identifiers.emplace_back(
        message.topic,
        message.properties.integer(mqtt::PropertyIdentifier::subscription_identifier).value_or(0));
  }
  std::ranges::sort(identifiers);
  EXPECT_EQ(identifiers,
            (std::vector<std::pair<std::string, std::uint32_t>>{{"pubsub/json/tele/x", 8}, {"tele/x", 7}}));
}

TEST_F(MountpointTest, ATopicAliasStandsForWhatTheClientNames) {
  create("tele/x");
  const auto five = connect_5("five");
  const std::string alias = session::encoded({{mqtt::PropertyIdentifier::topic_alias, 1U}});
  subscribe(*client, "tele/x");
  five->send(mqtt::Publish{.topic = "tele/x", .payload = "1", .properties = mqtt::Properties(alias)});
  five->send(mqtt::Publish{.topic = "", .payload = "2", .properties = mqtt::Properties(alias)});
  run();
  EXPECT_EQ(received(*client), (Topics{"tele/x=1", "tele/x=2"}));
}

TEST_F(MountpointTest, WhatWaitsKeepsItsTopicAndItsRight) {
  create("tele/x");
  create("tele/y");
  subscribe(*client, "tele/#", QoS::at_least_once);
  client->lose();
  for (const std::string topic : {"tele/x", "tele/y"}) {
    publisher->send(
        mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
    run();
  }
  service.open["tele/y"] = false;
  hub.node_changed("pubsub", "tele/y");
  run();
  auto back = std::make_unique<Client>(server);
  back->connect_again("client");
  EXPECT_EQ(received(*back), (Topics{"tele/x=1/1"}));
}

TEST_F(MountpointTest, WithoutAMountPointNothingIsMounted) {
  unmount();
  create("tele/x");
  EXPECT_EQ(subscribe(*client, "tele/x"), Reason::unspecified_error);
  EXPECT_EQ(subscribe(*client, "#"), Reason::granted_qos_0);
  publish(*publisher, "tele/x", "1");
  EXPECT_TRUE(service.published.empty());
  publish(*publisher, "pubsub/json/tele/x", "1");
  EXPECT_EQ(received(*client), (Topics{"pubsub/json/tele/x=1"}));
}

}  // namespace
}  // namespace pubsub_mqtt
