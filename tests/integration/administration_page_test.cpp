// What docs/administration.md shows: each command is typed as it stands there, and answers as it stands there, but for
// names of hosts and numbers.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

struct Shown {
  std::string command;
  std::string answer;
};

// What the page shows of `prosodyctl shell`.
std::vector<Shown> shown() {
  constexpr std::string_view prompt = "    prosody> ";
  constexpr std::string_view answer = "    | ";
  std::ifstream file(PUBSUB_MQTT_SOURCE "/docs/administration.md");
  std::vector<Shown> commands;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(prompt)) {
      commands.push_back({.command = line.substr(prompt.size()), .answer = {}});
    } else if (line.starts_with(answer)) {
      commands.back().answer += line.substr(answer.size()) + '\n';
    }
  }
  return commands;
}

std::string on_this_host(const std::string& text) {
  return std::regex_replace(text, std::regex("example\\.org"), "localhost");
}

// Without what differs from one machine to the next, and from Prosody 0.12 to 13.
std::string comparable(std::string text) {
  text = std::regex_replace(text, std::regex("\\S+/pubsub_mqtt\\.sqlite"), "pubsub_mqtt.sqlite");
  text = std::regex_replace(text, std::regex("Result: "), "OK: ");
  text = std::regex_replace(text, std::regex("[0-9]+"), "0");
  return std::regex_replace(text, std::regex(" +"), " ");
}

TEST(AdministrationPage, TheCommandsAnswerAsShown) {
  Prosody prosody;
  prosody.start({.global = R"(
    mqtt_mountpoint = "pubsub.localhost/any"
    mqtt_node_defaults = {
      { "zigbee2mqtt/#", access_model = "whitelist", affiliations = {
        ["bridge@localhost"] = "owner", ["ha@localhost"] = "publisher" } };
    })"});
  for (const char* name : {"bridge", "ha", "guest"}) {
    prosody.shell(">require 'core.usermanager'.create_user('" + std::string(name) + "', '" +
                  account_password + "', 'localhost')");
  }
  RawMqtt bridge(prosody.mqtt_port());
  connect(bridge,
          {.client_identifier = "zigbee2mqtt",
           .will = mqtt::Publish{.topic = "zigbee2mqtt/bridge/state", .payload = "offline", .retain = true},
           .user_name = "bridge@localhost",
           .password = account_password});
  RawMqtt panel(prosody.mqtt_port());
  connect(panel, {.clean_session = false,
                  .client_identifier = "panel",
                  .user_name = "ha@localhost",
                  .password = account_password});
  panel.subscribe("zigbee2mqtt/lamp", mqtt::QoS::at_least_once);
  disconnect(panel);
  MqttClient home_assistant({.port = prosody.mqtt_tls_port(),
                             .host = "localhost",
                             .client_identifier = "homeassistant",
                             .protocol = MQTT_PROTOCOL_V5,
                             .ca_file = prosody.ca_file(),
                             .user_name = "ha@localhost",
                             .password = account_password});
  home_assistant.subscribe("zigbee2mqtt/#");
  for (const auto& [topic_name, payload] : {std::pair("zigbee2mqtt/bridge/state", "online"),
                                            std::pair("zigbee2mqtt/lamp", "{\"state\":\"ON\"}")}) {
    publish(bridge,
            {.topic = topic_name, .payload = payload, .qos = mqtt::QoS::at_least_once, .retain = true});
  }
  const auto commands = shown();
  EXPECT_GE(commands.size(), 10U);
  for (const auto& [command, answer] : commands) {
    EXPECT_EQ(comparable(prosody.shell(on_this_host(command))), comparable(on_this_host(answer))) << command;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
