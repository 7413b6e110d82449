// Retained messages (MQTT 3.1.1, 3.3.1.3; docs/mapping.md, "Retained messages").
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

class Retained : public RunningProsody {
 protected:
  void publish_once(mqtt::Publish packet) {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    publish(client, packet);
  }
  void retain(std::string_view payload) {
    publish_once({.topic = topic, .payload = payload, .qos = at_least_once, .retain = true});
  }
  // What somebody gets who subscribes now.
  std::vector<Message> retained(const std::string& filter = topic, mqtt::QoS qos = exactly_once) {
    RawMqtt client = connected(prosody.mqtt_port(), "");
    client.subscribe(filter, qos);
    return messages_so_far(client);
  }
  static std::vector<Message> only(std::string_view payload, int qos = 1) {
    return {{.topic = topic, .payload = std::string(payload), .qos = qos, .retain = true}};
  }
  XmppClient log_in() const { return {"admin@localhost", account_password, prosody.c2s_port()}; }
};

TEST_F(Retained, IsSentFlaggedToANewSubscriptionAndNotFlaggedLive) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  retain("1");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "1", .qos = 1}));
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, IsSentOnEachSubscribe) {
  retain("1");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (int i = 0; i < 3; ++i) {
    client.subscribe(topic, exactly_once);
    EXPECT_EQ(next_message(client), only("1").front());
  }
  client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {topic}});
  client.read_packet<mqtt::Unsuback>();
  client.subscribe(topic, exactly_once);
  EXPECT_EQ(next_message(client), only("1").front());
}

TEST_F(Retained, IsSentAtTheLowerQos) {
  for (const mqtt::QoS stored : {at_most_once, at_least_once, exactly_once}) {
    publish_once({.topic = topic, .payload = "x", .qos = stored, .retain = true});
    for (const mqtt::QoS granted : {at_most_once, at_least_once, exactly_once}) {
      EXPECT_EQ(retained(topic, granted), only("x", static_cast<int>(std::min(stored, granted))));
    }
  }
}

TEST_F(Retained, IsReplacedByTheNextAndByNothingElse) {
  retain("1");
  retain("2");
  publish_once({.topic = topic, .payload = "not retained", .qos = exactly_once});
  log_in().publish("node", "id", "<data xmlns='https://prosody.im/protocol/mqtt'>an item</data>");
  EXPECT_EQ(retained(), only("2"));
}

TEST_F(Retained, OfAnEmptyPayloadIsNoneEvenWhereEmptyIsNoJson) {
  publish_once({.topic = "pubsub.localhost/json/node", .payload = "1", .qos = at_least_once, .retain = true});
  publish_once({.topic = "pubsub.localhost/json/node", .payload = "", .qos = at_least_once, .retain = true});
  EXPECT_TRUE(retained("pubsub.localhost/json/node").empty());
}

TEST_F(Retained, IsTheItemCurrentToXmpp) {
  retain("1");
  retain("2");
  const auto items = log_in().items("node");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].id, "current");
  EXPECT_NE(items[0].payload.find(">2<"), std::string::npos);
}

TEST_F(Retained, IsSetByAnItemCurrentFromXmpp) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, at_least_once);
  log_in().publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>1</data>");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "1", .qos = 1}));
  EXPECT_EQ(retained(), only("1", 2));
}

TEST_F(Retained, ClearedIsGoneInXmppAndAnEmptyMessageLive) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.subscribe("node");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  EXPECT_EQ(next_message(live), only("1").front());
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "", .qos = 1}));
  EXPECT_TRUE(messages_so_far(live).empty());
  EXPECT_TRUE(retained().empty());
  EXPECT_TRUE(admin.items("node").empty());
  PubsubEvent event = admin.next_event();
  while (event.kind == "item") event = admin.next_event();  // the last item, on subscription
  EXPECT_EQ(event.kind, "retract");
  EXPECT_EQ(event.item_id, "current");
}

TEST_F(Retained, ClearedOnTheTopicOfAnotherTypeIsAnEmptyMessageOnBoth) {
  const std::string json = "pubsub.localhost/json/node";
  retain("1");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(json);
  live.subscribe(topic);
  EXPECT_EQ(next_message(live).payload, "1");
  publish_once({.topic = json, .payload = "", .qos = at_least_once, .retain = true});
  std::set<std::string> topics;
  for (const Message& message : messages_so_far(live)) {
    EXPECT_EQ(message.payload, "");
    topics.insert(message.topic);
  }
  EXPECT_EQ(topics, (std::set<std::string>{json, topic}));
  EXPECT_TRUE(retained().empty());
}

TEST_F(Retained, ASubscriberOfTheXmlTopicHearsOfAClearWhateverTheTypeWas) {
  retain("1");
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe("pubsub.localhost/xml/node");
  next_message(live);
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = "pubsub.localhost/xml/node", .payload = ""}));
}

TEST_F(Retained, ABridgeIsToldWhatWasPublishedAsRetainedAndNothingThatItPublished) {
  RawMqtt bridge(prosody.mqtt_port());
  EXPECT_EQ(connect(bridge, {.is_bridge = true, .client_identifier = "bridge"}), mqtt::Connack{});
  bridge.subscribe(topic, at_least_once);
  retain("1");
  EXPECT_EQ(next_message(bridge), only("1")[0]);
  publish_once({.topic = topic, .payload = "2", .qos = at_least_once});
  EXPECT_EQ(next_message(bridge), (Message{.topic = topic, .payload = "2", .qos = 1}));
  publish(bridge, {.topic = topic, .payload = "its own", .retain = true});
  log_in().publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>3</data>");
  EXPECT_EQ(next_message(bridge), only("3")[0]);
  log_in().retract("node", "current");
  EXPECT_EQ(next_message(bridge), only("")[0]);
}

TEST_F(Retained, AClearCreatesNoNode) {
  retain("");
  EXPECT_THROW(log_in().items("node"), StanzaError);
}

TEST_F(Retained, AClearOfNothingIsAnEmptyMessage) {
  log_in().create("node", {{"access_model", "open"}});
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic, exactly_once);
  retain("");
  EXPECT_EQ(next_message(live), (Message{.topic = topic, .payload = "", .qos = 1}));
}

TEST_F(Retained, ClearingNeedsTheRightToPublish) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.configure("node", {{"access_model", "whitelist"}});
  retain("");
  prosody.log().wait_for("publisher.*refused.*access_model");
  admin.configure("node", {{"access_model", "open"}});
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, EveryTypeIsAViewOfIt) {
  publish_once({.topic = "pubsub.localhost/json/node",
                .payload = "{ \"a\":1 }",
                .qos = at_least_once,
                .retain = true});
  EXPECT_EQ(retained("pubsub.localhost/json/node").at(0).payload, "{ \"a\":1 }");
  EXPECT_NE(retained("pubsub.localhost/xml/node").at(0).payload.find("urn:xmpp:json:0"), std::string::npos);
  EXPECT_TRUE(retained("pubsub.localhost/utf8/node").empty());
  EXPECT_TRUE(retained("pubsub.localhost/atom_title/node").empty());
  // and replaced by one of another TYPE
  retain("text");
  EXPECT_TRUE(retained("pubsub.localhost/json/node").empty());
  EXPECT_EQ(retained(), only("text"));
}

TEST_F(Retained, IsNotShownToWhoMayNotRead) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}});
  retain("1");
  admin.configure("node", {{"access_model", "whitelist"}});
  EXPECT_TRUE(retained().empty());
  EXPECT_TRUE(retained("#").empty());
}

TEST_F(Retained, OutlivesTrimming) {
  RawMqtt live = connected(prosody.mqtt_port(), "live");
  live.subscribe(topic);
  retain("kept\r\nto the byte");
  for (int i = 0; i < 25; ++i) publish_once({.topic = topic, .payload = "x", .qos = at_least_once});
  for (const auto& item : log_in().items("node")) EXPECT_NE(item.id, "current");
  EXPECT_EQ(retained(), only("kept\r\nto the byte"));
  for (const Message& message : messages_so_far(live)) EXPECT_NE(message.payload, "");
  retain("");
  EXPECT_TRUE(retained().empty());
}

TEST_F(Retained, NeedsNoNodeThatPersists) {
  log_in().create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  retain("1");
  EXPECT_EQ(retained(), only("1"));
}

TEST_F(Retained, OutlivesARestart) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}, {"persist_items", "true"}});
  retain("kept\r\nto the byte");
  for (int i = 0; i < 25; ++i) publish_once({.topic = topic, .payload = "x", .qos = at_least_once});
  publish_once(
      {.topic = "pubsub.localhost/json/cleared", .payload = "1", .qos = at_least_once, .retain = true});
  publish_once(
      {.topic = "pubsub.localhost/json/cleared", .payload = "", .qos = at_least_once, .retain = true});
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start();
    EXPECT_EQ(retained("#"), only("kept\r\nto the byte"));
  }
}

// Pubsub's item `current` only stands in for it.
TEST_F(Retained, ALargeOneOutlivesARestartWhole) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}, {"persist_items", "true"}});
  const std::string large(300000, 'x');
  retain(large);
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start();
  EXPECT_EQ(retained(), only(large));
}

TEST_F(Retained, OutlivesAReloadAndAnUnloadOfTheModule) {
  retain("1");
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(retained(), only("1"));
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  EXPECT_EQ(retained(), only("1"));
}

// What pubsub has, and what the module kept of it, may differ where the module did not see a change.
class RetainedUnseen : public Retained {
 protected:
  void SetUp() override {
    Retained::SetUp();
    admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  }
  void create(bool persists) {
    admin->create("node", {{"access_model", "open"}, {"persist_items", persists ? "true" : "false"}});
  }
  template <typename Change>
  void unseen(Change change) {
    prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
    change();
    prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  }
  void publish_current(const std::string& text) {
    admin->publish("node", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>" + text + "</data>");
  }
  void restart() {
    admin.reset();
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start();
  }
  void kill_and_start() {
    admin.reset();
    prosody.send_signal(SIGKILL);
    prosody.wait_for_end();
    prosody.start();
  }

  std::optional<XmppClient> admin;
};

TEST_F(RetainedUnseen, AnItemThatWasPublishedIsRetained) {
  create(true);
  unseen([&] { publish_current("first"); });
  EXPECT_EQ(retained(), only("first", 2));
  retain("second");
  unseen([&] { publish_current("third"); });
  EXPECT_EQ(retained(), only("third", 2));
  restart();
  EXPECT_EQ(retained(), only("third", 2));
}

TEST_F(RetainedUnseen, AnItemThatWasRetractedIsNotRetained) {
  create(true);
  retain("1");
  unseen([&] { admin->retract("node", "current"); });
  EXPECT_TRUE(retained().empty());
  retain("2");
  unseen([&] { admin->purge("node"); });
  EXPECT_TRUE(retained().empty());
  restart();
  EXPECT_TRUE(retained().empty());
}

TEST_F(RetainedUnseen, ANodeThatWasDeletedAndCreatedAgainIsAnother) {
  for (const bool persists : {true, false}) {
    create(persists);
    retain("of the old node");
    unseen([&] {
      admin->remove("node");
      create(persists);
    });
    EXPECT_TRUE(retained().empty()) << persists;
    unseen([&] { admin->remove("node"); });
    create(persists);
    EXPECT_TRUE(retained().empty()) << persists;
    admin->remove("node");
  }
}

TEST_F(RetainedUnseen, ANodeThatDoesNotPersistKeepsItsOwn) {
  create(false);
  retain("kept");
  admin->configure("node", {{"title", "changed"}});
  unseen([] {});
  EXPECT_EQ(retained(), only("kept"));
  restart();
  EXPECT_EQ(retained(), only("kept"));
  restart();
  EXPECT_EQ(retained(), only("kept"));
}

// The node's identity is written some seconds later.
TEST_F(RetainedUnseen, ANodeThatDoesNotPersistKeepsItsOwnOverAReload) {
  create(false);
  retain("kept");
  prosody.shell(R"(module:reload("pubsub_mqtt"))");
  restart();
  EXPECT_EQ(retained(), only("kept"));
}

TEST_F(RetainedUnseen, AnItemThatCannotBeReadCostsNoCopy) {
  create(true);
  retain("kept");
  unseen([&] {
    prosody.shell(
        ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().data.node.get = "
        "function () return nil, 'broken disk' end");
  });
  prosody.log().wait_for("error\tWhat node on pubsub.localhost retains is not served.*broken disk");
  EXPECT_TRUE(retained().empty());
  restart();
  EXPECT_EQ(retained(), only("kept"));
}

TEST_F(RetainedUnseen, ACopyThatIsDamagedCostsNoOther) {
  constexpr const char* other = "pubsub.localhost/utf8/other";
  create(true);
  admin->create("other", {{"access_model", "open"}});
  publish_once({.topic = other, .payload = "kept", .qos = at_least_once, .retain = true});
  for (const std::string damage : {"expires = 'soon'", "type = 'none'", "qos = 3", "properties = {}"}) {
    retain("1");
    const std::size_t mark = prosody.log().size();
    unseen([&] {
      prosody.shell(
          ">do local s = require 'core.storagemanager'.open('pubsub.localhost', 'pubsub_mqtt_retained'); "
          "local copy = s:get('node'); copy." +
          damage + "; s:set('node', copy) end");
    });
    prosody.log().wait_for("error\tWhat node on pubsub.localhost retains is not served.* cannot be read",
                           mark);
    EXPECT_EQ(retained("#").size(), 1U) << damage;
    EXPECT_EQ(retained(other).size(), 1U) << damage;
  }
}

// Its copy is written some seconds later.
TEST_F(RetainedUnseen, AfterAKillTheItemIsRetained) {
  create(true);
  retain("first");
  kill_and_start();
  EXPECT_EQ(retained(), only("first", 2));
  restart();
  retain("second");
  kill_and_start();
  EXPECT_EQ(retained(), only("second", 2));
  restart();
  retain("");
  kill_and_start();
  EXPECT_TRUE(retained().empty());
}

TEST_F(Retained, TheNewestItemStandsInWhereTheNodeSendsIt) {
  XmppClient admin = log_in();
  admin.create("node", {{"access_model", "open"}, {"send_last_published_item", "on_sub"}});
  admin.create("never", {{"access_model", "open"}, {"send_last_published_item", "never"}});
  for (const char* node : {"node", "never"}) {
    admin.publish(node, "1", "<data xmlns='https://prosody.im/protocol/mqtt'>older</data>");
    admin.publish(node, "2", "<data xmlns='https://prosody.im/protocol/mqtt'>newest</data>");
  }
  EXPECT_EQ(retained(), only("newest", 2));
  EXPECT_TRUE(retained("pubsub.localhost/utf8/never").empty());
  retain("retained");
  EXPECT_EQ(retained(), only("retained"));
}

// A node that sends its newest item to new subscribers, and a retained message that is cleared.
class RetainedEnd : public RetainedUnseen {
 protected:
  void SetUp() override {
    RetainedUnseen::SetUp();
    admin->create(
        "node",
        {{"access_model", "open"}, {"persist_items", "true"}, {"send_last_published_item", "on_sub"}});
  }
  void publish_item(const std::string& id, const std::string& text) {
    admin->publish("node", id, "<data xmlns='https://prosody.im/protocol/mqtt'>" + text + "</data>");
  }
  // Items have whole seconds.
  void wait_for_the_next_second() {
    const std::time_t now = std::time(nullptr);
    while (std::time(nullptr) == now) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
};

TEST_F(RetainedEnd, NothingOlderIsSentInItsPlace) {
  publish_item("1", "older");
  EXPECT_EQ(retained(), only("older", 2));
  retain("1");
  retain("");
  EXPECT_TRUE(retained().empty());
  for (int i = 0; i < 2; ++i) {
    restart();
    EXPECT_TRUE(retained().empty());
  }
}

TEST_F(RetainedEnd, NothingOlderIsSentInItsPlaceAfterAKill) {
  publish_item("1", "older");
  retain("1");
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");  // the copy is stored
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  retain("");
  kill_and_start();
  EXPECT_TRUE(retained().empty());
}

TEST_F(RetainedEnd, ANewerItemIsSentInItsPlace) {
  retain("1");
  retain("");
  wait_for_the_next_second();
  unseen([&] { publish_item("2", "newer"); });
  EXPECT_EQ(retained(), only("newer", 2));
  restart();
  EXPECT_EQ(retained(), only("newer", 2));
  retain("");
  EXPECT_TRUE(retained().empty());
  admin.emplace("admin@localhost", account_password, prosody.c2s_port());
  publish_item("3", "newest");
  EXPECT_EQ(retained(), only("newest", 2));
}

class StoreOfRetained : public Retained {
 protected:
  void SetUp() override { prosody.start(configuration); }

  void retain_many(int nodes) {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int i = 0; i < nodes; ++i) {
      publish(client,
              {.topic = topic + std::to_string(i), .payload = "1", .qos = at_least_once, .retain = true});
    }
  }
  std::size_t reads(std::size_t mark) {
    prosody.wait_for_log();
    return prosody.log().count("storage_slow.*read", mark);
  }

  const Configuration configuration{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = { pubsub_mqtt_retained = "slow" }
    autocreate_on_publish = true)"};
};

// On this disk one write is longer than Prosody may wait.
TEST_F(StoreOfRetained, IsWrittenInSmallStepsAndWhatIsLeftAtTheEnd) {
  constexpr int nodes = 1000;
  retain_many(nodes);
  prosody.log().wait_for("storage_slow.*write 50,");
  EXPECT_EQ(prosody.log().count("storage_slow.*number ([2-9]|1[0-9]+) of its step"), 0U);
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(configuration);
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe("#");
  std::set<std::string> topics;
  while (topics.size() < nodes) topics.insert(next_message(reader).topic);
}

// Nobody waits for that: what a client asks for is read at once.
TEST_F(StoreOfRetained, IsReadInSmallStepsWhenTheHostIsEnabled) {
  constexpr int nodes = 300;
  retain_many(nodes);
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  const std::size_t mark = prosody.log().size();
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  for (const int number : {0, nodes / 2, nodes - 1}) {
    EXPECT_EQ(retained(topic + std::to_string(number)).size(), 1U) << number;
  }
  while (reads(mark) < nodes) {
  }
  EXPECT_EQ(prosody.log().count("storage_slow.*read, number ([2-9]|1[0-9]+) of its step", mark), 0U);
  EXPECT_EQ(reads(mark), static_cast<std::size_t>(nodes));
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe("#");
  std::set<std::string> topics;
  while (topics.size() < nodes) topics.insert(next_message(reader).topic);
}

TEST(StoreOfRetainedThatFails, IsWrittenWhenItWorksAgain) {
  Prosody prosody;
  prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = { pubsub_mqtt_retained = "slow" }
    storage_slow_failures = 2
    autocreate_on_publish = true)"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  for (const char* node : {"pubsub.localhost/utf8/a", "pubsub.localhost/utf8/b"}) {
    publish(client, {.topic = node, .payload = "1", .qos = at_least_once, .retain = true});
  }
  prosody.log().wait_for(
      "error\tThe retained message of . on pubsub.localhost cannot be saved.*no space left");
  prosody.log().wait_for("storage_slow.*write 2,");
  EXPECT_EQ(prosody.log().count("error\t.*cannot be saved"), 1U);
}

class StoreOfRetainedOnABrokenDisk : public Retained {
 protected:
  void SetUp() override {
    prosody.start(configuration);
    XmppClient admin = log_in();
    admin.create("node", {{"access_model", "open"}});
    admin.create("cleared", {{"access_model", "open"}});
    retain("stored before");
    publish_once({.topic = cleared, .payload = "stored before", .qos = at_least_once, .retain = true});
    prosody.log().wait_for("storage_slow.*write 2,");
    prosody.shell(">prosody.events.fire_event('disk-is-broken')");
    retain("unsaved");
    publish_once({.topic = cleared, .payload = "", .qos = at_least_once, .retain = true});
  }
  void expect_unsaved_is_kept() {
    prosody.log().wait_for("cannot be saved, and is lost if Prosody stops before it can: no space left");
    EXPECT_EQ(retained(), only("unsaved"));
    EXPECT_TRUE(retained(cleared).empty());
    prosody.shell(">prosody.events.fire_event('disk-is-repaired')");
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start(configuration);
    EXPECT_EQ(retained(), only("unsaved"));
    EXPECT_TRUE(retained(cleared).empty());
  }

  const std::string cleared = "pubsub.localhost/utf8/cleared";
  const Configuration configuration{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = { pubsub_mqtt_retained = "slow" })"};
};

TEST_F(StoreOfRetainedOnABrokenDisk, IsWrittenLaterThoughTheHostWasDisabled) {
  prosody.shell(R"(module:unload("pubsub", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  expect_unsaved_is_kept();
}

TEST_F(StoreOfRetainedOnABrokenDisk, IsWrittenLaterThoughTheModuleWasUnloaded) {
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(">collectgarbage()");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  expect_unsaved_is_kept();
}

TEST_F(StoreOfRetained, IsNotReadAgainOnAReload) {
  retain_many(3);
  std::size_t mark = prosody.log().size();
  prosody.reload(configuration);
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:reload("pubsub_mqtt"))");
  EXPECT_EQ(reads(mark), 0U);
  EXPECT_EQ(retained("#").size(), 3U);

  mark = prosody.log().size();
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  while (reads(mark) < 3) {
  }
  EXPECT_EQ(retained("#").size(), 3U);
  EXPECT_EQ(reads(mark), 3U);
}

TEST(StoreThatThereIsNot, IsReportedAndEverythingElseWorks) {
  Prosody prosody;
  prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = { pubsub_mqtt_retained = "null" }
    autocreate_on_publish = true)"});
  const std::string line = prosody.log().wait_for("pubsub_mqtt\terror\t");
  EXPECT_NE(line.find("The retained messages of pubsub.localhost are lost when Prosody stops"),
            std::string::npos)
      << line;
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = topic, .payload = "1", .qos = at_least_once, .retain = true});
  client.subscribe(topic);
  EXPECT_EQ(next_message(client).payload, "1");
}

// Nodes are many here, and a file for each is not what is tested.
class ManyRetained : public testing::Test {
 protected:
  static constexpr int nodes = 3000;
  static constexpr const char* filter = "pubsub.localhost/utf8/#";

  void SetUp() override {
    prosody.start(
        {.global = "mqtt_max_queued_messages = 10; mqtt_max_outbound_bytes = 20000", .component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "memory"
    autocreate_on_publish = true)"});
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int first = 0; first < nodes; first += batch) {
      for (int i = first; i < first + batch; ++i) {
        client.send(mqtt::Publish{.topic = topic_of(i),
                                  .payload = payload_of(i),
                                  .qos = at_least_once,
                                  .retain = true,
                                  .packet_identifier = static_cast<mqtt::PacketIdentifier>(i + 1)});
      }
      for (int i = 0; i < batch; ++i) client.read_packet<mqtt::Puback>();
    }
  }

  static std::string topic_of(int node) { return "pubsub.localhost/utf8/many/" + std::to_string(node); }
  static std::string payload_of(int node) { return std::to_string(node) + std::string(1000, 'x'); }

  // A client that leaves little room in the kernel.
  RawMqtt slow_reader() {
    RawMqtt client(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
    EXPECT_EQ(client.connect("reader"), mqtt::Reason::success);
    return client;
  }

  Prosody prosody;

 private:
  static constexpr int batch = 100;
};

TEST_F(ManyRetained, AWildcardLosesNoneAndXmppIsServed) {
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  for (const mqtt::QoS qos : {at_most_once, at_least_once}) {
    RawMqtt reader = slow_reader();
    reader.subscribe(filter, qos);
    std::set<std::string> topics;
    for (int i = 0; i < nodes; ++i) {
      if (i % 500 == 0) romeo.ping("localhost");
      const Message message = next_message(reader);
      ASSERT_TRUE(message.retain);
      ASSERT_EQ(message.qos, static_cast<int>(qos));
      ASSERT_TRUE(topics.insert(message.topic).second) << message.topic;
    }
    EXPECT_TRUE(messages_so_far(reader).empty());
  }
}

TEST_F(ManyRetained, ANewerMessageIsNotFollowedByTheOneItReplaced) {
  RawMqtt reader = slow_reader();
  reader.subscribe(filter, at_least_once);
  RawMqtt client = connected(prosody.mqtt_port(), "publisher");
  constexpr int replaced = 5;
  for (int i = nodes - replaced; i < nodes; ++i) {
    publish(client, {.topic = topic_of(i), .payload = "newer", .qos = at_least_once, .retain = true});
  }
  std::map<std::string, std::string> last;
  while (last.size() < nodes) {
    const Message message = next_message(reader);
    ASSERT_TRUE(message.retain ? last.emplace(message.topic, message.payload).second : true) << message.topic;
    last[message.topic] = message.payload;
  }
  for (const Message& message : messages_so_far(reader)) last[message.topic] = message.payload;
  for (int i = nodes - replaced; i < nodes; ++i) EXPECT_EQ(last[topic_of(i)], "newer");
}

TEST_F(ManyRetained, UnsubscribeEndsTheFlow) {
  RawMqtt reader = slow_reader();
  reader.subscribe(filter, at_least_once);
  reader.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {filter}});
  int received = 0;
  while (!std::holds_alternative<mqtt::Unsuback>(reader.read())) ++received;
  EXPECT_LT(received, nodes);
  reader.ping();
}

TEST_F(ManyRetained, AClientThatGoesAwayOnTheWayGetsTheRestWhenItIsBack) {
  std::set<std::string> topics;
  {
    RawMqtt reader(std::make_unique<TcpStream>(prosody.mqtt_port(), "127.0.0.1", 4096));
    connect(reader, {.clean_session = false, .client_identifier = "returning"});
    reader.subscribe(filter, at_least_once);
    for (int i = 0; i < 100; ++i) topics.insert(next_message(reader).topic);
    abort(reader);
  }
  RawMqtt reader = with_kept_session(prosody.mqtt_port(), "returning");
  while (topics.size() < nodes) topics.insert(next_message(reader).topic);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
