// The administrator's view: `prosodyctl shell`.
#include <gtest/gtest.h>

#include <regex>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Shell = RunningProsody;

// The number of the only session whose line has `text`.
std::string number_of(const std::string& list, const std::string& text) {
  std::smatch match;
  EXPECT_TRUE(std::regex_search(list, match, std::regex("(\\d+)  [^\\n]*" + text))) << list;
  return match[1];
}

TEST_F(Shell, ListsClientsAndTheirAccounts) {
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  disconnect(away);
  MqttClient client({.port = prosody.mqtt_port(),
                     .client_identifier = "meter",
                     .user_name = "juliet@localhost",
                     .password = account_password});
  client.subscribe("pubsub.localhost/json/node");
  const std::string list = prosody.shell("mqtt:list()");
  number_of(list, "\"meter\" \\(juliet@localhost\\)  connected, 1 subscriptions");
  number_of(list, "\"away\"  away, 0 subscriptions");
  EXPECT_NE(list.find("2 MQTT sessions, 1 of them connected"), std::string::npos) << list;
}

TEST_F(Shell, ClosesAClientWhoseWillGoesOut) {
  MqttClient witness({.port = prosody.mqtt_port(), .client_identifier = "witness"});
  ASSERT_EQ(witness.subscribe("pubsub.localhost/utf8/node"), 0);
  RawMqtt client(prosody.mqtt_port());
  connect(client, {.client_identifier = "meter",
                   .will = mqtt::Publish{.topic = "pubsub.localhost/utf8/node", .payload = "gone"}});
  messages_so_far(client);  // returns when Prosody's thread knows of the client
  const std::string number = number_of(prosody.shell("mqtt:list()"), "\"meter\"");
  prosody.shell("mqtt:close(" + number + ")");
  client.wait_for_close();
  EXPECT_EQ(witness.next_message().payload, "gone");
  witness.messages_so_far();  // is answered after the end of the other's session
  EXPECT_NE(prosody.shell("mqtt:close(" + number + ")").find("No such client"), std::string::npos);
  EXPECT_TRUE(witness.connected());
}

// What `prosodyctl shell mqtt close NUMBER` sends: a call with a string on Prosody 0.12, a list of words
// on 13.
TEST_F(Shell, TakesWhatProsodyctlMakesOfItsArguments) {
  RawMqtt client(prosody.mqtt_port());
  client.connect("meter");
  messages_so_far(client);  // returns when Prosody's thread knows of the client
  const std::string number =
      number_of(prosody.shell(prosody.is_0_12() ? "mqtt:list()" : R"({"mqtt", "list"})"), "\"meter\"");
  prosody.shell(prosody.is_0_12() ? "mqtt:close(\"" + number + "\")"
                                  : R"({"mqtt", "close", ")" + number + "\"}");
  client.wait_for_close();
}

TEST_F(Shell, StillListsAfterAReload) {
  RawMqtt client(prosody.mqtt_port());
  client.connect("meter");
  messages_so_far(client);  // returns when Prosody's thread knows of the client
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  number_of(prosody.shell("mqtt:list()"), "\"meter\"");
}

TEST_F(Shell, NumbersCanBeTypedAndStayWithTheirSession) {
  const auto number = [&](const std::string& client) {
    return number_of(prosody.shell("mqtt:list()"), "\"" + client + "\"");
  };
  RawMqtt first = with_session(prosody.mqtt_port(), "first");
  EXPECT_EQ(number("first"), "1");
  RawMqtt second = with_session(prosody.mqtt_port(), "second");
  EXPECT_EQ(number("second"), "2");
  disconnect(first);
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(number("first"), "1");
  RawMqtt ended(prosody.mqtt_port());
  EXPECT_EQ(connect(ended, {.client_identifier = "first"}).reason, mqtt::Reason::success);
  disconnect(ended);
  EXPECT_EQ(number("second"), "2");
  RawMqtt third = connected(prosody.mqtt_port(), "third");
  EXPECT_EQ(number("third"), "3") << "1 was another's";
}

TEST_F(Shell, HelpKnowsOfMqtt) {
  const auto sections = [&] {
    const std::string help = prosody.shell("help");
    const std::regex line("mqtt[^\n]*View and close MQTT clients");
    return std::distance(std::sregex_iterator(help.begin(), help.end(), line), std::sregex_iterator());
  };
  EXPECT_EQ(sections(), 1);
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(sections(), 1);
  prosody.shell(R"(module:reload("admin_shell"))");
  EXPECT_EQ(sections(), 1);
  const std::string help = prosody.shell("help mqtt");
  EXPECT_NE(help.find("mqtt:list("), std::string::npos) << help;
  EXPECT_NE(help.find("mqtt:close("), std::string::npos) << help;
  if (!prosody.is_0_12()) return;  // Prosody 13 makes its help itself
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(sections(), 0);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
