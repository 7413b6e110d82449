// What outlives the process: an SQLite database and the one thread that writes it.
//
// Whoever changes something posts a unit of changes and goes on; the thread commits all that has come, and says how
// far it has got. Units are committed in the order in which they were posted, whole, and what one unit puts and
// another removes before it was written is never written. Nobody waits for the disk; who has promised something keeps
// the promise back until its commit number has passed.
//
// What cannot be written now (a full disk, an I/O error, a lock that somebody holds) is tried again until it can: the
// log says so once a minute, and commit numbers stand still.
//
// Source: https://www.sqlite.org/wal.html
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/store/changes.h"
#include "pubsub_mqtt/store/contents.h"

namespace pubsub_mqtt::store {

// Of units, from 1. All up to it are committed, or none beyond.
using CommitNumber = std::uint64_t;

enum class Durability : std::uint8_t {
  disk,     // committed is: synchronized, survives a power cut
  process,  // committed is: written, survives the end of the process
};

struct Settings {
  std::string path = {};
  Durability durability = Durability::disk;
  std::size_t reserve = std::size_t{32} << 20U;  // bytes that are freed where the disk is full
  std::chrono::milliseconds try_again_after = std::chrono::seconds(1);
  const char* vfs = nullptr;  // of SQLite's, for tests; nullptr: the system's
};

class Store {
 public:
  explicit Store(Settings settings);
  // Stops, if that was not done.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Opens the database, or makes one, and reads it: a second for a million messages, on the caller's thread. One that
  // is damaged is put aside under another name. nullopt: the store cannot be used, and take_log() says why; then
  // nothing else may be called.
  std::optional<Contents> open();

  // Starts the thread: no process forks afterwards. `notify` is called on it whenever committed() or take_log() have
  // something new. False: the system has given no thread.
  bool start(std::function<void()> notify);

  // Any thread. Returns the unit's number.
  CommitNumber post(Unit unit);
  CommitNumber committed() const;
  // Any thread. Moves what waits into `into`, which must be empty.
  void take_log(std::vector<LogLine>& into);

  // Nobody is notified when this has returned.
  void stop_notifying();

  // Commits what was posted, as long as `patience` lasts, and closes the database.
  void stop(std::chrono::milliseconds patience);

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pubsub_mqtt::store
