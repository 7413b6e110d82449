// The rights of a house, by patterns: zigbee2mqtt, Home Assistant and a guest, over MQTT and XMPP.
#include <gtest/gtest.h>

#include "node_patterns_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

class House : public NodePatterns {
 protected:
  void SetUp() override {
    start(R"(mqtt_node_defaults = {
    { "homeassistant/#", affiliations = { ["zigbee2mqtt@localhost"] = "publisher", ["ha@localhost"] = "publisher" } };
    { "zigbee2mqtt/#", affiliations = { ["zigbee2mqtt@localhost"] = "publisher", ["ha@localhost"] = "publisher" } };
})",
          closed_component + std::string("\n    autocreate_on_publish = true"));
    for (const char* name : {"zigbee2mqtt", "ha", "guest"}) {
      prosody.shell(">require 'core.usermanager'.create_user('" + std::string(name) + "', '" +
                    account_password + "', 'localhost')");
    }
  }
};

constexpr const char* lamp_discovery = "pubsub.localhost/json/homeassistant/light/0x1/config";
constexpr const char* lamp_state = "pubsub.localhost/json/zigbee2mqtt/lamp";
constexpr const char* lamp_set = "pubsub.localhost/json/zigbee2mqtt/lamp/set";

TEST_F(House, ItsRightsOverMqtt) {
  MqttClient zigbee2mqtt = client_of("zigbee2mqtt@localhost");
  MqttClient ha = client_of("ha@localhost");
  MqttClient guest = client_of("guest@localhost");
  ASSERT_EQ(zigbee2mqtt.subscribe("pubsub.localhost/json/zigbee2mqtt/#", 1), 1);
  ASSERT_EQ(ha.subscribe("pubsub.localhost/json/#", 1), 1);
  ASSERT_EQ(guest.subscribe("pubsub.localhost/json/#", 1), 1);

  zigbee2mqtt.publish(lamp_discovery, "{\"name\":\"lamp\"}", 1, true);
  EXPECT_EQ(ha.next_message().topic, lamp_discovery);
  EXPECT_EQ(guest.next_message().topic, lamp_discovery);
  zigbee2mqtt.publish(lamp_state, "{\"state\":\"OFF\"}", 1, true);
  EXPECT_EQ(zigbee2mqtt.next_message().topic, lamp_state);
  EXPECT_EQ(ha.next_message().topic, lamp_state);
  EXPECT_EQ(guest.next_message().topic, lamp_state);

  // Home Assistant sets what zigbee2mqtt reads, and clears its discovery.
  ha.publish(lamp_set, "{\"state\":\"ON\"}", 1);
  EXPECT_EQ(zigbee2mqtt.next_message(),
            (Message{.topic = lamp_set, .payload = "{\"state\":\"ON\"}", .qos = 1}));
  EXPECT_EQ(ha.next_message().topic, lamp_set);
  EXPECT_EQ(guest.next_message().topic, lamp_set);
  ha.publish(lamp_discovery, "", 1, true);
  EXPECT_EQ(ha.next_message(), (Message{.topic = lamp_discovery, .payload = "", .qos = 1}));
  EXPECT_EQ(guest.next_message(), (Message{.topic = lamp_discovery, .payload = "", .qos = 1}));
  MqttClient late({.port = prosody.mqtt_port(), .client_identifier = "late"});
  ASSERT_EQ(late.subscribe("pubsub.localhost/json/#"), 0);
  const std::deque<Message> retained = late.messages_so_far();
  ASSERT_EQ(retained.size(), 1U);
  EXPECT_EQ(retained.front().topic, lamp_state);

  // A guest reads, and sets, clears and creates nothing.
  guest.publish(lamp_set, "{\"state\":\"OFF\"}", 1);
  guest.publish(lamp_state, "", 1, true);
  guest.publish("pubsub.localhost/json/zigbee2mqtt/other", "1", 1);
  guest.publish("pubsub.localhost/json/elsewhere", "1", 1);
  guest.messages_so_far();
  EXPECT_TRUE(zigbee2mqtt.messages_so_far().empty());
  EXPECT_FALSE(exists("zigbee2mqtt/other"));
  EXPECT_FALSE(exists("elsewhere"));
  prosody.log().wait_for("guest@localhost.*refused: guest@localhost is no publisher of the node");
}

TEST_F(House, ItsRightsOverXmpp) {
  XmppClient zigbee2mqtt = xmpp_client_of("zigbee2mqtt@localhost");
  XmppClient ha = xmpp_client_of("ha@localhost");
  XmppClient guest = xmpp_client_of("guest@localhost");
  MqttClient device = client_of("zigbee2mqtt@localhost");
  ASSERT_EQ(device.subscribe("pubsub.localhost/json/zigbee2mqtt/#", 1), 1);
  device.publish(lamp_discovery, "{\"name\":\"lamp\"}", 1, true);
  device.publish(lamp_state, "{\"state\":\"OFF\"}", 1, true);
  EXPECT_EQ(device.next_message().topic, lamp_state);

  // Who comes first creates the node with the rights of the house, over XMPP as over MQTT.
  EXPECT_EQ(error_of([&] { guest.publish("zigbee2mqtt/lamp/set", "1", json_item); }), "forbidden");
  ha.publish("zigbee2mqtt/lamp/set", "1", json_item);
  EXPECT_EQ(device.next_message(), (Message{.topic = lamp_set, .payload = "1", .qos = 1}));
  EXPECT_EQ(affiliation("zigbee2mqtt/lamp/set", "zigbee2mqtt@localhost"), "publisher");
  zigbee2mqtt.publish("zigbee2mqtt/lamp/set", "2", json_item);

  EXPECT_EQ(ha.items("homeassistant/light/0x1/config").size(), 1U);
  ha.retract("homeassistant/light/0x1/config", "current");
  EXPECT_EQ(device.subscribe(lamp_discovery), 0);
  for (const Message& message : device.messages_so_far()) EXPECT_EQ(message.topic, lamp_set);

  EXPECT_EQ(guest.items("zigbee2mqtt/lamp").front().payload,
            "<json xmlns=\"urn:xmpp:json:0\">{\"state\":\"OFF\"}</json>");
  guest.subscribe("zigbee2mqtt/lamp");
  device.publish(lamp_state, "{\"state\":\"ON\"}", 1);
  EXPECT_EQ(guest.next_event().node, "zigbee2mqtt/lamp");
  EXPECT_EQ(error_of([&] { guest.publish("zigbee2mqtt/lamp/set", "3", json_item); }), "forbidden");
  EXPECT_EQ(error_of([&] { guest.retract("zigbee2mqtt/lamp", "current"); }), "forbidden");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
