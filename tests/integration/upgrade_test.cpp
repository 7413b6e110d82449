// Another version of the module takes the place of the one that runs, and finds what it has left.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "mqtt_client.h"
#include "prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* node_topic = "pubsub.localhost/json/node";

std::filesystem::path copy_of_the_modules(Prosody& prosody) {
  const std::filesystem::path folder = prosody.folder().path("modules");
  std::filesystem::copy(modules_folder(), folder, std::filesystem::copy_options::recursive);
  prosody.set_plugin_path(folder);
  return folder;
}

void write_version(const std::filesystem::path& module) {
  std::filesystem::remove(module / "version.lib.lua");
  std::ofstream(module / "version.lib.lua") << "return \"999.0\";";
}

// As a package leaves it: new files in the place of old ones, which go on being what the process has loaded.
void upgrade(const std::filesystem::path& folder) {
  const std::filesystem::path library = folder / "mod_pubsub_mqtt/pubsub_mqtt.so";
  std::filesystem::copy_file(library, folder / "new");
  std::filesystem::rename(folder / "new", library);
  write_version(folder / "mod_pubsub_mqtt");
  write_version(folder / "mod_storage_pubsub_mqtt");
}

TEST(Upgrade, TheOldVersionGoesOnUntilARestartWhichAReloadAsksFor) {
  Prosody prosody;
  const std::filesystem::path folder = copy_of_the_modules(prosody);
  prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    autocreate_on_publish = true)"});
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe(node_topic, 1), 1);
  upgrade(folder);
  for (const char* module : {"pubsub_mqtt", "storage_pubsub_mqtt"}) {
    const std::size_t before = prosody.log().size();
    prosody.shell("module:reload(\"" + std::string(module) + "\", \"pubsub.localhost\")");
    prosody.log().wait_for("error\t.*Version 999\\.0 is installed, and .* goes on .*: restart Prosody",
                           before);
  }
  client.publish(node_topic, "1", 1);
  EXPECT_EQ(client.next_message().payload, "1");
}

TEST(Upgrade, ALuaHalfThatDoesNotMatchTheLibrarySaysSo) {
  Prosody prosody;
  const std::filesystem::path folder = copy_of_the_modules(prosody);
  prosody.start();
  MqttClient client(prosody.mqtt_port());
  upgrade(folder);
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  prosody.log().wait_for("error\t.*pubsub_mqtt.so is version .*, but .* is 999\\.0: restart Prosody");
  client.wait_for_close();
}

TEST(Upgrade, ACopyThatIsNotUsedIsNamedInTheLog) {
  Prosody prosody;
  const std::filesystem::path folder = copy_of_the_modules(prosody);
  prosody.set_plugin_path(folder.string() + "\", \"" + modules_folder());
  prosody.start();
  prosody.log().wait_for("warn\t.* in " + folder.string() + "/mod_pubsub_mqtt\\. The copy in " +
                         modules_folder() + "/mod_pubsub_mqtt is not used");
}

// stores/ has one of each version of the tables that was released.
class UpgradeFrom : public testing::TestWithParam<const char*> {};

TEST_P(UpgradeFrom, WhatItHasStoredIsThere) {
  Prosody prosody;
  std::ostringstream tables;
  tables << std::ifstream(std::string(PUBSUB_MQTT_SOURCE) + "/tests/integration/stores/version_" +
                          std::string(GetParam()) + ".sql")
                .rdbuf();
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(store, tables.str().c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(store);
  sqlite3_close(store);

  prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt")"});
  MqttClient meter({.port = prosody.mqtt_port(), .client_identifier = "meter", .clean_session = false});
  EXPECT_EQ(meter.next_message(), (Message{.topic = node_topic, .payload = R"({"t":22})", .qos = 1}));
  MqttClient late(prosody.mqtt_port());
  ASSERT_EQ(late.subscribe("pubsub.localhost/json/hall", 1), 1);
  EXPECT_EQ(late.next_message().payload, R"({"t":21.5})");
  XmppClient romeo("romeo@localhost", account_password, prosody.c2s_port());
  EXPECT_EQ(romeo.items("node").size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(EachVersion, UpgradeFrom, testing::Values("1", "2", "3"));

// What this one writes, a later one finds: whoever changes the tables adds a file to stores/.
TEST(Upgrade, TheStoresOfAllVersionsAreKept) {
  Prosody prosody;
  prosody.start();
  MqttClient meter({.port = prosody.mqtt_port(), .client_identifier = "meter", .clean_session = false});
  ASSERT_EQ(meter.subscribe(node_topic, 1), 1);
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open(prosody.folder().path("data/pubsub_mqtt.sqlite").c_str(), &store), SQLITE_OK);
  sqlite3_busy_timeout(store, 10000);
  std::string version;
  sqlite3_exec(
      store, "PRAGMA user_version",
      [](void* text, int, char** values, char**) { return *static_cast<std::string*>(text) = values[0], 0; },
      &version, nullptr);
  sqlite3_close(store);
  EXPECT_TRUE(
      std::filesystem::exists(PUBSUB_MQTT_SOURCE "/tests/integration/stores/version_" + version + ".sql"));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
