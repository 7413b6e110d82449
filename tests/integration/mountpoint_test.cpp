// Devices whose topics name no pubsub host, with the mount point (docs/mapping.md, "The mount point").
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mosquitto_comparison.h"
#include "mqtt_client.h"
#include "prosody.h"
#include "raw_session.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

constexpr const char* json_item = "<json xmlns='urn:xmpp:json:0'>21</json>";

class MountPoint : public testing::Test {
 protected:
  void start(const std::string& mountpoint, const std::string& more = {}) {
    prosody.start(configuration(mountpoint, more));
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  }

  static Configuration configuration(const std::string& mountpoint, const std::string& more = {}) {
    return {.global = "mqtt_mountpoint = \"" + mountpoint + "\"\nmqtt_users_create_nodes = true\n" + more};
  }

  MqttClient client_of(const std::string& user_name) const {
    return MqttClient({.port = prosody.mqtt_port(), .user_name = user_name, .password = account_password});
  }

  // By topic, whatever the order.
  static std::vector<Message> next_messages(MqttClient& client, std::size_t count) {
    std::vector<Message> all;
    while (all.size() < count) all.push_back(client.next_message());
    std::ranges::sort(all, {}, &Message::topic);
    return all;
  }

  Prosody prosody;
  std::optional<XmppClient> admin;
};

TEST_F(MountPoint, ADevicesTopicsAreNodesThatXmppReads) {
  start("pubsub.localhost/any");
  MqttClient device(prosody.mqtt_port());
  MqttClient house(prosody.mqtt_port());
  for (const char* filter : {"homeassistant/#", "tele/+/STATE", "zigbee2mqtt/#"}) {
    EXPECT_EQ(house.subscribe(filter, 1), 1);
  }
  const std::string config = R"({"name":"Lamp"})";
  device.publish("homeassistant/light/0x1/config", config, 1, true);
  device.publish("tele/plug/STATE", "on", 1);
  device.publish("zigbee2mqtt/Küche/Lampe", R"({"state":"ON"})", 1);
  for (const Message& expected :
       {Message{.topic = "homeassistant/light/0x1/config", .payload = config, .qos = 1},
        Message{.topic = "tele/plug/STATE", .payload = "on", .qos = 1},
        Message{.topic = "zigbee2mqtt/Küche/Lampe", .payload = R"({"state":"ON"})", .qos = 1}}) {
    EXPECT_EQ(house.next_message(), expected) << expected.topic;
  }
  EXPECT_EQ(admin->items("tele/plug/STATE").front().payload,
            "<data xmlns=\"https://prosody.im/protocol/mqtt\">on</data>");
  EXPECT_EQ(admin->items("homeassistant/light/0x1/config").front().id, "current");
  // And what XMPP publishes arrives.
  EXPECT_EQ(device.subscribe("zigbee2mqtt/Küche/Lampe/set"), 0);
  admin->publish("zigbee2mqtt/Küche/Lampe/set", "1", json_item);
  EXPECT_EQ(device.next_message(), (Message{.topic = "zigbee2mqtt/Küche/Lampe/set", .payload = "21"}));
}

TEST_F(MountPoint, ARetainedMessageIsTheNodesOverARestart) {
  start("pubsub.localhost/any");
  {
    MqttClient device(prosody.mqtt_port());
    device.publish("tele/plug/LWT", "Online", 1, true);
    device.messages_so_far();
  }
  admin.reset();
  prosody.stop();
  start("pubsub.localhost/any");
  MqttClient reader(prosody.mqtt_port());
  EXPECT_EQ(reader.subscribe("tele/#"), 0);
  EXPECT_EQ(reader.next_message(), (Message{.topic = "tele/plug/LWT", .payload = "Online", .retain = true}));
  EXPECT_EQ(reader.subscribe("pubsub.localhost/utf8/tele/plug/LWT"), 0);
  EXPECT_EQ(reader.next_message(),
            (Message{.topic = "pubsub.localhost/utf8/tele/plug/LWT", .payload = "Online", .retain = true}));
}

TEST_F(MountPoint, AMessageComesByEachNameThatAClientHasSubscribedTo) {
  start("pubsub.localhost/any/home");
  MqttClient reader(prosody.mqtt_port());
  EXPECT_EQ(reader.subscribe("zigbee2mqtt/#", 0), 0);
  EXPECT_EQ(reader.subscribe("pubsub.localhost/any/home/zigbee2mqtt/#", 1), 1);
  EXPECT_EQ(reader.subscribe("pubsub.localhost/json/#", 2), 2);
  MqttClient device(prosody.mqtt_port());
  device.publish("zigbee2mqtt/lamp", R"({"state":"ON"})", 2);
  device.messages_so_far();
  const std::string payload = R"({"state":"ON"})";
  EXPECT_EQ(next_messages(reader, 3),
            (std::vector<Message>{
                {.topic = "pubsub.localhost/any/home/zigbee2mqtt/lamp", .payload = payload, .qos = 1},
                {.topic = "pubsub.localhost/json/home/zigbee2mqtt/lamp", .payload = payload, .qos = 2},
                {.topic = "zigbee2mqtt/lamp", .payload = payload, .qos = 0}}));
}

TEST_F(MountPoint, AWillIsPublishedToItsNode) {
  start("pubsub.localhost/any");
  MqttClient reader(prosody.mqtt_port());
  EXPECT_EQ(reader.subscribe("tele/#"), 0);
  {
    RawMqtt device(prosody.mqtt_port());
    device.send(
        mqtt::Connect{.client_identifier = "plug",
                      .will = mqtt::Publish{.topic = "tele/plug/LWT", .payload = "Offline", .retain = true}});
    device.read_packet<mqtt::Connack>();
  }
  EXPECT_EQ(reader.next_message(), (Message{.topic = "tele/plug/LWT", .payload = "Offline"}));
  EXPECT_EQ(admin->items("tele/plug/LWT").front().id, "current");
  EXPECT_EQ(prosody.log().count("can never be published"), 0U);
}

TEST_F(MountPoint, AGroupSharesMountedTopics) {
  start("pubsub.localhost/any");
  MqttClient one(prosody.mqtt_port());
  MqttClient two(prosody.mqtt_port());
  EXPECT_EQ(one.subscribe("$share/g/tele/#", 1), 1);
  EXPECT_EQ(two.subscribe("$share/g/tele/#", 1), 1);
  MqttClient device(prosody.mqtt_port());
  std::multiset<std::string> all;
  for (int i = 0; i < 10; ++i) device.publish("tele/" + std::to_string(i), std::to_string(i), 1);
  device.messages_so_far();
  for (MqttClient* member : {&one, &two}) {
    const auto messages = member->messages_so_far();
    EXPECT_EQ(messages.size(), 5U);
    for (const auto& message : messages) all.insert(message.topic);
  }
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 10U);
}

TEST_F(MountPoint, EachAccountHasATreeAndItsRights) {
  start("pubsub.localhost/any/%u", "mqtt_node_defaults = { access_model = \"whitelist\" }");
  MqttClient juliet = client_of("juliet@localhost");
  MqttClient romeo = client_of("romeo@localhost");
  for (MqttClient* client : {&juliet, &romeo}) {
    EXPECT_EQ(client->subscribe("tele/#"), 0);
    client->publish("tele/x", client == &juliet ? "hers" : "his", 1);
  }
  EXPECT_EQ(juliet.next_message(), (Message{.topic = "tele/x", .payload = "hers"}));
  EXPECT_EQ(romeo.next_message(), (Message{.topic = "tele/x", .payload = "his"}));
  EXPECT_TRUE(juliet.messages_so_far().empty());
  EXPECT_EQ(admin->items("juliet@localhost/tele/x").size(), 1U);
  EXPECT_EQ(admin->items("romeo@localhost/tele/x").size(), 1U);
  // A name and no right: those are the node's.
  EXPECT_EQ(romeo.subscribe("pubsub.localhost/any/juliet@localhost/tele/x"), 0x80);
}

// Two houses: what is published in one of them arrives in the other, once.
TEST_F(MountPoint, ABridgeBringsWhatABrokerHas) {
  start("pubsub.localhost/any");
  const FreePort port;
  const std::string settings = prosody.folder().path("mosquitto.conf");
  prosody.folder().write("mosquitto.conf", "user root\nallow_anonymous true\nlog_type all\nlistener " +
                                               std::to_string(port.number()) +
                                               " 127.0.0.1\nconnection house\naddress 127.0.0.1:" +
                                               std::to_string(prosody.mqtt_port()) + "\ntopic # both 1\n");
  MosquittoCommand mosquitto({"mosquitto", "-c", settings});
  mosquitto.output().wait_for("Received SUBACK");
  MqttClient here(prosody.mqtt_port());
  MqttClient there(port.number());
  for (MqttClient* end : {&here, &there}) EXPECT_EQ(end->subscribe("tele/#", 1), 1);
  there.publish("tele/plug/STATE", "on", 1, true);
  const Message live{.topic = "tele/plug/STATE", .payload = "on", .qos = 1};
  EXPECT_EQ(there.next_message(), live);
  EXPECT_EQ(here.next_message(), live);
  EXPECT_EQ(admin->items("tele/plug/STATE").front().id, "current");
  here.publish("tele/plug/POWER", "off", 1);
  const Message back{.topic = "tele/plug/POWER", .payload = "off", .qos = 1};
  EXPECT_EQ(here.next_message(), back);
  EXPECT_EQ(there.next_message(), back);
  EXPECT_TRUE(here.messages_so_far().empty());
  EXPECT_TRUE(there.messages_so_far().empty());
}

class MountedComparison : public MosquittoComparison {
 protected:
  void SetUp() override {
    prosody.start({.global = "mqtt_mountpoint = \"pubsub.localhost/any\""});
    mosquitto.output().wait_for("mosquitto version .* running");
  }
};

TEST_F(MountedComparison, MosquittosProgramsSendAndShowTheirTopicsAsTheyAre) {
  compare([](Terminal& terminal) {
    terminal.publish({"-q", "1", "-r", "-t", "zigbee2mqtt/bridge/state", "-m", "online"});
    terminal.publish({"-q", "1", "-r", "-t", "tele/plug/LWT", "-m", "Online"});
    terminal.publish({"-q", "1", "-t", "tele/plug/STATE", "-m", "not retained"});
    terminal.run_subscribe({"-q", "1", "-C", "2", "-t", "tele/#", "-t", "zigbee2mqtt/+/state"});
    const auto house = terminal.subscribe(
        {"-q", "2", "-C", "5", "-t", "cmnd/#", "-t", "+/plug/POWER", "-t", "/first/empty"});
    terminal.publish({"-q", "1", "-t", "cmnd/plug/POWER", "-m", "TOGGLE"});
    terminal.publish({"-q", "1", "-t", "stat/plug/POWER", "-m", "ON"});
    terminal.publish({"-q", "1", "-t", "/first/empty", "-m", "1"});
    terminal.publish({"-q", "1", "-t", "cmnd", "-m", "parent"});
    terminal.publish({"-q", "1", "-t", "cmnd/plug/BINARY", "-m", "end"});
    terminal.show(*house);
    terminal.publish({"-q", "1", "-r", "-n", "-t", "tele/plug/LWT"});
    terminal.run_subscribe({"-q", "1", "-C", "1", "-t", "#"});
  });
}

TEST_F(MountPoint, WrongSettingsAreNamedAndMountNothing) {
  for (const std::string setting :
       {"pubsub.localhost", "elsewhere.localhost/any", "pubsub.localhost/nope", "pubsub.localhost/any/",
        "pubsub.localhost/any/%x", "pubsub.localhost/any/+"}) {
    start(setting);
    prosody.log().wait_for("error.*mqtt_mountpoint = .*topics are mounted nowhere");
    MqttClient client(prosody.mqtt_port());
    EXPECT_EQ(client.subscribe("tele/x"), 0x80) << setting;
    admin.reset();
    prosody.stop();
  }
}

TEST_F(MountPoint, NamesTheComponentAsTheConfigurationMay) {
  start("PubSub.Localhost/any/Home");
  prosody.log().wait_for("info\t.* are taken below pubsub.localhost/any/Home:");
}

TEST_F(MountPoint, SaysAtLoadWhatItMeansForWildcards) {
  start("pubsub.localhost/any");
  prosody.log().wait_for("info.*no pubsub host are taken below pubsub.localhost/any.*#");
}

TEST_F(MountPoint, FollowsAReload) {
  start("pubsub.localhost/any");
  MqttClient reader(prosody.mqtt_port());
  EXPECT_EQ(reader.subscribe("tele/#"), 0);
  MqttClient device(prosody.mqtt_port());
  device.publish("tele/x", "1", 1);
  EXPECT_EQ(reader.next_message(), (Message{.topic = "tele/x", .payload = "1"}));
  prosody.reload(configuration("pubsub.localhost/any/home"));
  device.publish("tele/x", "2", 1);
  EXPECT_EQ(reader.next_message(), (Message{.topic = "tele/x", .payload = "2"}));
  EXPECT_EQ(admin->items("home/tele/x").size(), 1U);
  EXPECT_EQ(admin->items("tele/x").size(), 1U);
  prosody.reload({});
  device.publish("tele/x", "3", 1);
  prosody.log().wait_for("SUBSCRIBE to tele/# refused");
  prosody.log().wait_for("PUBLISH to tele/x refused");
  EXPECT_TRUE(reader.messages_so_far().empty());
}

// A pubsub component that begins while clients are connected.
TEST_F(MountPoint, FollowsPubsubHostsAsTheyCome) {
  start("pubsub.localhost/any");
  MqttClient reader(prosody.mqtt_port());
  EXPECT_EQ(reader.subscribe("news.localhost/json/x"), 0);
  auto with_news = configuration("pubsub.localhost/any");
  with_news.more_hosts =
      "Component \"news.localhost\" \"pubsub\"\nmodules_enabled = { \"pubsub_mqtt\" }\n"
      "autocreate_on_publish = true";
  prosody.reload(with_news);
  prosody.shell("host:activate(\"news.localhost\")");
  MqttClient device(prosody.mqtt_port());
  device.publish("news.localhost/json/x", "1", 1);
  EXPECT_EQ(reader.next_message(), (Message{.topic = "news.localhost/json/x", .payload = "1"}));
  EXPECT_TRUE(admin->items("news.localhost/json/x").empty());  // that was created by the subscription
  XmppClient of_news("admin@localhost", account_password, prosody.c2s_port(), "news.localhost");
  EXPECT_EQ(of_news.items("x").size(), 1U);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
