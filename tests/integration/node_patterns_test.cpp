// mqtt_node_defaults with patterns: what nodes are, and who creates them, by their names (docs/mapping.md,
// "Patterns").
#include <gtest/gtest.h>

#include "node_patterns_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

TEST_F(NodePatterns, TheFirstThatMatchesHoldsAndThenThePlainOptions) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = {
    { "house/+/private", access_model = "whitelist" };
    { "house/#", publish_model = "open", max_items = 5 };
    max_items = 7, persist_items = false;
})");
  const auto options = [&](const std::string& node) {
    publish("juliet@localhost", node);
    return in_pubsub(node,
                     "node.config.access_model..' '..node.config.publish_model..' '..node.config.max_items"
                     "..' '..tostring(node.config.persist_items)");
  };
  EXPECT_EQ(options("house/hall/private"), "whitelist publishers 7 false");
  EXPECT_EQ(options("house/hall/private/lamp"), "open open 5 false");
  EXPECT_EQ(options("house"), "open open 5 false");
  EXPECT_EQ(options("houses"), "open publishers 7 false");
  EXPECT_EQ(options("house/a.b"), "open open 5 false");
}

TEST_F(NodePatterns, MatchLevelsAndNotCharacters) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = { { "a.%d/+/-", title = "dotted" }, { "$a/ünï/#", title = "bytes" }, { "+", title = "one level" } })");
  const auto title = [&](const std::string& node) {
    publish("juliet@localhost", node);
    return in_pubsub(node, "node.config.title");
  };
  EXPECT_EQ(title("a.%d/x/-"), "dotted");
  EXPECT_EQ(title("a.%d//-"), "dotted");
  EXPECT_EQ(title("ab5/x/-"), "nil");
  EXPECT_EQ(title("a.%d/x/y/-"), "nil");
  EXPECT_EQ(title("$a/ünï/x"), "bytes");
  EXPECT_EQ(title("x"), "one level");
  EXPECT_EQ(title("/x"), "nil");
}

TEST_F(NodePatterns, AffiliationsAreOrdinaryOnesOverXmppToo) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = { { "house/#", access_model = "whitelist", affiliations = { ["Romeo@localhost"] = "publisher" } } })");
  publish("juliet@localhost", "house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "owner");
  EXPECT_EQ(affiliation("house/lamp", "romeo@localhost"), "publisher");
  XmppClient romeo = xmpp_client_of("romeo@localhost");
  romeo.publish("house/lamp", "1", json_item);
  EXPECT_EQ(romeo.items("house/lamp").size(), 2U);
  // From then on they are the owner's.
  XmppClient juliet = xmpp_client_of("juliet@localhost");
  juliet.set_affiliation("house/lamp", "romeo@localhost", "outcast");
  EXPECT_EQ(subscribe("romeo@localhost", "house/lamp"), 0x80);
}

// What the pattern says of somebody does not depend on who comes first.
TEST_F(NodePatterns, WhoIsNamedIsNoOwnerOfWhatHeCreates) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = { { "house/#", affiliations = { ["juliet@localhost"] = "publisher", ["romeo@localhost"] = "member" } } })");
  publish("juliet@localhost", "house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "publisher");
  publish("romeo@localhost", "house/door");
  prosody.log().wait_for(
      "romeo@localhost.*house/door refused: romeo@localhost will be no publisher of the node");
  EXPECT_FALSE(exists("house/door"));
}

TEST_F(NodePatterns, OnlyCreatorsCreateThere) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = { { "house/#", creators = { "juliet@localhost" } } })",
        open_component);
  publish("romeo@localhost", "house/lamp");
  prosody.log().wait_for(
      "romeo@localhost.*house/lamp refused: there is no such node, and only the creators of \"house/#\"");
  EXPECT_EQ(subscribe("romeo@localhost", "house/lamp"), 1) << "waits";
  publish("", "house/lamp");
  prosody.log().wait_for("\"nobody\".*house/lamp refused: there is no such node, and only the creators");
  EXPECT_EQ(subscribe("", "house/lamp"), 1) << "waits";
  EXPECT_FALSE(exists("house/lamp"));

  publish("juliet@localhost", "house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "owner");
  EXPECT_EQ(subscribe("juliet@localhost", "house/door"), 1);
  EXPECT_EQ(affiliation("house/door", "juliet@localhost"), "owner");
  publish("admin@localhost", "house/window");
  EXPECT_TRUE(exists("house/window")) << "an administrator";
  publish("romeo@localhost", "elsewhere");
  EXPECT_EQ(affiliation("elsewhere", "romeo@localhost"), "owner");
}

TEST_F(NodePatterns, CreatorsNeedNoOtherSetting) {
  start(R"(mqtt_node_defaults = { { "house/#", creators = { "juliet@localhost" } } })");
  publish("juliet@localhost", "house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "owner");
  publish("juliet@localhost", "elsewhere");
  EXPECT_FALSE(exists("elsewhere"));
}

// Under autocreate_on_publish those who may publish to a node create it, and the pattern says who they are.
TEST_F(NodePatterns, PublishersCreateWhereAPublishDoes) {
  start(R"(mqtt_node_defaults = { { "house/#", affiliations = { ["juliet@localhost"] = "publisher" } } })",
        open_component);
  publish("romeo@localhost", "house/lamp");
  EXPECT_FALSE(exists("house/lamp"));
  publish("juliet@localhost", "house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "publisher");
}

TEST_F(NodePatterns, ASubscriptionCreatesNothingThatItsClientMayNotRead) {
  start(R"(mqtt_node_defaults = {
    { "house/#", access_model = "whitelist", affiliations = { ["juliet@localhost"] = "member" } };
    { "garden/#", affiliations = { ["romeo@localhost"] = "outcast" } };
})",
        open_component);
  EXPECT_EQ(subscribe("romeo@localhost", "house/lamp"), 1) << "waits";
  EXPECT_EQ(subscribe("", "house/lamp"), 1) << "waits";
  EXPECT_FALSE(exists("house/lamp"));
  EXPECT_EQ(subscribe("juliet@localhost", "house/lamp"), 1);
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "member");
  EXPECT_EQ(subscribe("romeo@localhost", "garden/tap"), 1) << "waits";
  EXPECT_FALSE(exists("garden/tap"));
  EXPECT_EQ(subscribe("", "garden/tap"), 1);
  EXPECT_EQ(affiliation("garden/tap", "romeo@localhost"), "outcast");
}

TEST_F(NodePatterns, HoldOverXmppWhereAPublishCreatesTheNode) {
  start(R"(mqtt_users_create_nodes = true
mqtt_node_defaults = {
    { "house/#", publish_model = "open", affiliations = { ["juliet@localhost"] = "publisher" } };
    title = "created through MQTT";
})",
        open_component);
  XmppClient admin = xmpp_client_of("admin@localhost");
  XmppClient juliet = xmpp_client_of("juliet@localhost");
  XmppClient romeo = xmpp_client_of("romeo@localhost");
  juliet.publish("house/lamp", "1", json_item);
  EXPECT_EQ(in_pubsub("house/lamp", "node.config.publish_model"), "open");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "publisher");
  admin.publish("house/door", "1", json_item);
  EXPECT_EQ(affiliation("house/door", "juliet@localhost"), "publisher");
  // mqtt_users_create_nodes is MQTT's.
  EXPECT_EQ(error_of([&] { romeo.publish("house/window", "1", json_item); }), "forbidden");
  EXPECT_EQ(error_of([&] { juliet.publish("elsewhere", "1", json_item); }), "forbidden");
  admin.publish("elsewhere", "1", json_item);
  EXPECT_EQ(in_pubsub("elsewhere", "node.config.title"), "nil");
  // Who creates a node in so many words says himself what it is.
  admin.create("house/roof");
  EXPECT_EQ(in_pubsub("house/roof", "node.config.publish_model"), "publishers");
}

TEST_F(NodePatterns, NobodySquatsOverXmpp) {
  start(R"(mqtt_node_defaults = {
    { "house/#", creators = { "juliet@localhost" } };
    { "garden/#", affiliations = { ["juliet@localhost"] = "publisher" } };
    { "cellar/#", access_model = "whitelist", affiliations = { ["juliet@localhost"] = "publisher" } };
})",
        open_component);
  XmppClient juliet = xmpp_client_of("juliet@localhost");
  XmppClient romeo = xmpp_client_of("romeo@localhost");
  EXPECT_EQ(error_of([&] { romeo.subscribe("house/lamp"); }), "item-not-found");
  EXPECT_EQ(error_of([&] { romeo.subscribe("cellar/lamp"); }), "item-not-found");
  EXPECT_FALSE(exists("house/lamp"));
  EXPECT_FALSE(exists("cellar/lamp"));
  romeo.subscribe("garden/tap");
  juliet.publish("garden/tap", "1", json_item);
  EXPECT_EQ(romeo.next_event().node, "garden/tap");
  juliet.subscribe("house/lamp");
  EXPECT_EQ(affiliation("house/lamp", "juliet@localhost"), "owner");
  romeo.subscribe("house/lamp");
  romeo.subscribe("elsewhere");
  EXPECT_TRUE(exists("elsewhere"));
}

TEST_F(NodePatterns, AreTheComponentsOwnWhereItHasSome) {
  start(
      "mqtt_node_defaults = { { \"#\", title = \"global\" } }",
      open_component + std::string("\n    mqtt_node_defaults = { { \"house/#\", title = \"component\" } }"));
  publish("", "house/lamp");
  publish("", "elsewhere");
  EXPECT_EQ(in_pubsub("house/lamp", "node.config.title"), "component");
  EXPECT_EQ(in_pubsub("elsewhere", "node.config.title"), "nil");
}

//// Mistakes

struct Mistake {
  const char* name;
  const char* setting;
  const char* line;
  friend std::ostream& operator<<(std::ostream& stream, const Mistake& mistake) {
    return stream << mistake.name;
  }
};

class NodePatternMistake : public testing::TestWithParam<Mistake> {};

// And no node comes into being that the entry may have been meant for.
TEST_P(NodePatternMistake, IsNamedWithWhatIsRight) {
  Prosody prosody;
  prosody.start({.global = std::string("mqtt_node_defaults = { ") + GetParam().setting + " }"});
  prosody.log().wait_for("error\tmqtt_node_defaults: " + std::string(GetParam().line) +
                         ".*; until that is mended MQTT creates no node");
  MqttClient client({.port = prosody.mqtt_port(), .client_identifier = "client"});
  client.publish("pubsub.localhost/json/house/lamp", "1", 1);
  client.messages_so_far();
  prosody.log().wait_for("\"client\".*refused: a mistake in mqtt_node_defaults, " +
                         std::string(GetParam().line));
}

INSTANTIATE_TEST_SUITE_P(
    In, NodePatternMistake,
    testing::Values(
        Mistake{"Braces", R"("house/#", publish_model = "open")",
                "the pattern \"house/#\": it stands in no braces of its own: \\{ \\{ "},
        Mistake{"NoPattern", R"({ publish_model = "open" })", "the pattern .*: it is none, which is text"},
        Mistake{"ARest", R"({ "house/#/lamp" })", "the pattern \"house/#/lamp\": levels follow #"},
        Mistake{"APartOfALevel", R"({ "house/lamp+" })",
                "the pattern \"house/lamp\\+\": \\+ and # are levels by themselves"},
        Mistake{"AHost", R"({ "pubsub.localhost/json/house/#" })",
                ".*: it begins with the pubsub component pubsub.localhost: patterns are names of nodes"},
        Mistake{"TwoPatterns", R"({ "house/#", "garden/#" })",
                "the pattern \"house/#\": another one stands in its braces"},
        Mistake{"AnOption", R"({ "house/#", acces_model = "open" })",
                "the pattern \"house/#\": acces_model is no option of a node, which are access_model, "},
        Mistake{"AValue", R"({ "house/#", access_model = "authorize" })",
                "the pattern \"house/#\": access_model = \"authorize\" is none of \"open\", \"whitelist\""},
        Mistake{"ABoolean", R"({ "house/#", persist_items = "no" })",
                "the pattern \"house/#\": persist_items = \"no\" is neither true nor false"},
        Mistake{"ANumber", R"({ "house/#", max_items = "many" })",
                "the pattern \"house/#\": max_items = \"many\" is neither a positive number nor \"max\""},
        Mistake{"ANumberThatIsTooHigh", R"({ "house/#", max_items = 1000 })",
                "the pattern \"house/#\": max_items = 1000 is more than pubsub_max_items"},
        Mistake{"AnAffiliation", R"({ "house/#", affiliations = { ["juliet@localhost"] = "writer" } })",
                "the pattern \"house/#\": the affiliation \"writer\" of \"juliet@localhost\" is none of "
                "\"owner\", "},
        Mistake{"AnAccount", R"({ "house/#", affiliations = { juliet = "publisher" } })",
                "the pattern \"house/#\": \"juliet\" is no bare JID, as \"ha@example.org\" is"},
        Mistake{"ASingleAffiliation", R"({ "house/#", affiliations = "publisher" })",
                "the pattern \"house/#\": affiliations are \\{ "},
        Mistake{"ASingleCreator", R"({ "house/#", creators = "juliet@localhost" })",
                "the pattern \"house/#\": creators are \\{ \"bridge@example.org\" \\}"},
        Mistake{"ACreator", R"({ "house/#", creators = { "juliet@localhost/phone" } })",
                "the pattern \"house/#\": \"juliet@localhost/phone\" is no bare JID"},
        Mistake{"ThePlainOptions", R"({ "house/#", title = "house" }, acces_model = "whitelist")",
                "acces_model is no option of a node"},
        Mistake{"PlainAffiliations", R"(affiliations = { ["juliet@localhost"] = "publisher" })",
                "affiliations stand in a pattern: \\{ \\{ \"#\", affiliations"}),
    [](const auto& mistake) { return mistake.param.name; });

TEST_F(NodePatterns, MistakesAreNamedAtAReloadAndMended) {
  start("mqtt_node_defaults = { { \"house/#\", title = \"house\" } }", open_component);
  prosody.reload({.global = "mqtt_node_defaults = { { \"garden/#\" }, { \"house/#\", title = 5 } }"});
  prosody.log().wait_for("error\tmqtt_node_defaults: the pattern \"house/#\": title = 5 is no string");
  publish("", "house/lamp");
  publish("", "garden/tap");
  publish("", "elsewhere");
  EXPECT_FALSE(exists("house/lamp"));
  EXPECT_TRUE(exists("garden/tap"));
  EXPECT_TRUE(exists("elsewhere"));
  prosody.reload({.global = "mqtt_node_defaults = { { \"house/#\", title = \"mended\" } }"});
  publish("", "house/lamp");
  EXPECT_EQ(in_pubsub("house/lamp", "node.config.title"), "mended");
}

TEST_F(NodePatterns, OneThatNeverHoldsIsNamed) {
  start(R"(mqtt_node_defaults = { { "a/+/#" }, { "a/b/c" }, { "b/+" }, { "b/#" } })");
  prosody.log().wait_for(
      "warn\tmqtt_node_defaults: the pattern \"a/b/c\" never holds, since \"a/\\+/#\" stands before it");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("warn\tmqtt_node_defaults"), 1U);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
