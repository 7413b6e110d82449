// SQLite's own file system, but for writes that fail, and a process that dies in the midst of them.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <string>
#include <utility>

namespace pubsub_mqtt::store {

class FaultyVfs {
 public:
  static constexpr const char* name = "faulty";

  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  // Every write, truncation, deletion and synchronization fails with this from now on; SQLITE_OK: none does.
  void fail_with(int error) { error_ = error; }
  // There is no space as long as there is something in that file; empty: no file.
  void fill_with(std::string path) { filling_ = std::move(path); }
  // After so many more writes there is no space for so many.
  void fill_after(int writes, int count) {
    full_from_ = writes_ + writes;
    full_to_ = full_from_ + count;
  }
  // After so many more writes, the last of which writes a half, nothing is written any more, as if the process had
  // been killed.
  void die_after(int writes) { writes_left_ = writes; }
  bool is_dead() const { return writes_left_ == 0; }
  int writes() const { return writes_; }
  int synchronizations() const { return synchronizations_; }

  // For SQLite: what a call that changes a file comes to.
  enum class Fate { whole, half, none };
  Fate write_comes(int& error);
  bool is_filled() const;
  void synchronized() { ++synchronizations_; }

 private:
  std::atomic<int> error_ = SQLITE_OK;
  std::atomic<int> writes_left_ = -1;  // -1: without end
  std::atomic<int> writes_ = 0;
  std::string filling_;
  std::atomic<int> full_from_ = 0;
  std::atomic<int> full_to_ = 0;
  std::atomic<int> synchronizations_ = 0;
};

}  // namespace pubsub_mqtt::store
