// Many nodes with items in the gateway's store: what they cost of the disk and of memory. What they cost of time is the
// bench's: docs/performance.md.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "raw_session.h"
#include "running_prosody.h"
#include "sanitized.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr std::size_t nodes = 2'000;
constexpr std::size_t items = 10 * nodes;
constexpr std::size_t payload_size = 200;
constexpr std::size_t at_a_time = 100;
// What the file keeps for what comes: 1000 free pages, and the little that is in it.
constexpr std::size_t kept_free = 1100UL * 4096;
const std::size_t memory_of_items = (sanitized ? 64UL : 4UL) << 20;

const Configuration on_our_store{.component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    autocreate_on_subscribe = true)"};

std::string topic_of(std::size_t node) { return "pubsub.localhost/utf8/node" + std::to_string(node); }

class Scale : public testing::Test {
 protected:
  void restart() {
    EXPECT_EQ(prosody.stop().status, 0);
    prosody.start(on_our_store);
  }

  void create_nodes() const {
    RawMqtt client = connected(prosody.mqtt_port(), "creator");
    for (std::size_t first = 0; first < nodes; first += at_a_time) {
      std::vector<std::string> topics;
      for (std::size_t i = first; i < std::min(first + at_a_time, nodes); ++i) topics.push_back(topic_of(i));
      mqtt::Subscribe packet{.packet_identifier = 1, .subscriptions = {}};
      for (const auto& each : topics) packet.subscriptions.push_back({.topic_filter = each});
      client.send(packet);
      client.read_packet<mqtt::Suback>();
    }
  }

  void publish_items() const {
    RawMqtt client = connected(prosody.mqtt_port(), "publisher");
    const std::string payload(payload_size, 'x');
    for (std::size_t first = 0; first < items; first += at_a_time) {
      const std::size_t end = std::min(first + at_a_time, items);
      for (std::size_t i = first; i < end; ++i) {
        const std::string node_topic = topic_of(i % nodes);
        client.send(mqtt::Publish{.topic = node_topic,
                                  .payload = payload,
                                  .qos = mqtt::QoS::at_least_once,
                                  .packet_identifier = static_cast<mqtt::PacketIdentifier>(i - first + 1)});
      }
      for (std::size_t i = first; i < end; ++i) client.read_packet<mqtt::Puback>();
    }
  }

  std::string path() const { return prosody.folder().path("data/pubsub_mqtt.sqlite"); }

  std::int64_t number_in_store(const char* sql) const {
    sqlite3* handle = nullptr;
    sqlite3_open_v2(path().c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(handle, sqlite3_close);
    sqlite3_stmt* prepared = nullptr;
    sqlite3_prepare_v2(handle, sql, -1, &prepared, nullptr);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, sqlite3_finalize);
    return sqlite3_step(prepared) == SQLITE_ROW ? sqlite3_column_int64(prepared, 0) : -1;
  }
  // After a start: its write-ahead log has gone into it.
  std::size_t file_size() const { return std::filesystem::file_size(path()); }

  Prosody prosody;
};

TEST_F(Scale, AnItemTakesLittleAndGivesItBack) {
  prosody.start(on_our_store);
  create_nodes();
  restart();
  const std::size_t memory_without_items = prosody.resident_bytes();
  const std::size_t size_without_items = file_size();
  publish_items();
  restart();
  const std::size_t size_with_items = file_size();
  EXPECT_LE(size_with_items - size_without_items, items * (2 * payload_size + 150));
  EXPECT_LE(prosody.resident_bytes(), memory_without_items + memory_of_items);
  ASSERT_GT(size_with_items, kept_free);
  {
    XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
    for (std::size_t i = 0; i < nodes; ++i) admin.remove("node" + std::to_string(i));
  }
  const auto is_given_back = [&] {
    return number_in_store("SELECT count(*) FROM item") == 0 && file_size() <= kept_free;
  };
  const auto until = deadline();
  while (!is_given_back() && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_given_back()) << file_size() << " bytes of " << size_with_items;
}

}  // namespace
}  // namespace pubsub_mqtt::tests
