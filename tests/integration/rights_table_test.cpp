// What an account may do over MQTT is what pubsub says it may: each row of identity, affiliation, access
// model, publish model and action, with service:may as the oracle and what another account of the same
// affiliation gets over XMPP beside it.
#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "mqtt_client.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* access_models[] = {"open", "whitelist"};
constexpr const char* publish_models[] = {"publishers", "subscribers", "open"};
constexpr const char* affiliations[] = {"none", "outcast", "member", "publisher", "owner"};

struct Node {
  std::string name;
  std::string access_model;
  std::string publish_model;
  std::string affiliation;  // of romeo, who speaks MQTT, and of juliet, who speaks XMPP
};

std::string payload_of(int number) {
  return "<json xmlns='urn:xmpp:json:0'>" + std::to_string(number) + "</json>";
}

bool succeeds(const std::function<void()>& action) {
  try {
    action();
    return true;
  } catch (const StanzaError&) {
    return false;
  }
}

class RightsTable : public testing::Test {
 protected:
  void SetUp() override {
    prosody.start();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    for (const char* access_model : access_models) {
      for (const char* publish_model : publish_models) {
        for (const char* affiliation : affiliations) make_node(access_model, publish_model, affiliation);
      }
    }
  }

  void make_node(const std::string& access_model, const std::string& publish_model,
                 const std::string& affiliation) {
    const Node node{.name = access_model + '-' + publish_model + '-' + affiliation,
                    .access_model = access_model,
                    .publish_model = publish_model,
                    .affiliation = affiliation};
    admin->create(node.name, {{"access_model", access_model}, {"publish_model", publish_model}});
    admin->publish(node.name, "current", payload_of(1));
    // "none" is what everybody has whom nobody named: an entry of that name would be more than that.
    if (affiliation != "none") {
      admin->set_affiliation(node.name, "romeo@localhost", affiliation);
      admin->set_affiliation(node.name, "juliet@localhost", affiliation);
    }
    nodes.push_back(node);
  }

  MqttClient client_of(const std::string& user_name) const {
    return MqttClient({.port = prosody.mqtt_port(),
                       .client_identifier = "client of " + user_name,
                       .user_name = user_name,
                       .password = user_name.empty() ? "" : account_password});
  }

  bool may(const Node& node, const std::string& jid, const std::string& action) const {
    const std::string answer =
        prosody.shell(">prosody.hosts[\"pubsub.localhost\"].modules.pubsub.service:may(\"" + node.name +
                      "\", \"" + jid + "\", \"" + action + "\")");
    EXPECT_NE(answer.find("true") == std::string::npos, answer.find("false") == std::string::npos) << answer;
    return answer.find("true") != std::string::npos;
  }

  // util.pubsub's rule for publishing, beside the affiliation; nobody here is a subscriber over XMPP.
  bool may_publish(const Node& node, const std::string& jid) const {
    return may(node, jid, "publish") || node.publish_model == "open";
  }

  std::size_t items(const Node& node) { return admin->items(node.name).size(); }

  // Whether what `client` publishes becomes an item.
  bool publishes(MqttClient& client, const Node& node) {
    const std::size_t before = items(node);
    client.publish("pubsub.localhost/json/" + node.name, "2", 1);
    client.messages_so_far();
    return items(node) > before;
  }

  Prosody prosody;
  std::optional<XmppClient> admin;
  std::vector<Node> nodes;
};

TEST_F(RightsTable, AnAccountHasTheRightsThatPubsubGivesIt) {
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  for (const Node& node : nodes) {
    SCOPED_TRACE(node.name);
    MqttClient romeo = client_of("romeo@localhost");
    const std::string topic = "pubsub.localhost/json/" + node.name;

    const bool subscribed = romeo.subscribe(topic) == 0;
    EXPECT_EQ(subscribed,
              may(node, "romeo@localhost", "subscribe") && may(node, "romeo@localhost", "be_subscribed"));

    const bool read = !romeo.messages_so_far().empty();
    EXPECT_EQ(read, subscribed && may(node, "romeo@localhost", "get_items"));
    EXPECT_EQ(read, succeeds([&] { juliet.items(node.name); })) << "over XMPP";

    admin->publish(node.name, "live", payload_of(3));
    EXPECT_EQ(!romeo.messages_so_far().empty(), subscribed) << "live items";

    EXPECT_EQ(publishes(romeo, node), may_publish(node, "romeo@localhost"));
    EXPECT_EQ(succeeds([&] { juliet.publish(node.name, "from juliet", payload_of(4)); }),
              may_publish(node, "juliet@localhost"))
        << "over XMPP";
    EXPECT_EQ(succeeds([&] { juliet.subscribe(node.name); }), subscribed) << "over XMPP";
  }
}

TEST_F(RightsTable, AnAdministratorOwnsEveryNode) {
  MqttClient client = client_of("admin@localhost");
  for (const Node& node : nodes) {
    SCOPED_TRACE(node.name);
    EXPECT_EQ(client.subscribe("pubsub.localhost/json/" + node.name), 0);
    EXPECT_EQ(client.messages_so_far().size(), 1U);
    EXPECT_TRUE(publishes(client, node));
  }
}

TEST_F(RightsTable, AClientWithoutLoginHasOpenNodes) {
  for (const Node& node : nodes) {
    SCOPED_TRACE(node.name);
    MqttClient client = client_of("");
    const bool is_open = node.access_model == "open";
    EXPECT_EQ(client.subscribe("pubsub.localhost/json/" + node.name) == 0, is_open);
    EXPECT_EQ(client.messages_so_far().size(), is_open ? 1U : 0U);
    EXPECT_EQ(publishes(client, node), is_open);
  }
}

TEST_F(RightsTable, AWildcardBringsWhatTheAccountMayRead) {
  MqttClient romeo = client_of("romeo@localhost");
  ASSERT_EQ(romeo.subscribe("pubsub.localhost/json/#"), 0);
  for (const Node& node : nodes) {
    SCOPED_TRACE(node.name);
    const bool readable =
        may(node, "romeo@localhost", "subscribe") && may(node, "romeo@localhost", "be_subscribed");
    admin->publish(node.name, "live", payload_of(3));
    int live = 0;
    // Retained ones come a few at a time, while others are published.
    for (const auto& message : romeo.messages_so_far()) {
      if (!message.retain) ++live;
    }
    EXPECT_EQ(live, readable ? 1 : 0);
  }
}

// XEP-0060 would have the subscription of an outcast ended; Prosody 0.12 keeps it, and goes on notifying.
TEST_F(RightsTable, AnOutcastKeepsHisSubscriptionOverXmppAndNotOverMqtt) {
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  admin->create("node", {{"access_model", "open"}});
  juliet.subscribe("node");
  MqttClient mqtt = client_of("juliet@localhost");
  ASSERT_EQ(mqtt.subscribe("pubsub.localhost/json/node"), 0);
  succeeds([&] { admin->set_affiliation("node", "juliet@localhost", "outcast"); });
  admin->publish("node", "1", payload_of(1));
  EXPECT_EQ(juliet.next_event().item_id, "1");
  EXPECT_TRUE(mqtt.messages_so_far().empty());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
