// A connection to the database, as SQLite calls it. One thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

class Database {
 public:
  // Opens the file, or makes one that its owner writes and its group reads. Returns SQLITE_OK or the error; then it is
  // closed.
  int open(const Settings& settings);
  // Where it was closed.
  int open_again(const Settings& settings) { return handle_ == nullptr ? open(settings) : SQLITE_OK; }
  void close() { handle_.reset(); }

  sqlite3* handle() const { return handle_.get(); }
  // Returns SQLITE_OK or the error.
  int run(const char* sql);
  // What SQLite says of the last error.
  std::string error() const;
  // Another one than before where another connection has written.
  std::int64_t data_version() const;
  // In the write-ahead log after the last commit.
  int wal_pages() const { return wal_pages_; }

  // Moves what the write-ahead log holds into the database, as far as no reader is in the way, and gives space back.
  void checkpoint();
  // At the end: who copies or replaces the file, and not the log beside it, has or replaces all.
  void move_wal_into_file();
  // Gives pages that nothing uses back to the file system, some at a time, while they are most of the file. Returns
  // whether there were any.
  bool give_back_space();

 private:
  int set_up(const Settings& settings);
  void empty_wal();

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string why_closed_;  // where it could not be opened
  int wal_pages_ = 0;
};

// Whether the error says that the file's contents are not what SQLite has written.
bool is_damage(int error);

}  // namespace pubsub_mqtt::store
