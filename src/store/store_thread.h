// What the store's thread has: mailbox, database, and what it does when that cannot be written.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "checker.h"
#include "clock.h"
#include "database.h"
#include "group.h"
#include "lock.h"
#include "page_reader.h"
#include "pubsub_mqtt/boundary/mailbox.h"
#include "pubsub_mqtt/store/store.h"
#include "writer.h"

namespace pubsub_mqtt::store {

class Store::Thread {
 public:
  explicit Thread(Settings settings) : settings_(std::move(settings)), clock_(settings_.wall_clock) {}
  ~Thread() { stop(std::chrono::milliseconds(0)); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // As those of Store.
  bool open_for_items(Access access);
  std::optional<Contents> open();
  bool start(std::function<void()> notify);
  void close_before_fork();
  CommitNumber post(Unit&& unit);
  void gather();
  void ask(PageRequest&& request);
  void take_pages(std::vector<Page>& into) { pages_.take(into); }
  CommitNumber committed() const { return committed_; }
  Metrics metrics();
  bool is_started() const { return thread_.joinable(); }
  bool is_failing() const { return is_failing_; }
  bool is_full() const { return is_full_; }
  WallTime committed_at() const { return committed_at_; }
  WallTime now() const { return clock_.now(); }
  std::uint64_t times_others_wrote() const { return times_others_wrote_; }
  bool holds_items() const { return holds_items_; }
  void on_commit(std::function<void()> committed) { on_commit_ = std::move(committed); }
  void on_gather(std::function<bool(bool is_last)> post_gathered) { on_gather_ = std::move(post_gathered); }
  const Settings& settings() const { return settings_; }
  void take_log(std::vector<LogLine>& into) { log_.take(into); }
  void stop_notifying();
  void stop(std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;  // for what is waited for
  enum class Opened : std::uint8_t { yes, damaged, no };

  bool take_lock();
  Opened open_database(Access access);
  Opened read_contents(Contents& contents);
  Opened fail_to_open(int error);
  void log(LogLevel level, std::string_view text);

  void commit_at_once(Unit&& unit);
  void notify();
  void run();
  bool take();
  void take_gathered(std::unique_lock<std::mutex>& lock);
  bool is_urgent() const;
  bool is_over() const;
  void do_turn();
  template <typename Work>
  void guard(Work&& work) noexcept;
  int prepare();
  void fill_group();
  void commit();
  void commit_group();
  bool tidy();
  void succeeded();
  void raise_last_committed(RowNumber number);
  void failed(int error);
  void say_failing(int error);
  int write();
  bool serve_pages();
  bool serve(const PageRequest& request);
  void say_damaged(int error, std::string_view what_follows);
  void check_on();
  void look_for_others();
  int write_and_count();

  const Settings settings_;
  store::Clock clock_;
  bool is_open_ = false;
  bool holds_items_ = false;
  std::string without_it_;  // what follows for who opens it, where that fails
  Mailbox<LogLine> log_;
  Mailbox<Page> pages_;
  std::atomic<CommitNumber> committed_ = 0;
  std::atomic<WallTime> committed_at_ = WallTime(0);
  // Written by the thread alone.
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<std::uint64_t> failed_commits_ = 0;
  std::atomic<std::uint64_t> times_others_wrote_ = 0;
  std::atomic<std::chrono::nanoseconds::rep> commit_time_ = 0;
  std::function<void()> on_commit_;
  std::function<bool(bool is_last)> on_gather_;
  std::mutex notify_mutex_;  // while somebody is notified
  std::function<void()> notify_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable wake_;
  // With the mutex, as what follows. Of lists, since what is taken needs no memory.
  std::list<Unit> posted_;
  std::list<PageRequest> asked_;
  CommitNumber last_posted_ = 0;
  bool gathers_ = false;
  std::optional<Clock::time_point> stops_at_;

  // The thread's own, and before it starts the caller's.
  Lock lock_;
  Database database_;
  std::optional<Writer> writer_;
  std::optional<PageReader> page_reader_;
  Checker checker_;
  std::optional<std::int64_t> data_version_;  // is another when another process has written
  std::list<PageRequest> page_requests_;      // that were taken
  bool has_page_to_read_ = false;             // one of them can be answered at once
  // The highest number that was given in what is committed. Whoever opens the store reads it as well.
  std::atomic<RowNumber> last_committed_ = 0;
  std::list<Unit> taken_;
  CommitNumber last_taken_ = 0;  // as the last of the group
  Group group_;
  std::atomic<bool> is_failing_ = false;
  bool is_tidy_ = false;  // nothing is left of what is removed a few at a time, and of the space that it took
  std::atomic<bool> is_full_ = false;  // for lack of space, and the reserve is not back
  bool tries_ = true;                  // to commit, in this turn
  Clock::time_point tries_again_at_;
  std::optional<Clock::time_point> said_at_;
  std::optional<Clock::time_point> said_damaged_at_;
  std::optional<Clock::time_point> said_others_at_;
};

}  // namespace pubsub_mqtt::store
