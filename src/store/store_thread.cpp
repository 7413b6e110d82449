#include "store_thread.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "put_aside.h"
#include "reader.h"
#include "schema.h"

namespace pubsub_mqtt::store {
namespace {

// A few milliseconds of work: who waits for a commit does not wait much longer because others have posted or asked for
// much.
constexpr std::chrono::milliseconds longest_reading{5};
constexpr std::size_t most_rows = 2000;
constexpr std::size_t most_bytes = std::size_t{4} << 20U;
// SQLite's own default.
constexpr int many_wal_pages = 1000;
constexpr std::chrono::minutes said_again_after{1};
// Of what was removed, for each time that it is tried whether there is space again.
constexpr std::chrono::milliseconds longest_sweep_where_full{100};
// The whole database is read once, so much now and then, while there is nothing else to do.
constexpr std::chrono::milliseconds checked_on_after{50};

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// The write-ahead log needs memory that processes share.
bool is_on_nfs(const std::string& path) {
  struct statfs system {};
  return ::statfs(directory_of(path).c_str(), &system) == 0 && system.f_type == NFS_SUPER_MAGIC;
}

// The memory that processes share is a file, too.
bool is_full_disk(int error) { return (error & 0xFF) == SQLITE_FULL || error == SQLITE_IOERR_SHMSIZE; }

std::string reason(int error, const std::string& said_by_sqlite) {
  switch (error & 0xFF) {
    case SQLITE_BUSY:
      return "another process has locked it";
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_NOMEM:
      return "memory has run out";
    default:
      return said_by_sqlite;
  }
}

}  // namespace

void Store::Thread::log(LogLevel level, std::string_view text) {
  log_.post(LogLine{.level = level, .text = "The store " + settings_.path + ' ' + std::string(text)});
}

bool Store::Thread::open_for_items(Access access) {
  holds_items_ = true;
  without_it_ = "what Prosody stores in it can be neither read nor written";
  if (is_open_) return true;
  if (access == Access::alone && !take_lock()) return false;
  const Opened opened = open_database(access);
  if (opened == Opened::damaged) {
    log(LogLevel::error,
        "is damaged, and left as it is: " + database_.error() +
            ". Put a copy in its place, or move it out of the way, with the files PATH-wal and "
            "PATH-shm beside it: Prosody's stores in it are then empty");
  }
  if (opened != Opened::yes) database_.close();
  return is_open_ = opened == Opened::yes;
}

std::optional<Contents> Store::Thread::open() {
  without_it_ =
      "sessions, messages that wait for them, wills and retained messages are not kept over a restart";
  if (!is_open_ && !take_lock()) return std::nullopt;
  Contents contents;
  Opened opened = is_open_ ? Opened::yes : open_database(Access::alone);
  if (opened == Opened::yes) opened = read_contents(contents);
  if (opened == Opened::damaged && !holds_items_) {
    database_.close();
    const std::string aside = put_aside(settings_.path);
    log(LogLevel::error, "is damaged. It was put aside as " + aside +
                             ", and a new one begins: sessions, messages that waited for them, wills and "
                             "retained messages are lost");
    contents = Contents();
    opened = open_database(Access::alone);
    if (opened == Opened::yes) opened = read_contents(contents);
  }
  if (opened == Opened::damaged)
    log(LogLevel::error, "is damaged, and left as it is: " + database_.error() + ". Now " + without_it_);
  if (opened == Opened::yes) {
    is_open_ = true;
    return contents;
  }
  if (!is_open_) database_.close();
  return std::nullopt;
}

bool Store::Thread::take_lock() {
  if (is_on_nfs(settings_.path)) {
    log(LogLevel::error, "is on NFS, where SQLite's write-ahead log does not work: " + without_it_ +
                             ". Name a file on a local disk with mqtt_store");
    return false;
  }
  switch (lock_.take(settings_.path)) {
    case Lock::Taken::yes:
      return true;
    case Lock::Taken::by_another:
      log(LogLevel::error, "is in use by another Prosody. With this one " + without_it_ +
                               ": give each its own with mqtt_store");
      return false;
    case Lock::Taken::failed:
      break;
  }
  log(LogLevel::error, std::string("cannot be locked: ") + std::strerror(errno) + ". Now " + without_it_);
  return false;
}

Store::Thread::Opened Store::Thread::open_database(Access access) {
  int error = database_.open(settings_);
  if (is_full_disk(error)) {
    is_full_ = true;
    lock_.free_reserve();
    error = database_.open(settings_);
  }
  if (error != SQLITE_OK) return fail_to_open(error);
  switch (tables_of(database_, error)) {
    case Tables::none:
      error = make_tables(database_);
      break;
    case Tables::of_an_older_version:
      if (access == Access::beside && lock_.take(settings_.path) != Lock::Taken::yes) {
        log(LogLevel::error,
            "is of an older version, and in use by a Prosody of that version, which is to be restarted: " +
                without_it_);
        return Opened::no;
      }
      error = bring_up_to_date(database_);
      if (access == Access::beside) lock_.release();
      break;
    case Tables::ours:
      break;
    case Tables::of_a_newer_version:
      log(LogLevel::error, "was written by a newer version of mod_pubsub_mqtt: " + without_it_ +
                               ". Upgrade, or name another file with mqtt_store");
      return Opened::no;
    case Tables::of_others:
      log(LogLevel::error,
          "is the database of something else: " + without_it_ + ". Name another file with mqtt_store");
      return Opened::no;
    case Tables::unreadable:
      break;
  }
  if (error == SQLITE_OK) error = make_later_tables(database_);
  return error == SQLITE_OK ? Opened::yes : fail_to_open(error);
}

// The thread's connection is the thread's alone.
Store::Thread::Opened Store::Thread::read_contents(Contents& contents) {
  Database own;
  if (is_started()) {
    if (const int error = own.open(settings_); error != SQLITE_OK) return fail_to_open(error);
  } else if (const int error = database_.open_again(settings_); error != SQLITE_OK) {
    return fail_to_open(error);
  }
  const int error = read(is_started() ? own : database_, settings_, contents);
  raise_last_committed(contents.last_number);
  clock_.go_on(contents.last_wall, contents.clock_ahead);
  return error == SQLITE_OK ? Opened::yes : fail_to_open(error);
}

Store::Thread::Opened Store::Thread::fail_to_open(int error) {
  if (is_damage(error)) return Opened::damaged;
  log(LogLevel::error, "cannot be opened: " + database_.error() + ". Now " + without_it_);
  return Opened::no;
}

// Prosody's signals are Prosody's thread's.
bool Store::Thread::start(std::function<void()> notify) {
  {
    const std::lock_guard lock(notify_mutex_);
    if (notify) notify_ = std::move(notify);
  }
  if (is_started()) return true;
  stops_at_.reset();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

void Store::Thread::close_before_fork() {
  if (is_started()) return;
  page_reader_.reset();
  writer_.reset();
  database_.close();
}

CommitNumber Store::Thread::post(Unit&& unit) {
  if (!is_started()) {
    commit_at_once(std::move(unit));
    return last_posted_;
  }
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(unit));
  if (posted_.size() == 1) wake_.notify_one();
  return ++last_posted_;
}

void Store::Thread::gather() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(gathers_, true)) wake_.notify_one();
}

// What was posted before is committed first, so that a page has it.
void Store::Thread::ask(PageRequest&& request) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(std::move(request));
  if (asked_.size() == 1) wake_.notify_one();
}

// What could not be committed before goes along.
void Store::Thread::commit_at_once(Unit&& unit) {
  taken_.push_back(std::move(unit));
  ++last_posted_;
  guard([this] {
    fill_group();
    int error = prepare();
    if (error == SQLITE_OK) error = writer_->write(group_, {.wall = clock_.wall(), .ahead = clock_.ahead()});
    if (error == SQLITE_OK) return succeeded();
    is_failing_ = true;
    log(LogLevel::error, "cannot be written: " + database_.error());
  });
}

void Store::Thread::notify() {
  if (on_commit_) on_commit_();
  const std::lock_guard lock(notify_mutex_);
  if (notify_) notify_();
}

void Store::Thread::stop_notifying() {
  const std::lock_guard lock(notify_mutex_);
  notify_ = nullptr;
}

void Store::Thread::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_at_ = Clock::now() + patience;
    wake_.notify_one();
  }
  thread_.join();
}

void Store::Thread::run() {
  if (!lock_.reserve(settings_.reserve)) {
    guard([this] {
      log(LogLevel::warn,
          "has less space than its reserve of " + std::to_string(settings_.reserve >> 20U) + " MiB");
    });
    notify();
  }
  while (take()) do_turn();
  page_reader_.reset();
  writer_.reset();
  database_.move_wal_into_file();
  database_.close();
  lock_.release();
}

// Waits for something to do. Returns false where the thread is to end.
bool Store::Thread::take() {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return gathers_ || is_urgent(); };
  if (is_failing_) {
    wake_.wait_until(lock, tries_again_at_,
                     [this] { return !asked_.empty() || has_page_to_read_ || stops_at_.has_value(); });
  } else if (taken_.empty() && is_tidy_ && !has_page_to_read_) {
    if (!checker_.is_done()) {
      wake_.wait_for(lock, checked_on_after, has_work);
    } else if (!page_requests_.empty()) {
      wake_.wait_for(lock, settings_.try_again_after, has_work);
    } else {
      wake_.wait(lock, has_work);
    }
  }
  take_gathered(lock);
  tries_ = !is_failing_ || stops_at_ || Clock::now() >= tries_again_at_;
  taken_.splice(taken_.end(), posted_);
  page_requests_.splice(page_requests_.end(), asked_);
  return !is_over();
}

// With the mutex, as what follows.
bool Store::Thread::is_urgent() const { return !posted_.empty() || !asked_.empty() || stops_at_.has_value(); }

// What nobody waits for is committed with what comes meanwhile: a commit takes more of the machine than many items.
void Store::Thread::take_gathered(std::unique_lock<std::mutex>& lock) {
  if (!gathers_) return;
  if (taken_.empty() && !is_failing_ && !has_page_to_read_) {
    wake_.wait_for(lock, settings_.gathers_for, [this] { return is_urgent(); });
  }
  gathers_ = false;
  const bool is_last = stops_at_.has_value();
  lock.unlock();
  bool is_posted = false;
  guard([&] { is_posted = on_gather_(is_last); });
  if (is_failing_) notify();
  lock.lock();
  gathers_ |= !is_posted;
}

bool Store::Thread::is_over() const {
  if (!stops_at_) return false;
  return (taken_.empty() && !gathers_ && group_.leaves_nothing()) || Clock::now() >= *stops_at_;
}

void Store::Thread::do_turn() {
  guard([this] {
    fill_group();
    if (tries_) commit();
  });
  if (tries_ && is_failing_) notify();
  has_page_to_read_ = false;
  try {
    if (page_reader_ && serve_pages()) notify();
  } catch (const std::bad_alloc&) {  // what is asked for is still asked for
  }
}

// An exception would end Prosody. Where memory runs out nothing is committed, as where the disk does.
template <typename Work>
void Store::Thread::guard(Work&& work) noexcept {
  try {
    work();
  } catch (const std::bad_alloc&) {
    failed(SQLITE_NOMEM);
  }
}

int Store::Thread::prepare() {
  if (const int error = database_.open_again(settings_); error != SQLITE_OK) return error;
  if (!writer_) writer_.emplace(database_);
  if (!page_reader_) page_reader_.emplace(database_);
  return SQLITE_OK;
}

// While nothing can be written, all that comes goes into the group, where what has been removed is gone.
void Store::Thread::fill_group() {
  while (!taken_.empty() && (is_failing_ || (group_.rows() < most_rows && group_.bytes() < most_bytes))) {
    group_.add(std::move(taken_.front()), last_taken_ + 1);
    taken_.pop_front();
    ++last_taken_;
  }
}

void Store::Thread::commit() {
  if (const int error = prepare(); error != SQLITE_OK) return failed(error);
  if (last_taken_ == committed_ && !is_failing_) {
    if (!is_tidy_) {
      is_tidy_ = !tidy();
    } else if (!checker_.is_done()) {
      check_on();
    }
  } else {
    commit_group();
  }
  if (database_.wal_pages() < many_wal_pages) return;
  database_.checkpoint();
  is_tidy_ = false;
}

void Store::Thread::commit_group() {
  if (!group_.items.dropped_stores.empty() || !group_.removed_up_to.empty() ||
      !group_.passed_on_up_to.empty()) {
    is_tidy_ = false;
  }
  const int error = group_.leaves_nothing() ? SQLITE_OK : write_and_count();
  if (error == SQLITE_OK) {
    if (writer_->leaves_items()) is_tidy_ = false;
    look_for_others();
    succeeded();
  } else {
    return failed(error);
  }
  notify();
}

// A little, while there is nothing else to do. Returns whether there was something.
bool Store::Thread::tidy() { return writer_->sweep() || database_.give_back_space(); }

int Store::Thread::write_and_count() {
  const auto began = Clock::now();
  const int error = write();
  const std::chrono::nanoseconds took = Clock::now() - began;
  commit_time_ += took.count();
  ++(error == SQLITE_OK ? commits_ : failed_commits_);
  return error;
}

Metrics Store::Thread::metrics() {
  const std::lock_guard lock(mutex_);
  return {.commits = commits_,
          .failed_commits = failed_commits_,
          .commit_time = std::chrono::nanoseconds(commit_time_),
          .waiting = last_posted_ - committed_};
}

// Where the disk was full: all that frees space may be written, and the rest when the reserve is back.
int Store::Thread::write() {
  if (is_full_ && !lock_.reserve(settings_.reserve)) {
    writer_->write_removals(group_);
    const auto until = Clock::now() + longest_sweep_where_full;
    while (writer_->sweep() && Clock::now() < until) continue;
    database_.checkpoint();
    return SQLITE_FULL;
  }
  is_full_ = false;
  return writer_->write(group_, {.wall = clock_.wall(), .ahead = clock_.ahead()});
}

void Store::Thread::raise_last_committed(RowNumber number) {
  RowNumber last = last_committed_;
  while (last < number && !last_committed_.compare_exchange_weak(last, number)) continue;
}

void Store::Thread::succeeded() {
  if (is_failing_) log(LogLevel::warn, "can be written again");
  is_failing_ = false;
  said_at_.reset();
  raise_last_committed(group_.last_number());
  group_.clear();
  committed_ = last_taken_;
  committed_at_ = clock_.wall();
}

// Those that want what is not committed yet wait. Returns whether there are pages to be taken.
bool Store::Thread::serve_pages() {
  const auto until = Clock::now() + longest_reading;
  std::size_t left = page_requests_.size();
  bool has_served = false;
  for (; left > 0 && Clock::now() < until; --left) {
    const PageRequest& request = page_requests_.front();
    if (std::min<RowNumber>(request.up_to, last_committed_) > request.after && serve(request)) {
      has_served = true;
      page_requests_.pop_front();
    } else {
      page_requests_.splice(page_requests_.end(), page_requests_, page_requests_.begin());
    }
  }
  has_page_to_read_ = left > 0;
  return has_served;
}

// Returns false where it is to be tried again.
bool Store::Thread::serve(const PageRequest& request) {
  Page page;
  const int error = page_reader_->read(request, last_committed_, page);
  if (is_damage(error)) {
    page.is_damaged = true;
    page.complete_up_to = request.up_to;
  } else if (error != SQLITE_OK) {
    return false;
  }
  if (page.is_damaged) say_damaged(error, "Messages that waited for a session are lost");
  pages_.post(std::move(page));
  return true;
}

void Store::Thread::say_damaged(int error, std::string_view what_follows) {
  const auto now = Clock::now();
  if (said_damaged_at_ && now < *said_damaged_at_ + said_again_after) return;
  said_damaged_at_ = now;
  const std::string why = is_damage(error) && error != SQLITE_CORRUPT_INDEX
                              ? database_.error()
                              : "an index does not name what is in its table";
  log(LogLevel::error, "is damaged: " + why + ". " + std::string(what_follows));
}

void Store::Thread::check_on() {
  const int error = checker_.read_on(database_);
  if (!is_damage(error)) return;
  say_damaged(error,
              error == SQLITE_CORRUPT_INDEX
                  ? "Messages, retained messages or items are not found: stop Prosody, and carry out "
                    "REINDEX with sqlite3"
                  : "What is damaged cannot be read: stop Prosody and put a copy in its place, or save "
                    "what can be read with .recover of sqlite3");
  notify();
}

// What it has changed of sessions is not seen before the next start.
void Store::Thread::look_for_others() {
  const auto version = database_.data_version();
  const bool is_changed = data_version_ && *data_version_ != version;
  data_version_ = version;
  if (!is_changed) return;
  ++times_others_wrote_;
  const auto now = Clock::now();
  if (said_others_at_ && now < *said_others_at_ + said_again_after) return;
  said_others_at_ = now;
  log(LogLevel::info,
      "was changed by another process: what that has changed of sessions is seen when Prosody starts again");
}

void Store::Thread::failed(int error) {
  const bool has_become_full = is_full_disk(error) && !is_full_;
  if (has_become_full) is_full_ = true;
  is_failing_ = true;
  if (has_become_full) {
    lock_.free_reserve();
    if (writer_) writer_->write_removals(group_);
  }
  tries_again_at_ = Clock::now() + settings_.try_again_after;
  try {
    say_failing(error);
  } catch (const std::bad_alloc&) {  // it is said when it fails again
  }
}

void Store::Thread::say_failing(int error) {
  const auto now = Clock::now();
  if (said_at_ && now < *said_at_ + said_again_after) return;
  log(LogLevel::error,
      "cannot be written: " + reason(error, database_.error()) +
          ". What must be kept is not acknowledged until it can be, and its publishers wait");
  said_at_ = now;
}

}  // namespace pubsub_mqtt::store
