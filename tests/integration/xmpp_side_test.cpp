// What XMPP users do to nodes, as MQTT subscribers see it (docs/mapping.md, "What XMPP does, as MQTT sees
// it").
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

class XmppSide : public RunningProsody {
 protected:
  void SetUp() override {
    RunningProsody::SetUp();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
    create_node();
    subscriber.emplace(prosody.mqtt_port());
    ASSERT_EQ(subscriber->subscribe(topic, 1), 1);
  }

  void create_node(const std::string& access_model = "open") {
    admin->create("node", {{"access_model", access_model}});
  }
  void set_access(const std::string& access_model) {
    admin->configure("node", {{"access_model", access_model}});
  }

  void publish_item(const std::string& id, const std::string& text) {
    admin->publish("node", id, "<data xmlns='https://prosody.im/protocol/mqtt'>" + text + "</data>");
  }
  void retain(const std::string& text) { publish_item("current", text); }

  // What the subscriber has got since it was last asked.
  std::deque<Message> heard() { return subscriber->messages_so_far(); }
  static std::deque<Message> one(const std::string& payload, const std::string& on = topic) {
    return {{.topic = on, .payload = payload, .qos = 1}};
  }
  // What somebody gets who subscribes now.
  std::deque<Message> retained() const {
    MqttClient client(prosody.mqtt_port());
    EXPECT_EQ(client.subscribe(topic, 1), 1);
    return client.messages_so_far();
  }
  static std::deque<Message> flagged(const std::string& payload) {
    return {{.topic = topic, .payload = payload, .qos = 1, .retain = true}};
  }

  std::optional<XmppClient> admin;
  std::optional<MqttClient> subscriber;
};

TEST_F(XmppSide, CurrentRetractedIsAnEmptyMessageAndNothingRetained) {
  retain("1");
  EXPECT_EQ(heard(), one("1"));
  EXPECT_EQ(retained(), flagged("1"));
  admin->retract("node", "current");
  EXPECT_EQ(heard(), one(""));
  EXPECT_TRUE(retained().empty());
}

TEST_F(XmppSide, CurrentRetractedIsAnEmptyMessageOnItsNaturalTopic) {
  MqttClient wildcard(prosody.mqtt_port());
  ASSERT_EQ(wildcard.subscribe("pubsub.localhost/+/node", 1), 1);
  admin->publish("node", "current", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_EQ(wildcard.messages_so_far(), one("1", "pubsub.localhost/json/node"));
  admin->retract("node", "current");
  EXPECT_EQ(wildcard.messages_so_far(), one("", "pubsub.localhost/json/node"));
  EXPECT_TRUE(heard().empty()) << "text is not its nature";
}

TEST_F(XmppSide, ACurrentItemThatMqttCannotReadTakesThePlaceOfTheOneBefore) {
  retain("1");
  heard();
  std::string deep = "<a xmlns='urn:a'>";
  for (int i = 0; i < 110; ++i) deep = "<a xmlns='urn:a'>" + deep + "</a>";
  admin->publish("node", "current", deep + "</a>");
  EXPECT_EQ(heard(), one(""));
  EXPECT_TRUE(retained().empty());
}

TEST_F(XmppSide, AnotherItemRetractedIsNothing) {
  retain("1");
  publish_item("other", "2");
  heard();
  admin->retract("node", "other");
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(retained(), flagged("1"));
}

TEST_F(XmppSide, AnItemTrimmedIsNothing) {
  retain("1");
  EXPECT_EQ(heard(), one("1"));
  for (int i = 0; i < 25; ++i) {
    publish_item("id" + std::to_string(i), "x");
    EXPECT_EQ(heard(), one("x"));
  }
  for (const auto& item : admin->items("node")) EXPECT_NE(item.id, "current");
  EXPECT_EQ(retained(), flagged("1"));
}

TEST_F(XmppSide, APurgedNodeHasNothingRetained) {
  retain("1");
  heard();
  admin->purge("node");
  EXPECT_EQ(heard(), one(""));
  EXPECT_TRUE(retained().empty());
  publish_item("id", "2");
  EXPECT_EQ(heard(), one("2"));
}

TEST_F(XmppSide, APurgeOrDeletionIsNothingWhereNothingIsRetained) {
  publish_item("id", "1");
  EXPECT_EQ(heard(), one("1"));
  admin->purge("node");
  EXPECT_TRUE(heard().empty());
  admin->remove("node");
  EXPECT_TRUE(heard().empty());
}

TEST_F(XmppSide, ADeletedNodeHasNothingRetainedAndFiltersWait) {
  retain("1");
  heard();
  admin->remove("node");
  EXPECT_EQ(heard(), one(""));
  create_node();
  EXPECT_TRUE(retained().empty());
  publish_item("id", "2");
  EXPECT_EQ(heard(), one("2"));
}

TEST_F(XmppSide, WhoCouldNotReadHearsNothingOfADeletion) {
  retain("1");
  heard();
  set_access("whitelist");
  admin->remove("node");
  EXPECT_TRUE(heard().empty());
}

TEST_F(XmppSide, PersistItemsSetToFalseIsNothing) {
  retain("1");
  heard();
  admin->configure("node", {{"persist_items", "false"}});
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(retained(), flagged("1"));
  publish_item("id", "2");
  EXPECT_EQ(heard(), one("2"));
}

TEST_F(XmppSide, AccessNarrowedIsSilenceFromThenOn) {
  publish_item("1", "open");
  EXPECT_EQ(heard(), one("open"));
  set_access("whitelist");
  publish_item("2", "closed");
  EXPECT_TRUE(heard().empty());
}

TEST_F(XmppSide, AccessWidenedIsLiveItemsAtOnceAndRetainedAtTheNextSubscribe) {
  set_access("whitelist");
  retain("1");
  set_access("open");
  EXPECT_TRUE(heard().empty());
  publish_item("id", "2");
  EXPECT_EQ(heard(), one("2"));
  subscriber->subscribe(topic, 1);
  EXPECT_EQ(subscriber->next_message(), flagged("1").front());
}

TEST_F(XmppSide, ANodeDeletedAndCreatedAgainIsJudgedAfresh) {
  publish_item("id", "1");
  heard();
  admin->remove("node");
  create_node("whitelist");
  publish_item("id", "2");
  EXPECT_TRUE(heard().empty());
  admin->remove("node");
  create_node();
  publish_item("id", "3");
  EXPECT_EQ(heard(), one("3"));
}

TEST_F(XmppSide, ASessionWhoseClientIsAwaySeesTheSame) {
  {
    RawMqtt client = with_session(prosody.mqtt_port(), "away");
    client.subscribe(topic, mqtt::QoS::at_least_once);
    disconnect(client);
  }
  retain("1");
  publish_item("id", "2");
  admin->retract("node", "id");
  admin->retract("node", "current");
  RawMqtt client = with_kept_session(prosody.mqtt_port(), "away");
  for (const char* payload : {"1", "2", ""}) EXPECT_EQ(next_message(client).payload, payload);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
