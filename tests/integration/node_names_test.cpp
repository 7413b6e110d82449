// Names of nodes that are longer than the name of a file may be (docs/mapping.md, "Topics and nodes").
#include <gtest/gtest.h>

#include <string>

#include "mqtt_client.h"
#include "prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

// A friendly name of 60 characters: as the name of a file, each byte of them takes three.
std::string long_name(const std::string& character) {
  std::string name = "zigbee2mqtt/";
  for (int i = 0; i < 60; ++i) name += character;
  return name;
}

Configuration with_storage(const std::string& storage) {
  return {.component = "modules_enabled = { \"pubsub_mqtt\" }\nautocreate_on_publish = true\n" + storage};
}

TEST(NodeNames, AreAsLongAsADeviceIsCalledWhereStorageIsSql) {
  Prosody prosody;
  const auto configuration =
      with_storage("storage = \"sql\"\nsql = { driver = \"SQLite3\", database = \"names.sqlite\" }");
  for (const std::string character : {"Ж", "温"}) {
    const std::string name = long_name(character);
    const std::string topic = "pubsub.localhost/json/" + name;
    prosody.start(configuration);
    {
      MqttClient client(prosody.mqtt_port());
      EXPECT_EQ(client.subscribe("pubsub.localhost/json/+/" + name.substr(name.find('/') + 1)), 0);
      client.publish(topic, "21", 1, true);
      EXPECT_EQ(client.next_message().topic, topic);
      XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
      ASSERT_EQ(admin.items(name).size(), 1U);
    }
    prosody.stop();
    prosody.start(configuration);
    {
      MqttClient client(prosody.mqtt_port());
      EXPECT_EQ(client.subscribe(topic), 0);
      EXPECT_EQ(client.next_message().payload, "21");
      XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
      EXPECT_EQ(admin.items(name).size(), 1U);
    }
    prosody.stop();
  }
}

TEST(NodeNames, AreRefusedWhereAFileCouldNotHoldThem) {
  Prosody prosody;
  // Of one of the stores.
  prosody.start(with_storage("storage = { pubsub_nodes = \"memory\", pubsub_data = \"internal\" }"));
  MqttClient client(prosody.mqtt_port());
  const std::string topic = "pubsub.localhost/json/" + long_name("Ж");
  EXPECT_EQ(client.subscribe(topic), 0x80);
  client.publish(topic, "21", 1);
  prosody.log().wait_for("refused: the node's name is longer than file storage takes");
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/" + std::string(200, 'a')), 0);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
