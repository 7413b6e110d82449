// What is published while the disk is full is not acknowledged, and the client is told why (docs/mapping.md, "MQTT 5.0").
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "raw_mqtt_5.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

// A filesystem of its own in place of a folder.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    if (mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=8m") != 0) {
      throw std::system_error(errno, std::generic_category(), "mount");
    }
  }
  ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void fill() const {
    std::ofstream file(filler());
    const std::string block(65536, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
  }
  void clear() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/filler"; }

  std::string path_;
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
  try {
    const SmallDisk disk(data());
    start();
    expect_success();
    disk.fill();
    EXPECT_EQ(reason_of_failure(), mqtt::Reason::quota_exceeded);
    prosody.log().wait_for("PUBLISH to .* refused: the disk that Prosody's data are on is full");
    disk.clear();
    expect_success();
    EXPECT_EQ(prosody.stop().status, 0);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::operation_not_permitted)
      GTEST_SKIP() << "only root may mount a filesystem";
    throw;
  }
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
