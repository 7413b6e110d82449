// What is published while the disk is full is not acknowledged, and the client is told why (docs/mapping.md, "MQTT
// 5.0").
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "raw_mqtt_5.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

// The one that a folder is on. While it is full the folder is /proc, where nobody can write anything, root neither, and
// of which the system says that no space is left.
class Disk {
 public:
  explicit Disk(std::string folder) : folder_(std::move(folder)), writable_(folder_ + ".writable") {
    std::filesystem::rename(folder_, writable_);
    clear();
  }

  void fill() const { lead_to("/proc"); }
  void clear() const { lead_to(writable_); }

 private:
  void lead_to(const std::string& place) const {
    const std::string link = folder_ + ".link";
    std::filesystem::create_directory_symlink(place, link);
    std::filesystem::rename(link, folder_);
  }

  std::string folder_;
  std::string writable_;
};

// A publisher to a node that persists, on Prosody's default storage: files.
class FullDisk : public testing::Test {
 protected:
  void start() {
    prosody.start({.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true
    default_node_config = { access_model = "open" }
    mqtt_node_defaults = { access_model = "open", persist_items = true })"});
  }

  RawMqtt publish() const {
    RawMqtt client = mqtt_5::connected(prosody.mqtt_port(), {.identifier = "publisher"});
    const std::string payload(1000, 'x');
    client.send(mqtt::Publish{
        .topic = topic, .payload = payload, .qos = mqtt::QoS::at_least_once, .packet_identifier = 1});
    return client;
  }

  void expect_success() const {
    RawMqtt client = publish();
    EXPECT_FALSE(mqtt::is_error(client.read_packet<mqtt::Puback>().reason));
  }

  mqtt::Reason reason_of_failure() const {
    RawMqtt client = publish();
    return mqtt_5::reason_of_disconnect(client);
  }

  std::string data() const { return prosody.folder().path("data"); }

  Prosody prosody;
};

TEST_F(FullDisk, IsToldFromOtherTrouble) {
  const Disk disk(data());
  start();
  expect_success();
  disk.fill();
  EXPECT_EQ(reason_of_failure(), mqtt::Reason::quota_exceeded);
  disk.clear();
  prosody.log().wait_for("PUBLISH to .* refused: the disk that Prosody's data are on is full");
  expect_success();
  EXPECT_EQ(prosody.stop().status, 0);
}

TEST_F(FullDisk, IsNotWhatElseMayFail) {
  start();
  expect_success();
  std::vector<std::filesystem::path> lists;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data())) {
    if (entry.path().extension() == ".list") lists.push_back(entry.path());
  }
  ASSERT_EQ(lists.size(), 1U);
  std::filesystem::remove(lists[0]);
  std::filesystem::create_directory(lists[0]);
  EXPECT_EQ(reason_of_failure(), mqtt::Reason::implementation_specific_error);
  std::filesystem::remove(lists[0]);
  expect_success();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
