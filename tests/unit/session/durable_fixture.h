// Processes, one after the other, each with sessions and a real store, and turns that end when the test says so.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.h"
#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::session {

using mqtt::QoS;

inline constexpr NodeId node = 7;
inline constexpr std::string_view topic = "h/utf8/n";

// How far the wall clock has been set.
inline std::atomic<std::chrono::hours> wall_is_set = std::chrono::hours(0);

inline store::WallTime wall() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<store::WallTime>(now) + wall_is_set.load();
}

// A process: sessions, and the store that they are written into.
class Process {
 public:
  explicit Process(const std::string& path)
      : store({.path = path, .durability = store::Durability::process, .wall_clock = wall}),
        items(store, store::Access::alone) {
    auto contents = store.open();
    EXPECT_TRUE(contents.has_value());
    server.requests.reserve(100);
    server.sessions.keep(store, items, std::move(contents), Time(1000));
    EXPECT_TRUE(store.start([this] {
      const std::lock_guard lock(mutex_);
      notified_.notify_all();
    }));
    server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
  }
  // The items outlive the store's thread.
  ~Process() { store.stop(std::chrono::seconds(20)); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The turn ends, and what it has changed is committed; nobody has heard of that yet.
  void commit() {
    server.sessions.post_changes();
    const auto last = store.post({});
    std::unique_lock lock(mutex_);
    notified_.wait_for(lock, std::chrono::seconds(20), [&] { return store.committed() >= last; });
  }
  void commit_and_tell() {
    commit();
    server.sessions.keep_promises();
  }
  // Turns pass, in which what the store has read comes.
  template <typename Condition>
  bool await(Condition&& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      server.sessions.post_changes();
      server.sessions.keep_promises();
      if (condition()) return true;
      std::unique_lock lock(mutex_);
      notified_.wait_for(lock, std::chrono::milliseconds(5));
    }
    return false;
  }

  void listen(const Client& client, QoS qos) {
    AudienceChange change{.node = node, .session = client.session(), .selection = {}};
    change.selection.natural = qos;
    server.sessions.handle(change);
  }
  void publish(std::string payload, QoS qos, SessionId publisher = 0) {
    ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
    item.envelope = {.qos = qos, .session = publisher};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = std::move(payload);
    server.sessions.handle(std::move(item));
  }

 private:
  std::mutex mutex_;
  std::condition_variable notified_;

 public:
  store::Store store;
  store::Items items;
  Server server;
};

class DurableTest : public testing::Test {
 protected:
  DurableTest() {
    wall_is_set = std::chrono::hours(0);
    std::string name = std::filesystem::temp_directory_path() / "durable-XXXXXX";
    directory = mkdtemp(name.data());
    begin();
  }
  ~DurableTest() override {
    processes.clear();
    std::filesystem::remove_all(directory);
  }

  // Clients of an earlier one refer to it to their end.
  void begin() {
    processes.push_back(std::make_unique<Process>(directory / "store.sqlite"));
    process = processes.back().get();
  }
  // Ends without a word, when all that was posted is committed.
  void begin_again() {
    process->server.sessions.post_changes();
    process->store.stop(std::chrono::seconds(20));
    begin();
  }
  // What a process that begins now finds.
  store::Contents stored() {
    process->store.stop(std::chrono::seconds(20));
    const std::string path = directory / "store.sqlite";
    auto contents = store::Store({.path = path}).open();
    return contents ? std::move(*contents) : store::Contents();
  }
  // The messages that it finds then, in their order, those that wait among them.
  std::vector<std::string> stored_payloads() const {
    sqlite3* handle = nullptr;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_open((directory / "store.sqlite").c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(
        sqlite3_prepare_v2(handle, "SELECT payload FROM message ORDER BY number", -1, &statement, nullptr),
        SQLITE_OK);
    std::vector<std::string> payloads;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      payloads.emplace_back(static_cast<const char*>(sqlite3_column_blob(statement, 0)),
                            static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return payloads;
  }
  Server& server() { return process->server; }

  void connect(Client& client, std::string_view identifier) {
    client.connect_again(identifier);
    client.outbox.take();
  }

  std::filesystem::path directory;
  std::vector<std::unique_ptr<Process>> processes;
  Process* process = nullptr;
};

inline std::string publish_bytes(std::string_view payload, QoS qos, mqtt::PacketIdentifier packet_identifier,
                                 bool dup = false) {
  return bytes_of(mqtt::Publish{
      .topic = topic, .payload = payload, .qos = qos, .dup = dup, .packet_identifier = packet_identifier});
}

}  // namespace pubsub_mqtt::session
