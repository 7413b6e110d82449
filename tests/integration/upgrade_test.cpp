// Another version of the module takes the place of the one that runs, and finds what it has left.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "mqtt_client.h"
#include "prosody.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr const char* topic = "pubsub.localhost/json/node";

std::filesystem::path copy_of_the_modules(Prosody& prosody) {
  const std::filesystem::path folder = prosody.folder().path("modules");
  std::filesystem::copy(PUBSUB_MQTT_MODULES, folder, std::filesystem::copy_options::recursive);
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
  ASSERT_EQ(client.subscribe(topic, 1), 1);
  upgrade(folder);
  for (const char* module : {"pubsub_mqtt", "storage_pubsub_mqtt"}) {
    const std::size_t before = prosody.log().size();
    prosody.shell("module:reload(\"" + std::string(module) + "\", \"pubsub.localhost\")");
    prosody.log().wait_for("error\t.*Version 999\\.0 is installed, and .* goes on .*: restart Prosody",
                           before);
  }
  client.publish(topic, "1", 1);
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
  prosody.set_plugin_path(folder.string() + "\", \"" + PUBSUB_MQTT_MODULES);
  prosody.start();
  prosody.log().wait_for("warn\t.* in " + folder.string() +
                         "/mod_pubsub_mqtt\\. The copy in " PUBSUB_MQTT_MODULES
                         "/mod_pubsub_mqtt is not used");
}

}  // namespace
}  // namespace pubsub_mqtt::tests
