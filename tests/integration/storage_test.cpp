// mod_storage_pubsub_mqtt: what Prosody and its modules store is there again, and as they have stored it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "mqtt_client.h"
#include "patience.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using Mode = Prosody::Mode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Configuration on_the_store{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    autocreate_on_publish = true)"};

std::string payload(const std::string& text) {
  return "<entry xmlns='urn:example:entry'>" + text + "</entry>";
}

class Storage : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override { prosody.start(on_the_store, GetParam()); }
  void restart() {
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start(on_the_store, GetParam());
  }
  XmppClient log_in() const { return {"admin@localhost", account_password, prosody.c2s_port()}; }
  // Of a node, the oldest first.
  std::vector<std::string> ids(const std::string& node) const {
    std::vector<std::string> ids;
    for (const auto& item : log_in().items(node)) ids.push_back(item.id);
    return ids;
  }

  Prosody prosody;
};

TEST_P(Storage, KeepsNodesAndItemsOverARestart) {
  {
    XmppClient admin = log_in();
    admin.create("node", {{"max_items", "3"}, {"title", "a \"title\""}});
    for (const char* id : {"a", "b", "c", "d", "c"}) admin.publish("node", id, payload(id));
    EXPECT_EQ(ids("node"), (std::vector<std::string>{"b", "d", "c"}));
    admin.create("other");
    admin.publish("other", "x", payload("&lt;&amp;&quot; &#10;&#9;"));
  }
  restart();
  XmppClient admin = log_in();
  EXPECT_EQ(ids("node"), (std::vector<std::string>{"b", "d", "c"}));
  EXPECT_EQ(admin.items("other").at(0).payload.find("&lt;&amp;\"") != std::string::npos, true);
  admin.retract("node", "d");
  EXPECT_EQ(ids("node"), (std::vector<std::string>{"b", "c"}));
  admin.configure("node", {{"max_items", "1"}});
  EXPECT_EQ(ids("node"), (std::vector<std::string>{"c"}));
  admin.purge("node");
  EXPECT_TRUE(ids("node").empty());
  restart();
  EXPECT_TRUE(ids("node").empty());
}

// A node that is made again is another one.
TEST_P(Storage, ForgetsTheItemsOfANodeThatIsDeleted) {
  XmppClient admin = log_in();
  for (int i = 0; i < 3; ++i) {
    admin.create("node");
    EXPECT_TRUE(admin.items("node").empty());
    admin.publish("node", "id", payload("secret"));
    admin.remove("node");
  }
  admin.create("node");
  restart();
  EXPECT_TRUE(ids("node").empty());
}

TEST_P(Storage, KeepsWhatMqttPublishes) {
  RawMqtt client = connected(prosody.mqtt_port(), "publisher");
  for (int i = 1; i <= 50; ++i) {
    publish(client, {.topic = topic, .payload = std::to_string(i), .qos = mqtt::QoS::at_least_once});
  }
  publish(client, {.topic = topic, .payload = "kept", .qos = mqtt::QoS::at_least_once, .retain = true});
  restart();
  EXPECT_EQ(ids("node").size(), 20U);  // pubsub's max_items
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe(topic);
  EXPECT_EQ(next_message(reader).payload, "kept");
}

// The gateway asks the store at once which of many nodes have an item `current`.
TEST_P(Storage, RetainsTheItemOfOneOfManyNodesThatMqttHasNotSeen) {
  constexpr int nodes = 120;
  XmppClient admin = log_in();
  for (int i = 0; i < nodes; ++i) {
    admin.create("node" + std::to_string(i), {{"access_model", "open"}});
    admin.publish("node" + std::to_string(i), "another", payload("not retained"));
  }
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  admin.publish("node30", "current", "<data xmlns='https://prosody.im/protocol/mqtt'>found</data>");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell("1");  // Prosody's loop turns: what is not asked for is told meanwhile
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe("pubsub.localhost/#");
  EXPECT_EQ(next_message(reader).payload, "found");
}

// What no client asks for, and MQTT has not seen, too. The number is said on a topic of its own.
TEST(StorageOfManyNodes, WhatEachRetainsIsFoundOutAfterAStart) {
  constexpr int nodes = 120;
  Configuration configuration = on_the_store;
  configuration.global = "mqtt_sys_interval = 1";
  Prosody prosody;
  prosody.start(configuration);
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    for (int i = 0; i < nodes; ++i) {
      const std::string node = "node" + std::to_string(i);
      admin.create(node, {{"access_model", "open"}});
      if (i % 4 == 3) admin.publish(node, "current", payload("retained"));
    }
  }
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(configuration);
  RawMqtt reader = connected(prosody.mqtt_port(), "reader");
  reader.subscribe("$SYS/broker/retained messages/count");
  while (next_message(reader).payload != std::to_string(nodes / 4)) {
  }
}

INSTANTIATE_TEST_SUITE_P(Mode, Storage, testing::Values(Mode::foreground, Mode::daemon),
                         [](const auto& info) {
                           return info.param == Mode::foreground ? "Foreground" : "Daemon";
                         });

class StorageOfEverything : public testing::Test {
 protected:
  void SetUp() override { prosody.start(everything); }

  const Configuration everything{.global = R"(storage = "pubsub_mqtt")",
                                 .virtual_host = R"(modules_enabled = { "pep", "mam", "vcard4" }
    archive_expires_after = "never"
    default_archive_policy = true)"};
  Prosody prosody;
};

constexpr const char* messages =
    "<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>"
    "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field></x></query>";

// Personal nodes (XEP-0163) and archived messages (XEP-0313) are stored by other modules' code.
TEST_F(StorageOfEverything, KeepsPersonalNodesAndArchives) {
  EXPECT_NE(prosody.shell(R"(user:create("nurse@localhost", "secret"))").find("OK"), std::string::npos);
  {
    XmppClient nurse("nurse@localhost", "secret", prosody.c2s_port(), "nurse@localhost");
    nurse.publish("urn:example:mood", "current", payload("glad"));
  }
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start(everything);
  XmppClient nurse("nurse@localhost", "secret", prosody.c2s_port(), "nurse@localhost");
  const auto items = nurse.items("urn:example:mood");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_NE(items[0].payload.find("glad"), std::string::npos);
  nurse.request("set", "nurse@localhost", messages);
}

// Of whoever publishes much to nodes that persist, the administrator hears where their items are kept.
TEST(StorageThatIsSlow, IsNamedOnce) {
  // All of them come within a second, however long the machine takes.
  const std::string in_a_second = R"(
    local time = require "util.time"
    local monotonic = time.monotonic
    time.monotonic = function ()
      return debug.getinfo(2, "S").source:find("slow_storage", 1, true) and 1 or monotonic()
    end)";
  Prosody prosody;
  prosody.start({.global = in_a_second});
  const auto publish_many = [&] {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    for (int i = 0; i < 60; ++i) {
      publish(client, {.topic = topic, .payload = "1", .qos = mqtt::QoS::at_least_once});
    }
  };
  publish_many();
  prosody.log().wait_for(
      "More than 20 messages a second .* internal storage is slow .*storage = \"pubsub_mqtt\"");
  publish_many();
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("storage is slow"), 1U);
  prosody.stop();
  prosody.start({.global = in_a_second, .component = on_the_store.component});
  const std::size_t mark = prosody.log().size();
  publish_many();
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("storage is slow", mark), 0U);
}

// Between Prosody's files and the store, and back.
TEST(StorageThatIsChanged, HasTheNodesAndItemsThatWereCopied) {
  Prosody prosody;
  const auto copy = [&](const char* direction) {
    return prosody.prosodyctl({"mod_storage_pubsub_mqtt", direction, "pubsub.localhost"});
  };
  const auto contents = [&] {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    std::vector<std::string> contents;
    for (const char* node : {"a", "b/c"}) {
      for (const auto& item : admin.items(node)) contents.push_back(item.id + ' ' + item.payload);
    }
    return contents;
  };
  prosody.start();
  {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    for (const char* node : {"a", "b/c"}) {
      admin.create(node);
      for (const char* id : {"1", "2", "3"})
        admin.publish(node, id, payload("&lt;text&gt;&#10;\"of\" " + std::string(id)));
    }
  }
  const auto before = contents();
  EXPECT_EQ(before.size(), 6U);
  EXPECT_EQ(copy("import"), 1);  // Prosody is running
  prosody.stop();
  EXPECT_EQ(copy("import"), 0);
  prosody.start(on_the_store);
  EXPECT_EQ(contents(), before);
  prosody.stop();
  std::filesystem::remove_all(prosody.folder().path("data/pubsub%2elocalhost"));
  EXPECT_EQ(copy("export"), 0);
  prosody.start();
  EXPECT_EQ(contents(), before);
}

// Prosody's append() to files reads and writes the whole list for each item.
TEST(StorageThatIsChanged, HasManyItemsOfANodeInAMoment) {
  constexpr std::size_t many = 8000;
  Prosody prosody;
  prosody.start();
  XmppClient("admin@localhost", account_password, prosody.c2s_port())
      .publish("node", "ITEM", payload("text"));
  prosody.stop();
  const std::filesystem::path list = prosody.folder().path("data/pubsub%2elocalhost/pubsub_node.list");
  std::string item;
  std::getline(std::ifstream(list), item, '\0');
  const auto key = item.find("ITEM");
  std::ofstream file(list);
  for (std::size_t i = 0; i < many; ++i) {
    file << std::string(item).replace(key, 4, "item" + std::to_string(i));
  }
  file.close();
  std::filesystem::remove(
      std::filesystem::path(list).replace_extension("lidx"));  // Prosody 13's index of the list
  EXPECT_EQ(prosody.prosodyctl({"mod_storage_pubsub_mqtt", "import", "pubsub.localhost"}), 0);
  std::filesystem::remove(list);
  EXPECT_EQ(prosody.prosodyctl({"mod_storage_pubsub_mqtt", "export", "pubsub.localhost"}), 0);
  EXPECT_THAT(prosody.said_by_prosodyctl(), HasSubstr("1 nodes with 8000 items"));
  std::ifstream copy(list);
  std::size_t items = 0;
  for (std::string line; std::getline(copy, line);) items += line == "item({" ? 1 : 0;
  EXPECT_EQ(items, many);
}

TEST(StorageThatIsChanged, SaysWhatIsWrongInAWord) {
  Prosody prosody;
  prosody.start();
  prosody.stop();
  const auto import_from = [&](const char* storage) {
    EXPECT_EQ(prosody.prosodyctl({"mod_storage_pubsub_mqtt", "import", "pubsub.localhost", storage}), 1);
    return prosody.said_by_prosodyctl();
  };
  EXPECT_THAT(import_from("nosuch"),
              AllOf(HasSubstr("The storage \"nosuch\" cannot be used"), Not(HasSubstr("traceback"))));
  EXPECT_THAT(import_from("pubsub_mqtt"),
              AllOf(HasSubstr("not pubsub_mqtt itself"), Not(HasSubstr("traceback"))));
  const std::string store = prosody.folder().path("data/pubsub_mqtt.sqlite");
  for (const char* file : {"-wal", "-shm"}) std::filesystem::remove(store + file);
  std::ofstream(store) << std::string(8192, 'x');
  EXPECT_THAT(import_from("internal"),
              AllOf(HasSubstr("is damaged"), Not(HasSubstr("does not support any commands"))));
}

class StorageThatFails : public testing::Test {
 protected:
  Prosody prosody;
};

// With an empty store in its place, whoever comes first would own the nodes.
TEST_F(StorageThatFails, LeavesADamagedStoreAsItIs) {
  const Configuration items_on_the_store{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = { pubsub_data = "pubsub_mqtt" }
    autocreate_on_publish = true)"};
  const std::string path = prosody.folder().path("data/pubsub_mqtt.sqlite");
  std::filesystem::create_directories(prosody.folder().path("data"));
  std::ofstream(path) << std::string(8192, 'x');
  prosody.start(items_on_the_store);
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  EXPECT_THROW(admin.publish("node", "id", payload("text")), StanzaError);
  prosody.log().wait_for("The store .* is damaged, and left as it is");
  prosody.stop();
  EXPECT_EQ(std::filesystem::file_size(path), 8192U);
}

// The log is on a disk, too.
TEST_F(StorageThatFails, IsSaidOnceHoweverOftenItIsTried) {
  prosody.start(on_the_store);
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.publish("node", "id", payload("text"));
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
  sqlite3_busy_timeout(store, 10000);
  ASSERT_EQ(sqlite3_exec(store, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  admin.publish("node", "waits", payload("text"));
  prosody.log().wait_for("cannot be written: another process has locked it");
  for (int i = 0; i < 5; ++i) EXPECT_THROW(admin.publish("node", "refused", payload("text")), StanzaError);
  sqlite3_close(store);
  prosody.log().wait_for("can be written again");
  EXPECT_EQ(prosody.log().count("error\tThe store cannot be written, see above"), 1U);
}

TEST_F(StorageThatFails, LeavesOutADamagedItemAndNamesIt) {
  prosody.start(on_the_store);
  {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    for (const char* id : {"before", "spoilt", "after"}) admin.publish("node", id, payload(id));
  }
  prosody.stop();
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
  const char* spoil = "UPDATE item SET value = '<entry' WHERE key = 'spoilt'";
  EXPECT_EQ(sqlite3_exec(store, spoil, nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_changes(store), 1);
  sqlite3_close(store);
  prosody.start(on_the_store);
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  const auto items = admin.items("node");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].id, "before");
  EXPECT_EQ(items[1].id, "after");
  prosody.log().wait_for("error\tItem \"spoilt\" is damaged, and left out: ");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
