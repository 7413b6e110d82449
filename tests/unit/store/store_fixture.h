// A store in a directory of its own.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

inline constexpr std::chrono::seconds patience{20};

// Of whoever looks into the database beside the store, whose thread may be in a commit.
inline constexpr int busy_timeout = std::chrono::milliseconds(patience).count();

// A store that runs, and what it says.
class RunningStore {
 public:
  explicit RunningStore(Settings settings) : store_(std::move(settings)), contents_(store_.open()) {
    if (!contents_) return;
    store_.start([this] {
      const std::lock_guard lock(mutex_);
      notified_.notify_all();
    });
  }

  bool is_open() const { return contents_.has_value(); }
  const Contents& contents() const { return *contents_; }
  CommitNumber post(std::vector<Change> changes, RowNumber last_number = 100) {
    return store_.post({.changes = std::move(changes), .last_number = last_number});
  }
  CommitNumber committed() const { return store_.committed(); }
  Metrics metrics() { return store_.metrics(); }
  bool await(CommitNumber number) {
    return await([&] { return store_.committed() >= number; });
  }
  // What was said so far, a line each.
  std::string log() {
    std::vector<LogLine> lines;
    store_.take_log(lines);
    const std::lock_guard lock(mutex_);
    for (const auto& line : lines) log_ += line.text + '\n';
    return log_;
  }
  bool await_log(std::string_view text) {
    return await([&] {
      std::vector<LogLine> lines;
      store_.take_log(lines);
      for (const auto& line : lines) log_ += line.text + '\n';
      return log_.find(text) != std::string::npos;
    });
  }
  void stop(std::chrono::milliseconds for_long = patience) { store_.stop(for_long); }
  template <typename Condition>
  bool await(Condition&& condition) {
    std::unique_lock lock(mutex_);
    return notified_.wait_for(lock, patience, condition);
  }
  // The page that is asked for.
  Page read(PageRequest request) {
    store_.ask(std::move(request));
    std::vector<Page> pages;
    await([&] {
      store_.take_pages(pages);
      return !pages.empty();
    });
    return pages.empty() ? Page() : std::move(pages[0]);
  }
  Store& store() { return store_; }

 private:
  std::mutex mutex_;
  std::condition_variable notified_;
  std::string log_;
  Store store_;
  std::optional<Contents> contents_;
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = std::filesystem::temp_directory_path() / "store-XXXXXX";
    directory = mkdtemp(name.data());
  }
  ~StoreTest() override { std::filesystem::remove_all(directory); }

  std::string path() const { return directory / "store.sqlite"; }
  Settings settings() const {
    return {.path = path(),
            .durability = Durability::process,
            .reserve = 65536,
            .try_again_after = std::chrono::milliseconds(10)};
  }

  std::filesystem::path directory;
};

inline void run_sql(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  sqlite3_busy_timeout(handle, busy_timeout);
  EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

// Another process that writes to the database, until this is over.
class OtherWriter {
 public:
  explicit OtherWriter(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
    sqlite3_busy_timeout(handle_, busy_timeout);
    EXPECT_EQ(sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~OtherWriter() {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(handle_);
  }
  OtherWriter(const OtherWriter&) = delete;
  OtherWriter& operator=(const OtherWriter&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

// The first column of the first row. Of messages that wait the contents say little.
inline std::int64_t query(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  sqlite3_busy_timeout(handle, busy_timeout);
  EXPECT_EQ(sqlite3_prepare_v2(handle, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
  const auto value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return value;
}

inline Item new_item(RowNumber store, Position position, std::string key) {
  auto item = std::make_shared<ItemRow>();
  item->store = store;
  item->position = position;
  item->key = std::move(key);
  return item;
}

inline Put<SessionRow> new_session(RowNumber number, std::string client = "client") {
  SessionRow row{.number = number};
  row.client_identifier = std::move(client);
  row.expiry = std::chrono::hours(1);
  return {.row = std::move(row), .is_new = true};
}

inline Put<MessageRow> new_message(RowNumber number, std::string payload = "payload") {
  MessageRow row{.number = number, .audience = 1};
  row.publication = std::make_shared<const Publication>(
      Publication{.topic = "host/utf8/node", .payload = std::move(payload)});
  return {.row = std::move(row), .is_new = true};
}

inline Put<AudienceRow> new_audience(RowNumber number, std::string members = "members") {
  AudienceRow row{.number = number};
  row.members = std::move(members);
  return {.row = std::move(row), .is_new = true};
}

inline Put<InflightRow> new_inflight(RowNumber session, mqtt::PacketIdentifier packet_identifier,
                                     RowNumber message) {
  return {.row = {.session = session,
                  .packet_identifier = packet_identifier,
                  .message = message,
                  .position = message},
          .is_new = true};
}

}  // namespace pubsub_mqtt::store
