// mqtt:apply_defaults() in the shell: mqtt_node_defaults for nodes that exist.
#include <gtest/gtest.h>

#include "node_patterns_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

class AppliedDefaults : public NodePatterns {
 protected:
  // As it is typed, and as `prosodyctl shell mqtt apply_defaults PATTERN` sends it.
  std::string apply(const std::string& pattern) const {
    return prosody.shell("mqtt:apply_defaults(\"" + pattern + "\")");
  }
  std::string apply_as_prosodyctl(const std::string& pattern) const {
    return prosody.is_0_12() ? apply(pattern)
                             : prosody.shell(R"({"mqtt", "apply_defaults", ")" + pattern + "\"}");
  }
};

TEST_F(AppliedDefaults, AreThoseOfNodesThatExist) {
  start("", open_component);
  XmppClient admin = xmpp_client_of("admin@localhost");
  admin.create("house/lamp", {{"title", "a lamp"}, {"max_items", "3"}});
  publish("", "house/hall/door");
  publish("", "garden/tap");
  prosody.reload({.global = R"(mqtt_node_defaults = {
    { "house/#", max_items = 9, affiliations = { ["juliet@localhost"] = "publisher" }, creators = {} };
    publish_model = "open";
})"});
  std::string answer = apply("house/#");
  EXPECT_NE(answer.find("2 nodes: 2 changed, 0 unchanged, 0 failed"), std::string::npos) << answer;
  EXPECT_EQ(in_pubsub("house/lamp", "node.config.title"), "a lamp");
  EXPECT_EQ(in_pubsub("house/lamp", "node.config.max_items"), "9");
  EXPECT_EQ(in_pubsub("house/hall/door", "node.config.publish_model"), "open");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "publisher");
  EXPECT_EQ(affiliation("garden/tap", "juliet@localhost"), "nil");
  XmppClient juliet = xmpp_client_of("juliet@localhost");
  juliet.publish("house/lamp", "1", json_item);

  answer = apply_as_prosodyctl("#");
  EXPECT_NE(answer.find("3 nodes: 1 changed, 2 unchanged, 0 failed"), std::string::npos) << answer;
  EXPECT_EQ(in_pubsub("garden/tap", "node.config.publish_model"), "open");
  EXPECT_NE(apply("nowhere/#").find("0 nodes"), std::string::npos);
  EXPECT_NE(apply("house#").find("+ and # are levels by themselves"), std::string::npos);
}

// Pubsub answers such a call with an error, and has done what it was asked for.
TEST_F(AppliedDefaults, CastOutASubscriber) {
  start("", open_component);
  XmppClient romeo = xmpp_client_of("romeo@localhost");
  romeo.subscribe("house/lamp");
  MqttClient subscriber = client_of("romeo@localhost");
  EXPECT_EQ(subscriber.subscribe("pubsub.localhost/json/house/lamp"), 0);
  prosody.reload(
      {.global = R"(mqtt_node_defaults = { { "#", affiliations = { ["romeo@localhost"] = "outcast" } } })"});
  const std::string answer = apply("#");
  EXPECT_NE(answer.find("1 changed, 0 unchanged, 0 failed"), std::string::npos) << answer;
  publish("", "house/lamp");
  EXPECT_TRUE(subscriber.messages_so_far().empty());
}

TEST_F(AppliedDefaults, SayWhichNodesFailed) {
  start("", open_component);
  for (const char* node : {"a", "b", "c"}) publish("", node);
  prosody.reload({.global = "mqtt_node_defaults = { { \"b\", titel = \"b\" }, title = \"all\" }"});
  prosody.shell(
      ">do local store = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().config.nodestore; "
      "local set = store.set; function store.set(self, name, ...) if name == 'c' then error('no disk') end; "
      "return set(self, name, ...) end end");
  const std::string answer = apply("#");
  EXPECT_NE(answer.find("3 nodes: 1 changed, 0 unchanged, 2 failed"), std::string::npos) << answer;
  EXPECT_NE(
      answer.find("pubsub.localhost | b     | a mistake in mqtt_node_defaults, the pattern \"b\": titel"),
      std::string::npos)
      << answer;
  EXPECT_NE(answer.find("pubsub.localhost | c     | "), std::string::npos) << answer;
  EXPECT_NE(answer.find("no disk"), std::string::npos) << answer;
}

TEST_F(AppliedDefaults, LeaveXmppItsTurn) {
  start("", open_component);
  // Counts after how many turns of a timer that is always due a node is written: one where all is done at one
  // go.
  prosody.shell(
      ">do local s = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service(); local turn, seen = 0, "
      "0; "
      "prosody.turns = 0; require 'util.timer'.add_task(0, function () turn = turn + 1; return 0 end); "
      "s.config.nodestore = { set = function () if turn ~= seen then prosody.turns = prosody.turns + 1 end; "
      "seen = turn; return true end }; for i = 1, 10000 do s:create('house/'..i, true, {}) end end");
  prosody.reload({.global = "mqtt_node_defaults = { { \"#\", title = \"all\" } }"});
  const std::string answer = apply("#");
  EXPECT_NE(answer.find("10000 changed"), std::string::npos) << answer;
  const std::string turns = prosody.shell(">prosody.turns");
  EXPECT_GT(std::stoi(turns.substr(turns.find(": ") + 2)), 1) << turns;
}

}  // namespace
}  // namespace pubsub_mqtt::tests
