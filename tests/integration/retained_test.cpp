// Retained messages (MQTT 3.1.1, 3.3.1.3; docs/mapping.md, "Retained messages").
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "retained_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

TEST_F(Retained, IsSentFlaggedToANewSubscriptionAndNotFlaggedLive) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  retain("1");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "1", .qos = 1}));
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, IsSentOnEachSubscribe) {
  retain("1");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (int i = 0; i < 3; ++i) {
    client.subscribe(topic, exactly_once);
    EXPECT_EQ(next_message(client), only("1").front());
  }
  client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {topic}});
  client.read_packet<mqtt::Unsuback>();
  client.subscribe(topic, exactly_once);
  EXPECT_EQ(next_message(client), only("1").front());
}

TEST_F(Retained, IsSentAtTheLowerQos) {
  for (const mqtt::QoS stored : {at_most_once, at_least_once, exactly_once}) {
    publish_once({.topic = topic, .payload = "x", .qos = stored, .retain = true});
    for (const mqtt::QoS granted : {at_most_once, at_least_once, exactly_once}) {
      EXPECT_EQ(retained(topic, granted), only("x", static_cast<int>(std::min(stored, granted))));
    }
  }
}

TEST_F(Retained, IsReplacedByTheNextAndByNothingElse) {
  retain("1");
  retain("2");
  publish_once({.topic = topic, .payload = "not retained", .qos = exactly_once});
  log_in().publish("node", "id", "<data xmlns='https://prosody.im/protocol/mqtt'>an item</data>");
  EXPECT_EQ(retained(), only("2"));
}

TEST_F(Retained, OfAnEmptyPayloadIsNoneEvenWhereEmptyIsNoJson) {
  publish_once({.topic = "pubsub.localhost/json/node", .payload = "1", .qos = at_least_once, .retain = true});
  publish_once({.topic = "pubsub.localhost/json/node", .payload = "", .qos = at_least_once, .retain = true});
  EXPECT_TRUE(retained("pubsub.localhost/json/node").empty());
}

TEST_F(Retained, IsTheItemCurrentToXmpp) {
  retain("1");
  retain("2");
  const auto items = log_in().items("node");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].id, "current");
  EXPECT_NE(items[0].payload.find(">2<"), std::string::npos);
}

TEST_F(Retained, IsSetByAnItemCurrentFromXmpp) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, at_least_once);
  log_in().publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>1</data>");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "1", .qos = 1}));
  EXPECT_EQ(retained(), only("1", 2));
}

TEST_F(Retained, ClearedIsGoneInXmppAndAnEmptyMessageLive) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.subscribe("node");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  EXPECT_EQ(next_message(live), only("1").front());
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "", .qos = 1}));
  EXPECT_TRUE(messages_so_far(live).empty());
  EXPECT_TRUE(retained().empty());
  EXPECT_TRUE(admin.items("node").empty());
  PubsubEvent event = admin.next_event();
  while (event.kind == "item") event = admin.next_event();  // the last item, on subscription
  EXPECT_EQ(event.kind, "retract");
  EXPECT_EQ(event.item_id, "current");
}

TEST_F(Retained, ClearedOnTheTopicOfAnotherTypeIsAnEmptyMessageOnBoth) {
  const std::string json = "pubsub.localhost/json/node";
  retain("1");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(json);
  live.subscribe(topic);
  EXPECT_EQ(next_message(live).payload, "1");
  publish_once({.topic = json, .payload = "", .qos = at_least_once, .retain = true});
  std::set<std::string> topics;
  for (const Message& message : messages_so_far(live)) {
    EXPECT_EQ(message.payload, "");
    topics.insert(message.topic);
  }
  EXPECT_EQ(topics, (std::set<std::string>{json, topic}));
  EXPECT_TRUE(retained().empty());
}

TEST_F(Retained, ASubscriberOfTheXmlTopicHearsOfAClearWhateverTheTypeWas) {
  retain("1");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe("pubsub.localhost/xml/node");
  next_message(live);
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = "pubsub.localhost/xml/node", .payload = ""}));
}

TEST_F(Retained, ABridgeIsToldWhatWasPublishedAsRetainedAndNothingThatItPublished) {
  RawMqtt bridge(prosody.mqtt_port());
  EXPECT_EQ(connect(bridge, {.is_bridge = true, .client_identifier = "bridge"}), mqtt::Connack{});
  bridge.subscribe(topic, at_least_once);
  retain("1");
  EXPECT_EQ(next_message(bridge), only("1")[0]);
  publish_once({.topic = topic, .payload = "2", .qos = at_least_once});
  EXPECT_EQ(next_message(bridge), (Message{.topic = topic, .payload = "2", .qos = 1}));
  publish(bridge, {.topic = topic, .payload = "its own", .retain = true});
  log_in().publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>3</data>");
  EXPECT_EQ(next_message(bridge), only("3")[0]);
  log_in().retract("node", "current");
  EXPECT_EQ(next_message(bridge), only("")[0]);
}

TEST_F(Retained, AClearCreatesNoNode) {
  retain("");
  EXPECT_THROW(log_in().items("node"), StanzaError);
}

TEST_F(Retained, AClearOfNothingIsAnEmptyMessage) {
  log_in().create("node", {{"access_model", "open"}});
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "", .qos = 1}));
}

TEST_F(Retained, ClearingNeedsTheRightToPublish) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.configure("node", {{"access_model", "whitelist"}});
  retain("");
  prosody.log().wait_for("publisher.*refused.*access_model");
  admin.configure("node", {{"access_model", "open"}});
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, EveryTypeIsAViewOfIt) {
  publish_once({.topic = "pubsub.localhost/json/node",
                .payload = "{ \"a\":1 }",
                .qos = at_least_once,
                .retain = true});
  EXPECT_EQ(retained("pubsub.localhost/json/node").at(0).payload, "{ \"a\":1 }");
  EXPECT_NE(retained("pubsub.localhost/xml/node").at(0).payload.find("urn:xmpp:json:0"), std::string::npos);
  EXPECT_TRUE(retained("pubsub.localhost/utf8/node").empty());
  EXPECT_TRUE(retained("pubsub.localhost/atom_title/node").empty());
  // and replaced by one of another TYPE
  retain("text");
  EXPECT_TRUE(retained("pubsub.localhost/json/node").empty());
  EXPECT_EQ(retained(), only("text"));
}

TEST_F(Retained, IsNotShownToWhoMayNotRead) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.configure("node", {{"access_model", "whitelist"}});
  EXPECT_TRUE(retained().empty());
  EXPECT_TRUE(retained("#").empty());
}

TEST_F(Retained, OutlivesTrimming) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic);
  retain("kept\r\nto the byte");
  for (int i = 0; i < 25; ++i) publish_once({.topic = topic, .payload = "x", .qos = at_least_once});
  for (const auto& item : log_in().items("node")) EXPECT_NE(item.id, "current");
  EXPECT_EQ(retained(), only("kept\r\nto the byte"));
  for (const Message& message : messages_so_far(live)) EXPECT_NE(message.payload, "");
  retain("");
  EXPECT_TRUE(retained().empty());
}

TEST_F(Retained, NeedsNoNodeThatPersists) {
  log_in().create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  retain("1");
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, TheNewestItemStandsInWhereTheNodeSendsIt) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}, {"send_last_published_item", "on_sub"}});
  admin.create("never", {{"access_model", "open"}, {"send_last_published_item", "never"}});
  for (const char* node : {"node", "never"}) {
    admin.publish(node, "1", "<data xmlns='https://prosody.im/protocol/mqtt'>older</data>");
    admin.publish(node, "2", "<data xmlns='https://prosody.im/protocol/mqtt'>newest</data>");
  }
  EXPECT_EQ(retained(), only("newest", 2));
  EXPECT_TRUE(retained("pubsub.localhost/utf8/never").empty());
  retain("retained");
  EXPECT_EQ(retained(), only("retained"));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
