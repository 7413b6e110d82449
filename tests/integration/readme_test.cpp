// What README.md shows, typed as it stands there but for names and ports.
#include <gtest/gtest.h>

#include <regex>

#include "documents.h"
#include "mosquitto_command.h"
#include "prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* top = "mod_pubsub_mqtt: MQTT for Prosody's pubsub";
constexpr const char* ten_minutes = "Ten minutes to a device over TLS";

std::string readme(const std::string& heading, const std::string& begins) {
  return at_localhost(documented("README.md", heading, begins));
}

// What stands below the Component.
std::string component(const std::string& configuration) {
  const std::string line = "Component \"pubsub.localhost\" \"pubsub\"\n";
  return configuration.substr(configuration.find(line) + line.size());
}

void create_account(const Prosody& prosody, const std::string& name) {
  prosody.shell(">require 'core.usermanager'.create_user('" + name + "', '" + account_password +
                "', 'localhost')");
}

// A command, as typed.
std::vector<std::string> typed(const std::string& command) { return {"sh", "-c", command}; }

// As typed on the server, where it finds MQTT on its port.
std::string with_port(const std::string& command, const Prosody& prosody) {
  return std::regex_replace(command, std::regex("(mosquitto_(pub|sub))"),
                            "$1 -h 127.0.0.1 -p " + std::to_string(prosody.mqtt_port()));
}

// As typed anywhere.
std::string over_tls(std::string command, const Prosody& prosody) {
  command = with(command, "/etc/ssl/certs/ca-certificates.crt", prosody.ca_file());
  command = with(command, "-h pubsub.localhost -p 8883",
                 "-h localhost -p " + std::to_string(prosody.mqtt_tls_port()));
  return with(command, "PASSWORD", account_password);
}

TEST(Readme, TheConfigurationDoesWhatTheFirstCommandsSay) {
  Prosody prosody;
  prosody.start({.component = component(readme("Install it", "Component"))});
  const std::string commands = with_port(readme(top, "mosquitto_sub"), prosody);
  const auto second = commands.find('\n') + 1;
  MosquittoCommand subscriber(
      typed(with(commands.substr(0, second), "mosquitto_sub", "exec stdbuf -oL mosquitto_sub -d -C 1")));
  subscriber.output().wait_for("Subscribed.*: 0$");
  EXPECT_EQ(MosquittoCommand(typed(commands.substr(second))).wait(), 0);
  subscriber.output().wait_for(R"(^\{"t":21\.5\}$)");
  EXPECT_EQ(subscriber.wait(), 0);
}

TEST(Readme, AMeterReportsOverTlsInTenMinutes) {
  Prosody prosody;
  prosody.start({.global = "allow_unencrypted_plain_auth = false",
                 .virtual_host = "allow_unencrypted_plain_auth = true",  // for the test's XMPP client
                 .component = component(readme(ten_minutes, "VirtualHost"))});
  create_account(prosody, "meter");
  EXPECT_EQ(MosquittoCommand(typed(over_tls(readme(ten_minutes, "mosquitto_pub"), prosody))).wait(), 0);
  MosquittoCommand reader(typed(with(over_tls(readme(ten_minutes, "mosquitto_sub"), prosody), "mosquitto_sub",
                                     "exec mosquitto_sub -C 1")));
  reader.output().wait_for(R"(^\{"t":12\.5\}$)");
  EXPECT_EQ(reader.wait(), 0);
  XmppClient meter("juliet@localhost", account_password, prosody.c2s_port());
  ASSERT_EQ(meter.items("cellar").size(), 1U);
  EXPECT_NE(meter.items("cellar").front().payload.find("12.5"), std::string::npos);
}

TEST(Readme, TwoAccountsPublishToOneNode) {
  Prosody prosody;
  prosody.start({.component = component(readme(ten_minutes, "VirtualHost"))});
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
  std::string line = with(readme(ten_minutes, ">prosody.hosts"), "pump@", "romeo@");
  line = line.substr(line.find('>'), line.find('\n') - line.find('>'));
  EXPECT_NE(prosody.shell(line).find("true"), std::string::npos) << line;
  const std::size_t mark = prosody.log().size();
  publish("romeo@localhost");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("romeo@localhost.*refused", mark), 0U);
}

TEST(Readme, TheHouseHasItsRights) {
  Prosody prosody;
  prosody.start({.global = readme("A house", "mqtt_mountpoint"),
                 .component = component(readme("Install it", "Component"))});
  for (const char* name : {"zigbee2mqtt", "ha", "guest"}) create_account(prosody, name);
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
