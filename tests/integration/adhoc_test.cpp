// The administrator's commands for an XMPP client (XEP-0050), and what docs/administration.md shows.
#include <gtest/gtest.h>

#include <map>
#include <pugixml.hpp>
#include <string>

#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* host = "pubsub.localhost";

class Adhoc : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    admin = std::make_unique<XmppClient>("admin@localhost", account_password, prosody.c2s_port());
  }

  // Asks for a command without a form.
  static pugi::xml_document execute(XmppClient& client, const std::string& command) {
    return client.request(
        "set", host, "<command xmlns='http://jabber.org/protocol/commands' node='mqtt:" + command + "'/>");
  }

  // Fills in the form of a command, and returns its answer.
  pugi::xml_document execute(const std::string& command,
                             const std::map<std::string, std::string>& arguments) const {
    const auto asked = execute(*admin, command);
    const auto form = asked.document_element().child("command");
    EXPECT_STREQ(form.attribute("status").value(), "executing") << command;
    std::string fields;
    for (const auto& [name, value] : arguments) {
      EXPECT_TRUE(form.child("x").find_child_by_attribute("field", "var", name.c_str())) << name;
      fields += "<field var='" + name + "'><value>" + value + "</value></field>";
    }
    return admin->request(
        "set", host,
        "<command xmlns='http://jabber.org/protocol/commands' action='complete' node='mqtt:" + command +
            "' sessionid='" + form.attribute("sessionid").value() +
            "'><x xmlns='jabber:x:data' type='submit'>" + fields + "</x></command>");
  }

  static std::string note(const pugi::xml_document& answer) {
    return answer.document_element().child("command").child("note").text().get();
  }

  // Of the first row of the table.
  static std::string value(const pugi::xml_document& answer, const char* column) {
    const auto form = answer.document_element().child("command").child("x");
    EXPECT_TRUE(form.child("reported").find_child_by_attribute("field", "var", column)) << column;
    return form.child("item").find_child_by_attribute("field", "var", column).child("value").text().get();
  }

  std::unique_ptr<XmppClient> admin;
};

TEST_F(Adhoc, AdministratorsAreShownTheCommandsAndOthersAreNot) {
  const auto commands = [](XmppClient& client) {
    const auto answer = client.request("get", host,
                                       "<query xmlns='http://jabber.org/protocol/disco#items' "
                                       "node='http://jabber.org/protocol/commands'/>");
    const auto items = answer.document_element().child("query").children("item");
    return std::distance(items.begin(), items.end());
  };
  EXPECT_EQ(commands(*admin), 10);
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  EXPECT_EQ(commands(juliet), 0);
  EXPECT_THROW(execute(juliet, "list"), StanzaError);
  prosody.shell(R"(module:reload("pubsub_mqtt"))");
  EXPECT_EQ(commands(*admin), 10);
}

TEST_F(Adhoc, ClientsAreListedShownClosedAndDeleted) {
  RawMqtt client = with_session(prosody.mqtt_port(), "meter\x01\xEF\xBF\xBE");
  client.subscribe(topic);
  const auto list = execute("list", {});
  EXPECT_EQ(note(list), "1 MQTT session, 1 of them connected");
  EXPECT_EQ(value(list, "identifier"), "meter\\x01?");
  EXPECT_EQ(value(list, "filters"), "1");
  EXPECT_EQ(note(execute("list", {{"text", "elsewhere"}})), "0 MQTT sessions, 0 of them connected");
  EXPECT_EQ(value(execute("show", {{"client", "1"}}), "value"), "1");
  EXPECT_EQ(note(execute("show", {{"client", "2"}})),
            "No such client: give the number that mqtt:list() shows, or a client identifier");
  execute("close", {{"client", "1"}});
  client.wait_for_close();
  EXPECT_EQ(value(execute("away", {}), "state"), "away");
  execute("delete", {{"client", "1"}});
  EXPECT_EQ(note(execute("away", {})), "0 MQTT sessions away");
}

TEST_F(Adhoc, AFormWithoutWhatItNeedsIsRefused) {
  EXPECT_NE(note(execute("close", {})), "");
  EXPECT_NE(note(execute("explain", {{"account", "juliet@localhost"}})), "");
}

TEST_F(Adhoc, RetainedMessagesAreListedAndCleared) {
  RawMqtt client = connected(prosody.mqtt_port(), "meter");
  publish(client, {.topic = topic, .payload = "wet", .qos = mqtt::QoS::at_least_once, .retain = true});
  const auto list = execute("retained", {{"filter", "#"}});
  EXPECT_EQ(value(list, "topic"), topic);
  EXPECT_EQ(value(list, "payload"), "wet");
  EXPECT_EQ(note(execute("clear_retained", {{"filter", "#"}})), "1 retained message below # cleared");
  EXPECT_EQ(note(execute("retained", {{"filter", "#"}})), "0 retained messages below #");
}

TEST_F(Adhoc, RightsAreExplainedAndTheStoreIsShown) {
  const auto explained = execute("explain", {{"account", "nobody@localhost"}, {"topic", topic}});
  EXPECT_EQ(note(explained), "Subscribe: no (authentication). Publish: no (authentication)");
  EXPECT_EQ(value(explained, "why"), "there is no account nobody@localhost");
  EXPECT_EQ(note(execute("explain", {{"topic", topic}})),
            "Subscribe: yes (node creation). Publish: yes (node creation)");
  EXPECT_EQ(value(execute(*admin, "store"), "what"), "path");
  EXPECT_EQ(note(execute("apply_defaults", {{"pattern", "#"}})), "0 nodes: 0 changed, 0 unchanged, 0 failed");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
