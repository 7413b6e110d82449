// What outlives the process: an SQLite database and the one thread that writes it.
//
// Whoever changes something posts a unit of changes and goes on; the thread commits all that has come, and says how
// far it has got. Units are committed in the order in which they were posted, whole, and what one unit puts and
// another removes before it was written is never written. Nobody waits for the disk; who has promised something keeps
// the promise back until its commit number has passed.
//
// What cannot be written now (a full disk, an I/O error, a lock that somebody holds, no memory) is tried again until it
// can: the log says so once a minute, and commit numbers stand still.
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
#include "pubsub_mqtt/store/pages.h"

namespace pubsub_mqtt::store {

// Of units, from 1. All up to it are committed, or none beyond.
using CommitNumber = std::uint64_t;

// A server has the store alone; `prosodyctl` changes a few items beside it.
enum class Access : std::uint8_t { alone, beside };

enum class Durability : std::uint8_t {
  disk,     // committed is: synchronized, survives a power cut
  process,  // committed is: written, survives the end of the process
};

struct Settings {
  std::string path = {};
  Durability durability = Durability::disk;
  std::size_t reserve = std::size_t{32} << 20U;  // bytes that are freed where the disk is full
  std::chrono::milliseconds try_again_after = std::chrono::seconds(1);
  std::chrono::milliseconds gathers_for{20};  // what nobody waits for: see gather()
  const char* vfs = nullptr;                  // of SQLite's, for tests; nullptr: the system's
  WallTime (*wall_clock)() = nullptr;         // likewise
};

// Counters, which only grow, and what there is now (docs/metrics.md).
struct Metrics {
  std::uint64_t commits = 0;
  std::uint64_t failed_commits = 0;         // they are tried again
  std::chrono::nanoseconds commit_time{0};  // that all of them took, failed ones included
  std::uint64_t waiting = 0;                // units that were posted and are not committed
};

class Store {
 public:
  explicit Store(Settings settings);
  // Stops, if that was not done.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Opens the database, or makes one, for Prosody's stores (items.h). One that is damaged is left as it is, since
  // Prosody would take an empty one for the truth. One of an older version is left as it is where this is `beside` a
  // server that has it. False: it cannot be used, and take_log() says why.
  bool open_for_items(Access access);

  // Opens the database, where that was not done, or makes one, and reads what is of sessions, but for messages that
  // wait, on the caller's thread. One that is damaged is put aside under another name, unless it holds Prosody's
  // stores. nullopt: sessions cannot be kept, and take_log() says why.
  std::optional<Contents> open();

  // Starts the thread: no process forks afterwards. `notify` is called on it whenever committed(), take_pages() or
  // take_log() have something new. Called again, it takes `notify`, where there is one, in place of the one before, and
  // does no more. False: the system has given no thread.
  bool start(std::function<void()> notify);

  // Before a fork, where the thread was not started: SQLite's locks would not go along. Opened again when it is needed.
  void close_before_fork();

  // Any thread. Returns the unit's number. Before start(), where a process may fork yet or ends soon, the unit is
  // committed when this returns, or is_failing(). Where memory runs out, `unit` is as it was.
  CommitNumber post(Unit&& unit);
  // Any thread, when the thread has started. For what nobody waits for: the thread has it posted by on_gather(), after
  // Settings::gathers_for, or at once when post(), ask() or stop() is called meanwhile.
  void gather();
  CommitNumber committed() const;
  Metrics metrics();

  // Any thread, when the thread has started. The page is read when all that was posted before is committed, or as far
  // as that is so while nothing can be written; who is notified takes it.
  void ask(PageRequest&& request);
  // Moves the pages that have been read into `into`, which must be empty.
  void take_pages(std::vector<Page>& into);
  bool is_started() const;
  // The last commit has failed.
  bool is_failing() const;
  // For lack of space: what is removed is written all the same.
  bool is_full() const;
  // The clock of which moments are in rows: that of the wall when the store was made, which goes on from there however
  // that is set. When open() has returned.
  WallTime now() const;
  // By the wall clock, when the last one that has not failed was done; 0: there was none.
  WallTime committed_at() const;
  // How often a commit has found out that another process had written before it.
  std::uint64_t times_others_wrote() const;
  // open_for_items() was called: whoever keeps sessions is not the one who stops it.
  bool holds_items() const;
  // Once, before anything is posted: `committed` is called on the thread after each commit, and after one that failed.
  // It does not throw, nor does `notify`.
  void on_commit(std::function<void()> committed);
  // Likewise: `post_gathered` is called on the thread after gather(), and calls post(). Where it returns false it is
  // called again soon, but for the last time, before the thread ends; where it throws std::bad_alloc, later, and the
  // store is failing until then.
  void on_gather(std::function<bool(bool is_last)> post_gathered);
  const Settings& settings() const;
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
