// What README.md shows, typed as it stands there but for names and ports.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "mosquitto_command.h"
#include "prosody.h"

namespace pubsub_mqtt::tests {
namespace {

// The lines of README.md that are code and match, without their indentation.
std::string code(const std::string& pattern) {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/README.md");
  const std::regex expression("    (.*" + pattern + ".*)");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, expression)) found += match[1].str() + '\n';
  }
  return std::regex_replace(found, std::regex("example\\.org"), "localhost");
}

// All lines of one section that are code.
std::string code_of_section(const std::string& heading) {
  std::ifstream file(PUBSUB_MQTT_SOURCE "/README.md");
  std::string found;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) inside = line == heading;
    if (inside && line.starts_with("    ")) found += line + '\n';
  }
  return std::regex_replace(found, std::regex("example\\.org"), "localhost");
}

std::vector<std::string> words(const std::string& command) {
  std::istringstream text(std::regex_replace(command, std::regex("'"), ""));
  return {std::istream_iterator<std::string>(text), {}};
}

// As typed on the server.
std::vector<std::string> with_port(std::vector<std::string> command, const Prosody& prosody) {
  command.insert(command.begin() + 1, {"-h", "127.0.0.1", "-p", std::to_string(prosody.mqtt_port())});
  return command;
}

TEST(Readme, TheConfigurationDoesWhatTheFirstCommandsSay) {
  const std::string configuration = code("(modules_enabled|autocreate_on_publish)");
  ASSERT_NE(configuration, "");
  Prosody prosody;
  prosody.start({.component = configuration});
  auto subscribe = with_port(words(code("mosquitto_sub")), prosody);
  subscribe.insert(subscribe.begin(), {"stdbuf", "-oL"});
  subscribe.insert(subscribe.end(), {"-d", "-C", "1"});
  MosquittoCommand subscriber(subscribe);
  subscriber.output().wait_for("Subscribed.*: 0$");
  const std::string publish = code("mosquitto_pub -t");
  ASSERT_EQ(std::count(publish.begin(), publish.end(), '\n'), 1) << publish;
  EXPECT_EQ(MosquittoCommand(with_port(words(publish), prosody)).wait(), 0);
  subscriber.output().wait_for(R"(^\{"t":21\.5\}$)");
  EXPECT_EQ(subscriber.wait(), 0);
}

TEST(Readme, TwoAccountsPublishToOneNode) {
  Prosody prosody;
  prosody.start({.global = code("mqtt_users_create_nodes"), .component = code("modules_enabled")});
  const auto publish = [&](const std::string& user_name) {
    EXPECT_EQ(MosquittoCommand({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(prosody.mqtt_port()),
                                "-u", user_name, "-P", account_password, "-q", "1", "-t",
                                "pubsub.localhost/json/cellar", "-m", "1"})
                  .wait(),
              0);
  };
  publish("juliet@localhost");
  publish("romeo@localhost");
  prosody.log().wait_for("romeo@localhost.*refused: romeo@localhost is no publisher of the node");
  const std::string recipe = code("set_affiliation");
  ASSERT_NE(recipe, "");
  const std::string line =
      std::regex_replace(recipe.substr(0, recipe.find('\n')), std::regex("pump@"), "romeo@");
  EXPECT_NE(prosody.shell(line).find("true"), std::string::npos) << line;
  const std::size_t mark = prosody.log().size();
  publish("romeo@localhost");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("romeo@localhost.*refused", mark), 0U);
}

TEST(Readme, TheHouseHasItsRights) {
  Prosody prosody;
  prosody.start({.global = code_of_section("### A house"),
                 .component = code("(modules_enabled|autocreate_on_publish)")});
  for (const char* name : {"zigbee2mqtt", "ha", "guest"}) {
    prosody.shell(">require 'core.usermanager'.create_user('" + std::string(name) + "', '" +
                  account_password + "', 'localhost')");
  }
  const auto publish = [&](const std::string& name, const std::string& topic) {
    EXPECT_EQ(
        MosquittoCommand({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(prosody.mqtt_port()), "-u",
                          name + "@localhost", "-P", account_password, "-q", "1", "-t", topic, "-m", "1"})
            .wait(),
        0);
  };
  publish("zigbee2mqtt", "homeassistant/light/lamp/config");
  publish("zigbee2mqtt", "zigbee2mqtt/lamp");
  publish("ha", "zigbee2mqtt/lamp/set");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("refused"), 0U);
  publish("guest", "zigbee2mqtt/lamp/set");
  prosody.log().wait_for("guest@localhost.*refused: guest@localhost is no publisher of the node");
  publish("guest", "elsewhere");
  prosody.log().wait_for("guest@localhost.*elsewhere.*refused");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
