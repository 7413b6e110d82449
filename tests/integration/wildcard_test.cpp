// Wildcards at every level, and topics that begin with `$` (MQTT 3.1.1, 4.7; docs/mapping.md, "Subscribe").
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

using Topics = std::set<std::string>;

class Wildcard : public testing::Test {
 protected:
  void SetUp() override {
    prosody.start({.more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true)"});
    publisher.emplace(connected(prosody.mqtt_port(), "publisher"));
  }

  void send(const std::string& topic, std::string_view payload, mqtt::QoS qos = at_least_once) {
    publish(*publisher, {.topic = topic, .payload = payload, .qos = qos});
  }

  XmppClient log_in() const { return {"admin@localhost", account_password, prosody.c2s_port()}; }

  // On which of these topics a subscriber of the filter hears what is published there.
  Topics selected(const std::string& filter, const Topics& topics) {
    RawMqtt client = connected(prosody.mqtt_port(), "");
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::granted_qos_0) << filter;
    for (const auto& topic : topics) send(topic, "1");
    Topics heard;
    for (const Message& message : messages_so_far(client)) {
      EXPECT_TRUE(heard.insert(message.topic).second) << message.topic << " twice, by " << filter;
    }
    return heard;
  }

  Prosody prosody;
  std::optional<RawMqtt> publisher;
};

TEST_F(Wildcard, SelectsAtEveryLevel) {
  const Topics all{"pubsub.localhost/json/a",  "pubsub.localhost/json/a/b", "pubsub.localhost/json/a/b/c",
                   "pubsub.localhost/json//a", "pubsub.localhost/json/$a",  "pubsub.localhost/utf8/u",
                   "news.localhost/json/a"};
  const auto expect = [&](const std::string& filter, const Topics& topics) {
    EXPECT_EQ(selected(filter, all), topics) << filter;
  };
  expect("#", all);
  expect("+/#", all);
  expect("+/+/#", all);
  expect("+/+/+", {"pubsub.localhost/json/a", "pubsub.localhost/json/$a", "pubsub.localhost/utf8/u",
                   "news.localhost/json/a"});
  expect("+/json/a", {"pubsub.localhost/json/a", "news.localhost/json/a"});
  expect("pubsub.localhost/+/u", {"pubsub.localhost/utf8/u"});
  expect("news.localhost/#", {"news.localhost/json/a"});
  expect("pubsub.localhost/json/a/#",
         {"pubsub.localhost/json/a", "pubsub.localhost/json/a/b", "pubsub.localhost/json/a/b/c"});
  expect("pubsub.localhost/json/a/+", {"pubsub.localhost/json/a/b"});
  expect("pubsub.localhost/json/+/b/+", {"pubsub.localhost/json/a/b/c"});
  expect("pubsub.localhost/json/+/+", {"pubsub.localhost/json/a/b", "pubsub.localhost/json//a"});
  expect("pubsub.localhost/json/+", {"pubsub.localhost/json/a", "pubsub.localhost/json/$a"});
  expect("pubsub.localhost/atom_title/#", {});
}

TEST_F(Wildcard, InPlaceOfTypeGivesTheNaturalTopic) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/+/node");
  send("pubsub.localhost/json/node", "1");
  send("pubsub.localhost/utf8/node", "text");
  send("pubsub.localhost/atom_title/node", "title");
  send("pubsub.localhost/xml/node", "<x xmlns='urn:x'/>");
  send("pubsub.localhost/xml/node", "<json xmlns='urn:xmpp:json:0'>2</json>");
  const auto messages = messages_so_far(client);
  ASSERT_EQ(messages.size(), 5U);
  EXPECT_EQ(messages[0], (Message{.topic = "pubsub.localhost/json/node", .payload = "1"}));
  EXPECT_EQ(messages[1], (Message{.topic = "pubsub.localhost/utf8/node", .payload = "text"}));
  EXPECT_EQ(messages[2], (Message{.topic = "pubsub.localhost/atom_title/node", .payload = "title"}));
  EXPECT_EQ(messages[3].topic, "pubsub.localhost/xml/node");
  EXPECT_EQ(messages[4], (Message{.topic = "pubsub.localhost/json/node", .payload = "2"}));
}

TEST_F(Wildcard, OverlappingSubscriptionsGiveOneMessageAtTheHighestQos) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/json/#", at_most_once);
  client.subscribe("pubsub.localhost/json/node", exactly_once);
  client.subscribe("+/+/node", at_least_once);
  send("pubsub.localhost/json/node", "1", exactly_once);
  send("pubsub.localhost/json/other", "2", exactly_once);
  EXPECT_EQ(next_message(client), (Message{.topic = "pubsub.localhost/json/node", .payload = "1", .qos = 2}));
  EXPECT_EQ(next_message(client), (Message{.topic = "pubsub.localhost/json/other", .payload = "2"}));
  EXPECT_TRUE(messages_so_far(client).empty());
}

TEST_F(Wildcard, AnUnsubscribedOneLeavesTheOthers) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/json/#", exactly_once);
  client.subscribe("+/+/node", at_least_once);
  client.send(mqtt::Unsubscribe{.packet_identifier = 3, .topic_filters = {"pubsub.localhost/json/#"}});
  client.read_packet<mqtt::Unsuback>();
  send("pubsub.localhost/json/other", "1", exactly_once);
  send("pubsub.localhost/json/node", "2", exactly_once);
  EXPECT_EQ(next_message(client), (Message{.topic = "pubsub.localhost/json/node", .payload = "2", .qos = 1}));
}

TEST_F(Wildcard, AFilterSubscribedAgainHasItsNewQos) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/json/+", exactly_once);
  client.subscribe("pubsub.localhost/json/+", at_most_once);
  send("pubsub.localhost/json/node", "1", exactly_once);
  EXPECT_EQ(messages_so_far(client),
            (std::vector{Message{.topic = "pubsub.localhost/json/node", .payload = "1"}}));
}

TEST_F(Wildcard, FollowsNodesAndRightsAsTheyComeAndGo) {
  XmppClient admin = log_in();
  admin.create("closed", {{"access_model", "whitelist"}});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/#", at_least_once);
  const auto item = [&](const std::string& node, const std::string& json) {
    admin.publish(node, json, "<json xmlns='urn:xmpp:json:0'>" + json + "</json>");
  };
  const auto heard = [&] {
    std::vector<std::string> payloads;
    for (const Message& message : messages_so_far(client)) payloads.push_back(message.payload);
    return payloads;
  };
  using Payloads = std::vector<std::string>;
  item("closed", "1");
  admin.create("later", {{"access_model", "open"}});
  item("later", "2");
  EXPECT_EQ(heard(), (Payloads{"2"}));
  admin.configure("closed", {{"access_model", "open"}});
  item("closed", "3");
  EXPECT_EQ(heard(), (Payloads{"3"}));
  admin.configure("later", {{"access_model", "whitelist"}});
  item("later", "4");
  EXPECT_EQ(heard(), Payloads{});
  admin.remove("closed");
  admin.create("closed", {{"access_model", "open"}});
  item("closed", "5");
  EXPECT_EQ(heard(), (Payloads{"5"}));
}

TEST_F(Wildcard, FollowsHostsAsTheyComeAndGo) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("+/json/node", at_least_once);
  send("news.localhost/json/node", "1");
  EXPECT_EQ(next_message(client).payload, "1");
  prosody.shell(R"(module:reload("pubsub_mqtt", "news.localhost"))");
  send("news.localhost/json/node", "2");
  EXPECT_EQ(next_message(client).payload, "2");
}

TEST_F(Wildcard, CreatesNoNode) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("pubsub.localhost/json/+/new");
  client.subscribe("pubsub.localhost/+/new");
  EXPECT_THROW(log_in().items("new"), StanzaError);
}

TEST_F(Wildcard, ThatCanNeverMatchIsRefused) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (const char* filter :
       {"+", "+/+", "pubsub.localhost/+", "pubsub.localhost/json", "+/bson/+", "pubsub.localhost/bson/#",
        "unknown.example/#", "unknown.example/+/node", "localhost/#", "/#", "$share/+/#", "$other/#",
        "pubsub.localhost/json/x\x01/+"}) {
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::unspecified_error) << filter;
  }
  for (const char* filter : {"#", "+/#", "pubsub.localhost/#", "+/json/#", "pubsub.localhost/json/#"}) {
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::granted_qos_0) << filter;
  }
}

TEST_F(Wildcard, InTheMiddleOfALevelIsMalformed) {
  for (const char* filter : {"pubsub.localhost/json/a+", "pubsub.localhost/json/a#", "pubsub.localhost/#/a",
                             "pubsub.localhost/json/#/"}) {
    RawMqtt client = connected(prosody.mqtt_port(), "client");
    client.send(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = filter}}});
    EXPECT_THROW(client.read(), ConnectionClosed) << filter;
  }
}

TEST_F(Wildcard, DoesNotShowNodesWhoseNamesHoldWildcards) {
  XmppClient admin = log_in();
  for (const char* node : {"a+b", "#", "plain"}) {
    admin.create(node, {{"access_model", "open"}});
  }
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.subscribe("#");
  for (const char* node : {"a+b", "#", "plain"}) {
    admin.publish(node, "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  }
  const auto messages = messages_so_far(client);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].topic, "pubsub.localhost/json/plain");
}

TEST_F(Wildcard, NobodyPublishesToSys) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (const char* filter : {"#", "$SYS/json/node", "$SYS"}) {
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::granted_qos_0) << filter;
  }
  publish(*publisher, {.topic = "$SYS/broker/uptime", .payload = "1", .qos = at_least_once, .retain = true});
  publish(*publisher, {.topic = "$SYS/json/node", .payload = "1", .qos = exactly_once});
  prosody.log().wait_for("publisher.*\\$SYS.*refused");
  EXPECT_TRUE(messages_so_far(client).empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
