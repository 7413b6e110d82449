// Processes that die in the midst of their writes to the store, one after the other: sessions, and the hub in front of
// a pubsub service whose items outlive them, as files do.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../hub/hub_fixture.h"
#include "../session/client.h"
#include "../store/faulty_vfs.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt {

using mqtt::QoS;
using session::Client;

constexpr Time process_begins{1000};

class StoringService final : public hub::TestService {
 public:
  void carried_out(const Intent& intent) override {
    if (dies_with_item) return;
    store->post({.changes = {store::CarriedOut{.session = intent.session,
                                               .packet_identifier = intent.packet_identifier,
                                               .item = intent.item}}});
  }

  bool dies_with_item = false;  // nobody hears more of it than its storage
  store::Store* store = nullptr;
};

class Process {
 public:
  Process(const std::string& path, StoringService& service, const store::FaultyVfs& of_store,
          std::size_t reserve)
      : vfs(of_store),
        store({.path = path,
               .durability = store::Durability::process,
               .reserve = reserve,
               .try_again_after = std::chrono::milliseconds(1),
               .vfs = store::FaultyVfs::name}),
        items(store, store::Access::alone),
        hub(service, server.limits) {
    service.hub = &hub;
    service.store = &store;
    hub.node_created("pubsub", "node");
    auto contents = store.open();
    EXPECT_TRUE(contents.has_value());
    server.sessions.keep(store, items, std::move(contents), process_begins);
    EXPECT_TRUE(store.start([this] {
      const std::lock_guard lock(mutex);
      notified.notify_all();
    }));
  }
  // The items outlive the store's thread.
  ~Process() { end(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Until all that was posted is committed and told, or it is dead.
  void run() {
    while (commit() && ask_pubsub()) continue;
  }
  // Returns false where it is dead, or is so long not able to that it is to be killed.
  bool commit() {
    server.sessions.post_changes();
    const auto last = store.post({});
    {
      std::unique_lock lock(mutex);
      notified.wait_until(lock, killed_at, [&] { return store.committed() >= last || is_over(); });
    }
    if (is_over()) return false;
    server.sessions.keep_promises();
    return true;
  }

  bool is_over() const { return vfs.is_dead() || std::chrono::steady_clock::now() > killed_at; }

  // As if it was killed: nothing is written any more.
  void end() { store.stop(std::chrono::milliseconds(0)); }

  std::mutex mutex;
  std::condition_variable notified;  // of what the store's thread has done
  const store::FaultyVfs& vfs;
  std::chrono::steady_clock::time_point killed_at = std::chrono::steady_clock::time_point::max();
  store::Store store;
  store::Items items;
  session::Server server;
  hub::Hub hub;

  // Returns false where there is nothing to ask.
  bool ask_pubsub() {
    if (server.requests.empty()) return false;
    hub.accept(server.requests);
    while (hub.step()) continue;
    std::vector<Delivery> deliveries;
    hub.take_deliveries(deliveries);
    for (auto& each : deliveries) server.sessions.handle(std::move(each));
    return true;
  }
};

class ProcessFixture : public ::testing::Test {
 protected:
  ProcessFixture() {
    std::string name = std::filesystem::temp_directory_path() / "process-XXXXXX";
    directory = mkdtemp(name.data());
    begin();
  }
  ~ProcessFixture() override {
    processes.clear();
    std::filesystem::remove_all(directory);
  }

  // Where there was a process before, it is killed: what it has written is there. Its clients may outlive it.
  void begin() {
    if (process != nullptr) {
      vfs.die_after(0);
      process->end();
      vfs.die_after(-1);
    }
    vfs.fill_after(0, 0);
    processes.push_back(std::make_unique<Process>(directory / "store.sqlite", service, vfs, reserve));
    process = processes.back().get();
  }
  // The same with nothing written.
  void begin_anew() {
    process->end();
    process = nullptr;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    begin();
  }
  session::Server& server() { return process->server; }
  // The disk is full, and has room for removals alone: those that may be written are.
  void fill_disk() {
    vfs.fail_with(SQLITE_FULL);
    const auto last = process->store.post({.changes = {store::TakeOver{.host = "full"}}});
    while (!process->store.is_failing()) std::this_thread::yield();
    vfs.fail_with(SQLITE_OK);
    EXPECT_LT(process->store.committed(), last);
  }
  void write_removals() {
    process->server.sessions.post_changes();
    process->store.post({});
    for (const auto tries = process->store.metrics().failed_commits + 2;
         process->store.metrics().failed_commits < tries;) {
      std::this_thread::yield();
    }
  }

  static constexpr std::size_t never_so_much = std::size_t{1} << 60U;
  std::size_t reserve = 65536;  // never_so_much: a disk that was full stays so
  store::FaultyVfs vfs;
  StoringService service;
  std::filesystem::path directory;
  std::vector<std::unique_ptr<Process>> processes;
  Process* process = nullptr;
};

}  // namespace pubsub_mqtt
