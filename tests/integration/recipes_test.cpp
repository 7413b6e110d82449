// Devices and programs as docs/recipes.md has them: one Prosody with the lines of all recipes, and each program, or a
// client that does what it does, with the topics and payloads that its documentation gives.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "documents.h"
#include "free_port.h"
#include "mosquitto_command.h"
#include "mqtt_client.h"
#include "prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* common = "Devices and programs";

// A recipe's heading, and how its lines for Prosody begin.
constexpr std::pair<const char*, const char*> recipes[] = {
    {"Home Assistant", "{ \"homeassistant/"},
    {"zigbee2mqtt", "{ \"zigbee2mqtt/"},
    {"Tasmota", "{ \"cmnd/"},
    {"ESPHome", "{ \"esphome/"},
    {"Node-RED", "{ \"nodered/"},
    {"OwnTracks", "{ \"owntracks/"},
    {"collectd", "{ \"collectd/"},
    {"Sparkplug B", "{ \"spBv1.0/"},
    {"A mosquitto bridge", "{ \"workshop/"},
    {"A camera", "{ \"camera/"},
};

class Recipes : public testing::Test {
 protected:
  void SetUp() override {
    std::string patterns;
    for (const auto& [heading, begins] : recipes) patterns += recipe(heading, begins);
    const std::string component = recipe(common, "Component \"pubsub.example.org\" \"pubsub\"");
    prosody.start(
        {.global = at_localhost(with(recipe(common, "mqtt_mountpoint"),
                                     "        -- the lines of each recipe that you use\n", patterns)),
         .component = at_localhost(component.substr(component.find('\n')))});
    const std::regex account("\\[\"([a-z0-9]+)@example\\.org\"\\]");
    std::set<std::string> names{"guest"};
    for (std::sregex_iterator i(patterns.begin(), patterns.end(), account), end; i != end; ++i) {
      names.insert((*i)[1]);
    }
    for (const std::string& name : names) {
      prosody.shell(">require 'core.usermanager'.create_user('" + name + "', '" + account_password +
                    "', 'localhost')");
    }
  }

  void TearDown() override {
    for (const std::string& line : prosody.log().lines()) {
      if (line.find("mqtt_node_defaults: ") != std::string::npos) ADD_FAILURE() << line;
    }
  }

  // Over TLS.
  MqttClient::Options account(const std::string& name, const std::string& client_identifier = "") const {
    return {.port = prosody.mqtt_tls_port(),
            .host = "localhost",
            .client_identifier = client_identifier,
            .ca_file = prosody.ca_file(),
            .user_name = name + "@localhost",
            .password = account_password};
  }

  // A program's configuration: as in the document, but for where things are here.
  std::string configuration(const std::string& heading, const std::string& begins) const {
    std::string text = recipe(heading, begins);
    text = std::regex_replace(text, std::regex("@example\\.org"), "@localhost");
    text = std::regex_replace(text, std::regex("pubsub\\.example\\.org"), "localhost");
    text = std::regex_replace(text, std::regex("8883"), std::to_string(prosody.mqtt_tls_port()));
    text = std::regex_replace(text, std::regex("/etc/ssl/certs/ca-certificates\\.crt"), prosody.ca_file());
    return std::regex_replace(text, std::regex("PASSWORD"), account_password);
  }

  void expect_refused(const std::string& name, const std::string& topic) {
    const std::size_t before = prosody.log().size();
    MqttClient client(account(name, name + "-is-not-allowed"));
    client.publish(topic, "1", 1);
    prosody.log().wait_for("PUBLISH to " + topic + ".* refused", before);
  }

  std::string retained(const std::string& name, const std::string& topic) const {
    MqttClient late(account(name));
    EXPECT_EQ(late.subscribe(topic), 0);
    const std::deque<Message> messages = late.messages_so_far();
    return messages.empty() ? "" : messages.front().payload;
  }

  Prosody prosody;
};

TEST_F(Recipes, HomeAssistantDiscoversALampAndSwitchesIt) {
  MqttClient::Options options = account("ha");
  options.protocol = MQTT_PROTOCOL_V5;
  options.will = Message{.topic = "homeassistant/status", .payload = "offline"};
  MqttClient ha(options);
  MqttClient lamp(account("esphome", "cellar-a1b2c3d4e5f6"));
  ASSERT_EQ(lamp.subscribe("homeassistant/status"), 0);
  for (const char* filter : {"homeassistant/+/+/config", "homeassistant/+/+/+/config"}) {
    ASSERT_EQ(ha.subscribe(filter), 0);
  }
  ha.publish("homeassistant/status", "online");
  EXPECT_EQ(lamp.next_message().payload, "online");

  const std::string discovery =
      R"({"name":"Lamp","stat_t":"esphome/cellar/light/lamp/state",)"
      R"("cmd_t":"esphome/cellar/light/lamp/command","avty_t":"esphome/cellar/status","uniq_id":"ESPlightlamp"})";
  lamp.publish("homeassistant/light/cellar/lamp/config", discovery, 0, true);
  EXPECT_EQ(ha.next_message().payload, discovery);
  ASSERT_EQ(ha.subscribe("esphome/cellar/light/lamp/state"), 0);
  ASSERT_EQ(lamp.subscribe("esphome/cellar/light/lamp/command"), 0);
  ha.publish("esphome/cellar/light/lamp/command", R"({"state":"ON"})");
  EXPECT_EQ(lamp.next_message().payload, R"({"state":"ON"})");
  lamp.publish("esphome/cellar/light/lamp/state", R"({"state":"ON"})", 0, true);
  EXPECT_EQ(ha.next_message().payload, R"({"state":"ON"})");

  // What Home Assistant is to forget, it clears.
  ha.publish("homeassistant/light/cellar/lamp/config", "", 0, true);
  EXPECT_EQ(ha.next_message().payload, "");
  EXPECT_EQ(retained("ha", "homeassistant/light/cellar/lamp/config"), "");
  ha.vanish();
  EXPECT_EQ(lamp.next_message().payload, "offline");
  expect_refused("guest", "homeassistant/light/cellar/lamp/config");
}

// https://tasmota.github.io/docs/MQTT/
TEST_F(Recipes, Tasmota) {
  const std::string commands = configuration("Tasmota", "Backlog");
  for (const char* command : {"SetOption103 1;", "MqttUser tasmota@localhost;", "Topic lamp"}) {
    EXPECT_NE(commands.find(command), std::string::npos) << commands;
  }
  MqttClient ha(account("ha"));
  for (const char* filter : {"tele/lamp/#", "stat/lamp/#", "tasmota/discovery/#"}) {
    ASSERT_EQ(ha.subscribe(filter), 0);
  }
  MqttClient::Options options = account("tasmota", "DVES_AB12CD");
  options.will = Message{.topic = "tele/lamp/LWT", .payload = "Offline", .qos = 1, .retain = true};
  MqttClient lamp(options);
  lamp.publish("tele/lamp/LWT", "Online", 0, true);
  lamp.publish("cmnd/lamp/POWER", "");
  for (const char* filter : {"cmnd/lamp/#", "cmnd/tasmotas/#", "cmnd/DVES_AB12CD_fb/#"}) {
    ASSERT_EQ(lamp.subscribe(filter), 0);
  }
  EXPECT_EQ(ha.next_message().payload, "Online");
  lamp.publish("tasmota/discovery/A1B2C3AB12CD/config",
               R"({"ip":"192.0.2.7","dn":"Lamp","t":"lamp","ver":1})", 0, true);
  EXPECT_EQ(ha.next_message().topic, "tasmota/discovery/A1B2C3AB12CD/config");

  ha.publish("cmnd/lamp/POWER", "TOGGLE");
  EXPECT_EQ(lamp.next_message(), (Message{.topic = "cmnd/lamp/POWER", .payload = "TOGGLE"}));
  lamp.publish("stat/lamp/RESULT", R"({"POWER":"ON"})");
  EXPECT_EQ(ha.next_message().payload, R"({"POWER":"ON"})");
  lamp.publish("stat/lamp/POWER", "ON");
  EXPECT_EQ(ha.next_message(), (Message{.topic = "stat/lamp/POWER", .payload = "ON"}));
  lamp.vanish();
  EXPECT_EQ(ha.next_message().payload, "Offline");
  EXPECT_EQ(retained("guest", "tele/lamp/LWT"), "Offline");
  expect_refused("guest", "cmnd/lamp/POWER");
}

// https://esphome.io/components/mqtt.html
TEST_F(Recipes, EsphomeReturnsToItsSession) {
  const std::string yaml = configuration("ESPHome", "mqtt:");
  EXPECT_NE(yaml.find("topic_prefix: esphome/cellar\n"), std::string::npos) << yaml;
  MqttClient::Options options = account("esphome", "cellar-a1b2c3d4e5f6");
  options.clean_session = false;
  options.will = Message{.topic = "esphome/cellar/status", .payload = "offline", .retain = true};
  MqttClient ha(account("ha"));
  {
    MqttClient cellar(options);
    cellar.publish("esphome/cellar/status", "online", 0, true);
    ASSERT_EQ(cellar.subscribe("esphome/cellar/switch/pump/command", 1), 1);
    cellar.publish("esphome/cellar/sensor/temperature/state", "21.5", 0, true);
    cellar.publish("esphome/cellar/debug", "\x1b[0;32m[I][app:102]: ESPHome\x1b[0m");
    EXPECT_EQ(retained("ha", "esphome/cellar/sensor/temperature/state"), "21.5");
    cellar.vanish();
    cellar.wait_for_close();
  }
  ha.publish("esphome/cellar/switch/pump/command", "ON", 1);
  ha.messages_so_far();
  MqttClient again(options);
  EXPECT_EQ(again.next_message().payload, "ON");
  EXPECT_EQ(retained("ha", "esphome/cellar/status"), "offline");
  expect_refused("guest", "esphome/cellar/switch/pump/command");
}

// https://owntracks.org/booklet/tech/json/
TEST_F(Recipes, OwnTracksTellsThoseWhoMayKnow) {
  const std::string otrc = configuration("OwnTracks", "{ \"_type\": \"configuration\"");
  EXPECT_NE(otrc.find("\"username\": \"juliet@localhost\""), std::string::npos) << otrc;
  const std::string topic = "owntracks/juliet@localhost/phone";
  const std::string location =
      R"({"_type":"location","tid":"ju","lat":45.4384,"lon":10.9916,"acc":12,"batt":80,"tst":1700000000})";
  MqttClient::Options options = account("juliet", "julietphone");
  options.clean_session = false;
  options.will = Message{.topic = topic, .payload = R"({"_type":"lwt","tst":1700000000})", .qos = 1};
  MqttClient phone(options);
  ASSERT_EQ(phone.subscribe(topic + "/cmd", 2), 2);
  ASSERT_EQ(phone.subscribe("owntracks/+/+", 2), 2);
  phone.publish(topic, location, 1, true);
  EXPECT_EQ(phone.next_message().payload, location);
  EXPECT_EQ(retained("romeo", "owntracks/+/+"), location);
  EXPECT_EQ(retained("guest", "owntracks/+/+"), "");
  MqttClient guest(account("guest"));
  EXPECT_EQ(guest.subscribe(topic), 0x80);

  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  ASSERT_EQ(romeo.items(topic).size(), 1U);
  EXPECT_NE(romeo.items(topic).front().payload.find("45.4384"), std::string::npos);
  XmppClient stranger("guest@localhost", account_password, prosody.c2s_port());
  EXPECT_THROW(stranger.items(topic), StanzaError);
  phone.vanish();
  expect_refused("romeo", topic);
}

TEST_F(Recipes, CollectdReports) {
  const std::string folder = prosody.folder().path("");
  const std::string settings = "Hostname \"house\"\nFQDNLookup false\nInterval 1\nBaseDir \"" + folder +
                               "\"\nPIDFile \"" + folder + "/pid\"\nLoadPlugin logfile\nLoadPlugin uptime\n" +
                               "<Plugin logfile>\n\tFile STDOUT\n</Plugin>\n";
  MqttClient guest(account("guest"));
  ASSERT_EQ(guest.subscribe("collectd/#", 1), 1);
  MosquittoCommand collectd(
      {"collectd", "-f", "-C",
       prosody.folder().write("collectd.conf", settings + configuration("collectd", "LoadPlugin mqtt"))});
  const Message message = guest.next_message();
  EXPECT_EQ(message.topic, "collectd/house/uptime/uptime");
  EXPECT_TRUE(std::regex_match(message.payload, std::regex(std::string("[0-9.]+:[0-9]+[^]", 17))))
      << message.payload;
  EXPECT_EQ(message.payload.back(), '\0');
}

TEST_F(Recipes, AMosquittoBridgeInBothDirections) {
  const FreePort port;
  const std::string settings = "user root\nallow_anonymous true\nlistener " + std::to_string(port.number()) +
                               " 127.0.0.1\nlog_type all\n";
  MosquittoCommand mosquitto(
      {"mosquitto", "-c",
       prosody.folder().write(
           "mosquitto.conf",
           settings + std::regex_replace(configuration("A mosquitto bridge", "connection prosody"),
                                         std::regex("(^|\n) +"), "$1"))});
  mosquitto.output().wait_for("Received SUBACK");
  MqttClient there(port.number());
  MqttClient ha(account("ha"));
  ASSERT_EQ(there.subscribe("#", 1), 1);
  ASSERT_EQ(ha.subscribe("workshop/#", 1), 1);
  there.publish("saw/state", "on", 1, true);
  EXPECT_EQ(there.next_message().topic, "saw/state");
  EXPECT_EQ(ha.next_message(), (Message{.topic = "workshop/saw/state", .payload = "on", .qos = 1}));
  ha.publish("workshop/saw/set", "off", 1);
  EXPECT_EQ(there.next_message(), (Message{.topic = "saw/set", .payload = "off", .qos = 1}));
  EXPECT_EQ(ha.next_message().topic, "workshop/saw/set");
  EXPECT_TRUE(there.messages_so_far().empty());
  EXPECT_TRUE(ha.messages_so_far().empty());
  EXPECT_EQ(retained("guest", "workshop/saw/state"), "on");
  expect_refused("guest", "workshop/saw/set");
}

TEST_F(Recipes, ACameraShowsItsNewestPicture) {
  // The marks of a JPEG file around bytes of every value, smaller and larger than an item of XMPP.
  for (const std::size_t size : {100'000UL, 1'000'000UL}) {
    std::string picture = "\xff\xd8\xff\xe0";
    while (picture.size() < size) picture += static_cast<char>(picture.size() * 31 % 251);
    picture += "\xff\xd9";
    const std::string file = prosody.folder().write("picture.jpg", picture);
    const std::string line = with(configuration("A camera", "on_picture_save"), "%f", file);
    // motion hands it to the shell.
    MosquittoCommand shell({"sh", "-c", line.substr(line.find("mosquitto_pub"))});
    EXPECT_EQ(shell.wait(), 0);
    EXPECT_EQ(retained("ha", "camera/garden"), picture);
    EXPECT_EQ(retained("guest", "camera/#"), "");
  }
  expect_refused("ha", "camera/garden");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
