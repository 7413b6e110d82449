// The store of retained messages: when it is written and read, and what becomes of them where it fails.
#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string>

#include "prosody.h"
#include "retained_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

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

}  // namespace
}  // namespace pubsub_mqtt::tests
