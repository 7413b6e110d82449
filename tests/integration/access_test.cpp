// Clients without login: open nodes, and no others (docs/mapping.md, section 5).
#include <gtest/gtest.h>

#include "mqtt_client.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

class Access : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  }

  void publish_from_xmpp(const std::string& node, const std::string& json) {
    admin->publish(node, json, "<json xmlns='urn:xmpp:json:0'>" + json + "</json>");
  }

  std::optional<XmppClient> admin;
};

TEST_F(Access, AnOpenNodeIsReadAndWritten) {
  admin->create("node", {{"access_model", "open"}});
  MqttClient client(prosody.mqtt_port());
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  client.publish("pubsub.localhost/json/node", "1");
  EXPECT_EQ(client.next_message().payload, "1");
}

TEST_F(Access, AWhitelistNodeIsRefused) {
  admin->create("secret", {{"access_model", "whitelist"}});
  MqttClient client({.port = prosody.mqtt_port(), .client_identifier = "stranger"});
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/secret"), 0x80);
  client.publish("pubsub.localhost/json/secret", "1");
  prosody.log().wait_for("stranger.*PUBLISH.*access_model");
  EXPECT_TRUE(admin->items("secret").empty());
  publish_from_xmpp("secret", "2");
  EXPECT_TRUE(client.messages_so_far().empty());
}

TEST_F(Access, ARefusedSubscribeRemovesTheFilterThatWasThere) {
  admin->create("node", {{"access_model", "open"}});
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  admin->configure("node", {{"access_model", "whitelist"}});
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/node"), 0x80);
  admin->configure("node", {{"access_model", "open"}});
  publish_from_xmpp("node", "1");
  EXPECT_TRUE(client.messages_so_far().empty());
}

TEST_F(Access, NothingArrivesWhileANodeIsNotOpen) {
  admin->create("node", {{"access_model", "open"}});
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  publish_from_xmpp("node", "1");
  admin->configure("node", {{"access_model", "whitelist"}});
  publish_from_xmpp("node", "2");
  admin->configure("node", {{"access_model", "open"}});
  publish_from_xmpp("node", "3");
  EXPECT_EQ(client.next_message().payload, "1");
  EXPECT_EQ(client.next_message().payload, "3");
}

TEST_F(Access, RightsAreJudgedAfreshOnANodeCreatedAgain) {
  admin->create("node", {{"access_model", "open"}});
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  admin->remove("node");
  admin->create("node", {{"access_model", "whitelist"}});
  publish_from_xmpp("node", "1");
  EXPECT_TRUE(client.messages_so_far().empty());
}

TEST(AccessSettings, MqttAnonymousAffiliationMemberReadsOnly) {
  Prosody prosody;
  prosody.start({.global = "mqtt_anonymous_affiliation = \"member\""});
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  MqttClient client({.port = prosody.mqtt_port(), .client_identifier = "reader"});
  ASSERT_EQ(client.subscribe("pubsub.localhost/json/node"), 0);
  client.publish("pubsub.localhost/json/node", "1");
  client.publish("pubsub.localhost/json/new", "1");
  prosody.log().wait_for("reader.*mqtt_anonymous_affiliation");
  admin.publish("node", "2", "<json xmlns='urn:xmpp:json:0'>2</json>");
  EXPECT_EQ(client.next_message().payload, "2");
  EXPECT_THROW(admin.items("new"), StanzaError);
}

TEST(AccessSettings, WithoutAutocreateAPublishCreatesNoNode) {
  Prosody prosody;
  prosody.start({.component = R"(modules_enabled = { "pubsub_mqtt" })"});
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  MqttClient client({.port = prosody.mqtt_port(), .client_identifier = "maker"});
  client.publish("pubsub.localhost/json/new", "1");
  prosody.log().wait_for("maker.*autocreate_on_publish");
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/new"), 0);
  EXPECT_THROW(admin.items("new"), StanzaError);
}

TEST(AccessSettings, AutocreateOnSubscribeCreatesTheNode) {
  Prosody prosody;
  prosody.start({.component = R"(modules_enabled = { "pubsub_mqtt" }
    autocreate_on_subscribe = true)"});
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  MqttClient client(prosody.mqtt_port());
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/new"), 0);
  EXPECT_TRUE(admin.items("new").empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
