// What is retained outlives restarts, reloads and kills, and is held against what pubsub has then (docs/mapping.md,
// "Retained messages").
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>
#include <string>
#include <thread>

#include "retained_fixture.h"
#include "shut_down_from_within.h"

namespace pubsub_mqtt::tests {
namespace {

using enum mqtt::QoS;

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
  // Prosody runs: SQLite lets others in.
  void damage_copy(const std::string& damage) {
    sqlite3* store = nullptr;
    ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
    sqlite3_busy_timeout(store, 10000);
    const std::string sql = "UPDATE retained SET " + damage + " WHERE node = 'node'";
    EXPECT_EQ(sqlite3_exec(store, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_changes(store), 1);
    sqlite3_close(store);
  }
  // After the library is opened again a method of the core raises so many times.
  void fail(const std::string& method, int times, const std::string& why) {
    prosody.shell(
        ">local loadlib = package.loadlib; function package.loadlib(...) package.loadlib = loadlib; "
        "local open = loadlib(...); return function () local library = open(); "
        "local methods = debug.getregistry()['pubsub_mqtt.core'].__index; "
        "local name, left = '" +
        method + "', " + std::to_string(times) +
        "; local works = methods[name]; methods[name] = function (...) left = left - 1; "
        "if left >= 0 then error('" +
        why + "'); end return works(...); end; return library; end; end");
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
        ">local items = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().data.node; "
        "prosody.get_of_test = items.get; items.get = function () return nil, 'broken disk' end");
  });
  prosody.log().wait_for("error\tWhat node on pubsub.localhost retains is not served.*broken disk");
  EXPECT_TRUE(retained().empty());
  prosody.shell(
      ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().data.node.get = prosody.get_of_test");
  EXPECT_EQ(retained(), only("kept"));
  restart();
  EXPECT_EQ(retained(), only("kept"));
}

// Prosody 0.12 runs its handler of SIGTERM wherever Lua runs, while a copy is held against pubsub's item, too.
TEST_F(RetainedUnseen, ProsodyMayBeStoppedWhileTheCopyIsHeldAgainstTheItem) {
  create(true);
  retain("kept");
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  const std::size_t mark = prosody.log().size();
  prosody.shell(
      std::string(
          ">do local items = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().data.node; "
          "local get = items.get; function items.get(...) ") +
      shut_down_from_within +
      "return get(...) end "
      "require 'util.timer'.add_task(0.1, function () "
      "require 'core.modulemanager'.load('pubsub.localhost', 'pubsub_mqtt'); end) end");
  prosody.log().wait_for("Shutdown complete", mark);
  EXPECT_EQ(prosody.wait_for_end().status, 0);
  EXPECT_EQ(prosody.log().count("error\t", mark), 0U);
  prosody.start();
  EXPECT_EQ(retained(), only("kept"));
}

TEST_F(RetainedUnseen, ACopyThatIsDamagedCostsNoOther) {
  constexpr const char* other = "pubsub.localhost/utf8/other";
  create(true);
  admin->create("other", {{"access_model", "open"}});
  publish_once({.topic = other, .payload = "kept", .qos = at_least_once, .retain = true});
  retain("1");
  const std::size_t mark = prosody.log().size();
  unseen([&] { damage_copy("type = 'none'"); });
  prosody.log().wait_for(
      "error\tWhat node on pubsub.localhost retains is not served, since its copy is damaged", mark);
  EXPECT_EQ(retained("#").size(), 1U);
  EXPECT_EQ(retained(other).size(), 1U);
}

TEST_F(RetainedUnseen, ACopyForWhichMemoryDoesNotSufficeIsToldAgain) {
  create(true);
  retain("kept");
  unseen([&] { fail("restore_retained", 1, "too little memory"); });
  prosody.log().wait_for(
      "error\tWhat node on pubsub.localhost retains is not served until .*too little memory");
  EXPECT_EQ(retained(), only("kept"));
}

TEST_F(RetainedUnseen, WhatANodeRetainsThatDoesNotPersistIsWaitedForWhileTheStoreCannotBeRead) {
  create(false);
  retain("kept");
  unseen([&] { fail("retained_nodes", 2, "broken disk"); });
  prosody.log().wait_for(
      "error\tThe retained messages of pubsub.localhost are not served until .*broken disk");
  EXPECT_EQ(retained(), only("kept"));
}

TEST_F(RetainedUnseen, AKillLosesNothing) {
  create(true);
  retain("first");
  kill_and_start();
  EXPECT_EQ(retained(), only("first"));
  restart();
  retain("second");
  kill_and_start();
  EXPECT_EQ(retained(), only("second"));
  restart();
  retain("");
  kill_and_start();
  EXPECT_TRUE(retained().empty());
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

}  // namespace
}  // namespace pubsub_mqtt::tests
