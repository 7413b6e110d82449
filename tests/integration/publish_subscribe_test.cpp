// MQTT clients and XMPP users share nodes (docs/mapping.md, sections 1, 3 and 4).
#include <gtest/gtest.h>

#include <set>

#include "mosquitto_command.h"
#include "mqtt_client.h"
#include "raw_mqtt.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using PublishSubscribe = RunningProsody;

TEST_F(PublishSubscribe, MosquittoSubShowsWhatMosquittoPubPublishes) {
  const std::string port = std::to_string(prosody.mqtt_port());
  MosquittoCommand subscriber(
      {"stdbuf", "-oL", "mosquitto_sub", "-d", "-p", port, "-t", "pubsub.localhost/json/node", "-C", "1"});
  subscriber.output().wait_for("Subscribed.*: 0$");
  MosquittoCommand publisher(
      {"mosquitto_pub", "-p", port, "-t", "pubsub.localhost/json/node", "-m", R"({"t":21.5})"});
  EXPECT_EQ(publisher.wait(), 0);
  subscriber.output().wait_for(R"(^\{"t":21\.5\}$)");
  EXPECT_EQ(subscriber.wait(), 0);
}

TEST_F(PublishSubscribe, EverySubscriberGetsAMessageOnce) {
  MqttClient publisher(prosody.mqtt_port());
  MqttClient other(prosody.mqtt_port());
  ASSERT_EQ(publisher.subscribe("pubsub.localhost/json/node"), 0);
  ASSERT_EQ(other.subscribe("pubsub.localhost/json/node"), 0);
  ASSERT_EQ(other.subscribe("pubsub.localhost/json/node"), 0);
  publisher.publish("pubsub.localhost/json/node", "1");
  publisher.publish("pubsub.localhost/json/node", "2");
  for (MqttClient* client : {&publisher, &other}) {
    EXPECT_EQ(client->next_message(), (Message{.topic = "pubsub.localhost/json/node", .payload = "1"}));
    EXPECT_EQ(client->next_message(), (Message{.topic = "pubsub.localhost/json/node", .payload = "2"}));
    EXPECT_TRUE(client->messages_so_far().empty());
  }
}

TEST_F(PublishSubscribe, AnXmppSubscriberSeesAnItemFromMqtt) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  romeo.subscribe("node");
  MqttClient(prosody.mqtt_port()).publish("pubsub.localhost/json/node", R"({"t":21.5})");

  const PubsubEvent event = romeo.next_event();
  EXPECT_EQ(event.kind, "item");
  EXPECT_EQ(event.node, "node");
  EXPECT_FALSE(event.item_id.empty());
  pugi::xml_document payload;
  payload.load_string(event.payload.c_str());
  EXPECT_STREQ(payload.child("json").attribute("xmlns").value(), "urn:xmpp:json:0");
  EXPECT_STREQ(payload.child("json").text().get(), R"({"t":21.5})");
}

TEST_F(PublishSubscribe, AnMqttSubscriberSeesAnItemFromXmpp) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>[1, 2]</json>");
  EXPECT_EQ(subscriber.next_message(), (Message{.topic = "pubsub.localhost/json/node", .payload = "[1, 2]"}));
}

TEST_F(PublishSubscribe, ItemsFromMqttAreStoredUnderIdsOfTheirOwn) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  for (const char* payload : {"1", "2", "3"}) {
    client.publish("pubsub.localhost/json/node", payload);
    client.next_message();
  }
  std::set<std::string> ids;
  for (const auto& item : admin.items("node")) ids.insert(item.id);
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_FALSE(ids.contains("current"));
}

TEST_F(PublishSubscribe, UnsubscribeEndsTheMessages) {
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/other"), 0);
  subscriber.unsubscribe("pubsub.localhost/json/node");
  MqttClient publisher(prosody.mqtt_port());
  publisher.publish("pubsub.localhost/json/node", "1");
  publisher.publish("pubsub.localhost/json/other", "2");
  EXPECT_EQ(subscriber.next_message().payload, "2");
}

TEST_F(PublishSubscribe, SlashesBelongToTheNameOfANode) {
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/a/b"), 0);
  ASSERT_EQ(client.subscribe("pubsub.localhost/json//a"), 0);
  client.publish("pubsub.localhost/json/a//b", "1");
  client.publish("pubsub.localhost/json/a", "2");
  client.publish("pubsub.localhost/json//a", "3");
  client.publish("pubsub.localhost/json/a/b", "4");
  EXPECT_EQ(client.next_message(), (Message{.topic = "pubsub.localhost/json//a", .payload = "3"}));
  EXPECT_EQ(client.next_message(), (Message{.topic = "pubsub.localhost/json/a/b", .payload = "4"}));

  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  for (const char* node : {"a/b", "/a", "a//b", "a"}) EXPECT_EQ(admin.items(node).size(), 1U) << node;
}

TEST(PublishSubscribeWithoutAutocreate, AFilterOnANodeThatDoesNotExistWaitsForIt) {
  Prosody prosody;
  prosody.start({.component = R"(modules_enabled = { "pubsub_mqtt" })"});
  MqttClient subscriber(prosody.mqtt_port());
  EXPECT_EQ(subscriber.subscribe("pubsub.localhost/json/later"), 0);
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("later", {{"access_model", "open"}});
  admin.publish("later", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_EQ(subscriber.next_message().payload, "1");
}

TEST_F(PublishSubscribe, AFilterOutlivesItsNode) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  admin.remove("node");
  admin.create("node", {{"access_model", "open"}});
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_EQ(subscriber.next_message().payload, "1");
}

TEST_F(PublishSubscribe, AFilterIsNoPubsubSubscription) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  const pugi::xml_document answer = admin.request(
      "get", "pubsub.localhost",
      "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><subscriptions node='node'/></pubsub>");
  EXPECT_FALSE(answer.document_element().child("pubsub").child("subscriptions").first_child());
}

TEST_F(PublishSubscribe, ARetractedItemIsNothingToMqtt) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  MqttClient subscriber(prosody.mqtt_port());
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), 0);
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  admin.retract("node", "1");
  admin.publish("node", "2", "<json xmlns='urn:xmpp:json:0'>2</json>");
  EXPECT_EQ(subscriber.next_message().payload, "1");
  EXPECT_EQ(subscriber.next_message().payload, "2");
}

TEST_F(PublishSubscribe, ASubscriptionIsGrantedTheQosItAsksFor) {
  MqttClient subscriber(prosody.mqtt_port());
  EXPECT_EQ(subscriber.subscribe("pubsub.localhost/json/node", 1), 1);
  EXPECT_EQ(subscriber.subscribe("pubsub.localhost/json/node", 2), 2);
}

TEST_F(PublishSubscribe, FiltersThatSelectNothingAreRefused) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (const char* filter : {
           "two/levels",
           "pubsub.localhost/json",
           "pubsub.localhost/json/",
           "pubsub.localhost/JSON/node",
           "pubsub.localhost/bson/node",
           "unknown.example/json/node",
           "localhost/json/node",
           "pubsub.localhost/json/control\x01",
           "$share//pubsub.localhost/json/node",
           "$other/json/node",
       }) {
    EXPECT_EQ(client.subscribe(filter), mqtt::Reason::unspecified_error) << filter;
  }
  client.ping();
}

TEST_F(PublishSubscribe, TheAnswerToASubscribeHasACodeForEachFilter) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Subscribe{.packet_identifier = 77,
                              .subscriptions = {{.topic_filter = "pubsub.localhost/json/node"},
                                                {.topic_filter = "pubsub.localhost/nothing/node"},
                                                {.topic_filter = "pubsub.localhost/utf8/node"}}});
  const auto answer = client.read_packet<mqtt::Suback>();
  EXPECT_EQ(answer.packet_identifier, 77);
  const std::vector expected{mqtt::Reason::granted_qos_0, mqtt::Reason::unspecified_error,
                             mqtt::Reason::granted_qos_0};
  EXPECT_EQ(answer.reasons, expected);
}

TEST_F(PublishSubscribe, APublishThatGoesNowhereCostsItsSenderNothing) {
  RawMqtt client = connected(prosody.mqtt_port(), "lost");
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  for (const char* topic :
       {"two/levels", "pubsub.localhost/json", "pubsub.localhost/bson/node", "unknown.example/json/node",
        "localhost/json/node", "pubsub.localhost/json/control\x01"}) {
    client.send(mqtt::Publish{.topic = topic, .payload = "1"});
  }
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "2"});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "2");
  prosody.log().wait_for("lost.*unknown.example");
}

TEST_F(PublishSubscribe, ANodeNameThatStorageCannotHoldIsRefused) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  const std::string topic = "pubsub.localhost/json/" + std::string(300, 'x');
  EXPECT_EQ(client.subscribe(topic), mqtt::Reason::unspecified_error);
  client.send(mqtt::Publish{.topic = topic, .payload = "1"});
  client.ping();
}

TEST_F(PublishSubscribe, ANewConnectionTakesOverItsClientIdentifier) {
  RawMqtt first = connected(prosody.mqtt_port(), "device");
  ASSERT_EQ(first.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  RawMqtt second = connected(prosody.mqtt_port(), "device");
  first.wait_for_close();
  ASSERT_EQ(second.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  second.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(second.read_packet<mqtt::Publish>().payload, "1");
}

TEST_F(PublishSubscribe, AnXmppUserIsServedWhileMqttIsBusy) {
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  RawMqtt publisher = connected(prosody.mqtt_port(), "busy");
  ASSERT_EQ(publisher.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  for (int i = 0; i < 200; ++i) {
    publisher.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = std::to_string(i)});
  }
  romeo.ping("localhost");
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(publisher.read_packet<mqtt::Publish>().payload, std::to_string(i));
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
