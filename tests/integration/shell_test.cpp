// The administrator's view: `prosodyctl shell`.
#include <gtest/gtest.h>

#include <regex>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Shell = RunningProsody;

// The number of the only session whose line has `client`, as a regular expression, behind it.
std::string number_of(const std::string& list, const std::string& client) {
  std::smatch match;
  EXPECT_TRUE(std::regex_search(list, match, std::regex("(\\d+) +\\| " + client))) << list;
  return match[1];
}

bool has(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern));
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
  number_of(list,
            "meter +\\| juliet@localhost +\\| 127\\.0\\.0\\.1:\\d+ +\\| connected +\\| [-0-9]+ [:0-9]+ +\\| "
            "3\\.1\\.1 TCP "
            "+\\| 0 +\\| 0 +\\| 0 +\\| 1\n");
  number_of(list, "away +\\| +\\| 127\\.0\\.0\\.1:\\d+ +\\| away +\\| .* 0\n");
  EXPECT_NE(list.find("2 MQTT sessions, 1 of them connected"), std::string::npos) << list;
}

TEST_F(Shell, ClosesAClientWhoseWillGoesOut) {
  MqttClient witness({.port = prosody.mqtt_port(), .client_identifier = "witness"});
  ASSERT_EQ(witness.subscribe("pubsub.localhost/utf8/node"), 0);
  RawMqtt client(prosody.mqtt_port());
  connect(client, {.client_identifier = "meter",
                   .will = mqtt::Publish{.topic = "pubsub.localhost/utf8/node", .payload = "gone"}});
  messages_so_far(client);  // returns when Prosody's thread knows of the client
  const std::string number = number_of(prosody.shell("mqtt:list()"), "meter");
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
      number_of(prosody.shell(prosody.is_0_12() ? "mqtt:list()" : R"({"mqtt", "list"})"), "meter");
  prosody.shell(prosody.is_0_12() ? "mqtt:close(\"" + number + "\")"
                                  : R"({"mqtt", "close", ")" + number + "\"}");
  client.wait_for_close();
}

TEST_F(Shell, StillListsAfterAReload) {
  RawMqtt client(prosody.mqtt_port());
  client.connect("meter");
  messages_so_far(client);  // returns when Prosody's thread knows of the client
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  number_of(prosody.shell("mqtt:list()"), "meter");
}

TEST_F(Shell, NumbersCanBeTypedAndStayWithTheirSession) {
  const auto number = [&](const std::string& client) {
    return number_of(prosody.shell("mqtt:list()"), client);
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
  EXPECT_EQ(number("third"), "4") << "1 was another's, and 3 that of the session that ended it";
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
  for (const char* command : {"list", "away", "show", "close", "delete", "retained", "clear_retained",
                              "explain", "store", "apply_defaults"}) {
    EXPECT_NE(help.find("mqtt:" + std::string(command) + "("), std::string::npos) << command << '\n' << help;
  }
  if (!prosody.is_0_12()) return;  // Prosody 13 makes its help itself
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(sections(), 0);
}

TEST_F(Shell, ShowsAClientInFull) {
  RawMqtt client(prosody.mqtt_port());
  connect(client, {.keep_alive = 90,
                   .client_identifier = "meter",
                   .will = mqtt::Publish{.topic = will_topic, .payload = "gone", .retain = true}});
  client.subscribe(topic, mqtt::QoS::at_least_once);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publish(publisher, {.topic = topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  receive(client);  // and no PUBACK
  const std::string client_in_full = prosody.shell("mqtt:show(\"meter\")");
  for (const char* line :
       {"number +\\| 1\n", "client identifier +\\| meter\n", "account +\\| none, without login\n",
        "address +\\| 127\\.0\\.0\\.1:\\d+\n", "state +\\| connected since ", "MQTT +\\| 3\\.1\\.1 TCP\n",
        "keep-alive +\\| 90 seconds\n", "session +\\| ends with its connection\n",
        "in flight +\\| 1 message\n", "will +\\| pubsub\\.localhost/utf8/will, QoS 0, retained, 4 bytes\n",
        "filter +\\| pubsub\\.localhost/utf8/node, QoS 1\n", "1 filter\n"}) {
    EXPECT_TRUE(has(client_in_full, line)) << line << client_in_full;
  }
  EXPECT_TRUE(has(prosody.shell("mqtt:show(1)"), "client identifier +\\| meter\n"));
  EXPECT_TRUE(has(prosody.shell("mqtt:show(2)"), "keep-alive +\\| none\n"));
  EXPECT_TRUE(has(prosody.shell("mqtt:show(3)"), "No such client"));
  EXPECT_TRUE(has(prosody.shell("mqtt:show()"), "Give the client"));
}

TEST_F(Shell, WhoHasTheIdentifierOfAnotherIsNamedByNumber) {
  RawMqtt one = connected(prosody.mqtt_port(), "meter");
  MqttClient other({.port = prosody.mqtt_port(),
                    .client_identifier = "meter",
                    .user_name = "juliet@localhost",
                    .password = account_password});
  const std::string refusal = prosody.shell("mqtt:close(\"meter\")");
  EXPECT_TRUE(has(refusal, "give the number: 1 \"meter\", 2 \"meter\" \\(juliet@localhost\\)")) << refusal;
  prosody.shell("mqtt:close(2)");
  other.wait_for_close();
  one.ping();
}

TEST_F(Shell, SessionsThatAreAwayAreListedAndDeleted) {
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  away.subscribe(topic, mqtt::QoS::at_least_once);
  disconnect(away);
  RawMqtt here = with_session(prosody.mqtt_port(), "here");
  publish(here, {.topic = topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  const std::string list = prosody.shell("mqtt:away()");
  EXPECT_TRUE(has(list, "1 +\\| away +\\| .* away +\\| .* 1 +\\| 0 +\\| 0 +\\| 1\n")) << list;
  EXPECT_TRUE(has(list, "1 MQTT session away\n")) << list;
  EXPECT_EQ(list.find("here"), std::string::npos) << list;
  EXPECT_TRUE(has(prosody.shell("mqtt:delete(\"away\")"), "Deleted: 1 \"away\""));
  EXPECT_TRUE(has(prosody.shell("mqtt:away()"), "0 MQTT sessions"));
  prosody.log().wait_for("\"away\": its session ends, deleted by the administrator");
  RawMqtt again(prosody.mqtt_port());
  EXPECT_FALSE(connect(again, {.clean_session = false, .client_identifier = "away"}).session_present);
}

TEST_F(Shell, AConnectedClientIsClosedBeforeItsSessionIsDeleted) {
  RawMqtt client = with_session(prosody.mqtt_port(), "meter");
  prosody.shell("mqtt:delete(1)");
  client.wait_for_close();
  EXPECT_TRUE(has(prosody.shell("mqtt:list()"), "0 MQTT sessions"));
}

TEST_F(Shell, OfManyClientsTheFirstAreListedAndTheOthersCounted) {
  for (int i = 1; i <= 203; ++i) {
    RawMqtt client = with_session(prosody.mqtt_port(), "meter-" + std::to_string(i));
    disconnect(client);
  }
  const std::string list = prosody.shell("mqtt:list()");
  EXPECT_TRUE(has(list, "203 MQTT sessions, 0 of them connected: 200 and 3 more")) << list;
  EXPECT_TRUE(has(list, "\n200 +\\| meter-200 ")) << list;
  EXPECT_FALSE(has(list, "meter-201 ")) << list;
  EXPECT_TRUE(has(prosody.shell("mqtt:list(\"meter-20\")"), "5 MQTT sessions, 0 of them connected\n"));
}

TEST_F(Shell, RetainedMessagesAreListedAndCleared) {
  RawMqtt client = connected(prosody.mqtt_port(), "meter");
  const auto retain = [&](const char* name, const char* payload) {
    publish(client, {.topic = name, .payload = payload, .qos = mqtt::QoS::at_least_once, .retain = true});
  };
  retain("pubsub.localhost/json/house/kitchen", "{\"t\":\n21}");
  retain("pubsub.localhost/binary/house/hall", "\xFF\xFE");
  retain("pubsub.localhost/utf8/garden", "wet");
  const std::string list = prosody.shell("mqtt:retained(\"pubsub.localhost/+/house/#\")");
  EXPECT_TRUE(
      has(list, "pubsub\\.localhost/json/house/kitchen +\\| 1 +\\| 9 +\\| never +\\| \\{\"t\": 21\\}\n"))
      << list;
  EXPECT_TRUE(has(list, "pubsub\\.localhost/binary/house/hall +\\| 1 +\\| 2 +\\| never +\\| \\(no text\\)\n"))
      << list;
  EXPECT_TRUE(has(list, "2 retained messages below pubsub\\.localhost/\\+/house/#\n")) << list;
  EXPECT_TRUE(has(prosody.shell("mqtt:retained(\"pubsub.localhost/utf8/#\")"), "1 retained message "));
  EXPECT_TRUE(has(prosody.shell("mqtt:retained(\"a/#/b\")"), "it is no topic filter"));
  MqttClient witness(prosody.mqtt_port());
  witness.subscribe("pubsub.localhost/json/house/kitchen");
  EXPECT_EQ(witness.next_message().payload, "{\"t\":\n21}");
  const std::string cleared = prosody.shell("mqtt:clear_retained(\"pubsub.localhost/json/house/kitchen\")");
  EXPECT_TRUE(has(cleared, "1 retained message below pubsub\\.localhost/json/house/kitchen cleared"))
      << cleared;
  EXPECT_EQ(witness.next_message().payload, "");
  EXPECT_TRUE(has(prosody.shell("mqtt:retained(\"#\")"), "2 retained messages"));
  EXPECT_TRUE(has(prosody.shell("mqtt:clear_retained(\"#\")"), "2 retained messages below # cleared"));
  EXPECT_TRUE(has(prosody.shell("mqtt:retained(\"#\")"), "0 retained messages"));
}

TEST_F(Shell, TheStoreIsDescribed) {
  RawMqtt away = with_session(prosody.mqtt_port(), "away");
  away.subscribe(topic, mqtt::QoS::at_least_once);
  disconnect(away);
  RawMqtt client = connected(prosody.mqtt_port(), "publisher");
  publish(client, {.topic = topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
  const std::string store = prosody.shell("mqtt:store()");
  for (const char* line :
       {"path +\\| .*/pubsub_mqtt\\.sqlite\n", "size +\\| [1-9]\\d+ bytes\n", "durability +\\| disk\n",
        "sessions +\\| 1\n", "messages that wait +\\| 1\n", "last commit +\\| 20[-0-9]+ [:0-9]+\n",
        "state +\\| can be written\n", "Sessions are kept\n"}) {
    EXPECT_TRUE(has(store, line)) << line << store;
  }
}

class Explain : public testing::Test {
 protected:
  // The two verdicts: answers, and rules in brackets.
  std::string explain(const std::string& account, const std::string& name) const {
    const std::string answer = prosody.shell("mqtt:explain(\"" + account + "\", \"" + name + "\")");
    const auto verdict = answer.rfind("Subscribe: ");
    EXPECT_NE(verdict, std::string::npos) << answer;
    return answer.substr(verdict, answer.size() - verdict - 1);
  }

  Prosody prosody;
};

TEST_F(Explain, NamesTheRuleThatDecides) {
  prosody.start({.global = R"(
    mqtt_mountpoint = "pubsub.localhost/any/home"
    mqtt_node_defaults = {
      { "home/lamp/#", access_model = "whitelist", affiliations = { ["juliet@localhost"] = "publisher" } };
      { "home/locked/#", creators = { "juliet@localhost" } };
    })"});
  const std::string service = ">prosody.hosts[\"pubsub.localhost\"].modules.pubsub.service:";
  prosody.shell(service + "create('open', true)");
  prosody.shell(service + "create('closed', true, { access_model = 'whitelist' })");
  prosody.shell(service + "create('everybody', true, { publish_model = 'open' })");
  prosody.shell(service + "set_affiliation('open', true, 'juliet@localhost', 'publisher')");
  prosody.shell(service + "set_affiliation('closed', true, 'juliet@localhost', 'member')");
  EXPECT_EQ(explain("nobody@localhost", "pubsub.localhost/json/open"),
            "Subscribe: no (authentication). Publish: no (authentication)");
  EXPECT_EQ(explain("juliet@elsewhere", "pubsub.localhost/json/open"),
            "Subscribe: no (authentication). Publish: no (authentication)");
  EXPECT_EQ(explain("juliet", "pubsub.localhost/json/open"),
            "Subscribe: yes (affiliation). Publish: yes (affiliation)");
  EXPECT_EQ(explain("juliet@localhost", "pubsub.localhost/json/closed"),
            "Subscribe: yes (affiliation). Publish: no (affiliation)");
  EXPECT_EQ(explain("romeo@localhost", "pubsub.localhost/json/closed"),
            "Subscribe: no (access model). Publish: no (affiliation)");
  EXPECT_EQ(explain("romeo@localhost", "pubsub.localhost/json/open"),
            "Subscribe: yes (access model). Publish: no (affiliation)");
  EXPECT_EQ(explain("romeo@localhost", "pubsub.localhost/json/everybody"),
            "Subscribe: yes (access model). Publish: yes (publish model)");
  EXPECT_EQ(explain("admin@localhost", "pubsub.localhost/json/closed"),
            "Subscribe: yes (administrator). Publish: yes (administrator)");
  EXPECT_EQ(explain("", "pubsub.localhost/json/open"),
            "Subscribe: yes (access model). Publish: yes (anonymous clients)");
  EXPECT_EQ(explain("", "pubsub.localhost/json/closed"),
            "Subscribe: no (access model). Publish: no (access model)");
  EXPECT_EQ(explain("romeo@localhost", "pubsub.localhost/nonsense/open"),
            "Subscribe: no (topic). Publish: no (topic)");
  EXPECT_EQ(explain("romeo@localhost", "lamp/set"),
            "Subscribe: waits (node creation). Publish: no (node creation)");
  EXPECT_EQ(explain("juliet@localhost", "lamp/set"),
            "Subscribe: yes (node creation). Publish: yes (pattern)");
  EXPECT_EQ(explain("romeo@localhost", "locked/door"), "Subscribe: waits (pattern). Publish: no (pattern)");
  const std::string mounted = prosody.shell("mqtt:explain(\"juliet@localhost\", \"lamp/set\")");
  EXPECT_TRUE(has(mounted, "topic +\\| pubsub\\.localhost/any/home/lamp/set +\\| mount point")) << mounted;
  EXPECT_TRUE(has(mounted, "affiliation +\\| publisher +\\| pattern")) << mounted;
}

TEST_F(Explain, KnowsTheSettingsOfClientsWithoutLogin) {
  prosody.start({.global = "mqtt_allow_anonymous = false"});
  EXPECT_EQ(explain("", "pubsub.localhost/json/node"),
            "Subscribe: no (anonymous clients). Publish: no (anonymous clients)");
  prosody.reload({.global = "mqtt_allow_anonymous = true\nmqtt_anonymous_affiliation = 'member'"});
  EXPECT_EQ(explain("", "pubsub.localhost/json/node"),
            "Subscribe: yes (node creation). Publish: no (anonymous clients)");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
