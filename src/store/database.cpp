#include "database.h"

#include <fcntl.h>
#include <unistd.h>

#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

constexpr int mode = 0640;
constexpr int busy_timeout = 500;  // milliseconds
// Pages that nothing uses are given back, so many at a time, where they are more than a quarter of the file: what comes
// and goes needs them again.
constexpr std::int64_t many_free_pages = 1000;
constexpr std::int64_t free_part = 4;

int count_pages(void* wal_pages, sqlite3* /*handle*/, const char* /*name*/, int pages) {
  *static_cast<int*>(wal_pages) = pages;
  return SQLITE_OK;
}

std::int64_t pragma_value(sqlite3* handle, const char* sql) {
  Statement statement(handle, sql);
  return statement.step() ? statement.integer() : 0;
}

// SQLite's own files beside it get the mode of the database. What has it already is left as it is.
void create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd >= 0) ::close(fd);
}

}  // namespace

int Database::open(const Settings& settings) {
  create(settings.path);
  sqlite3* handle = nullptr;
  int error = sqlite3_open_v2(settings.path.c_str(), &handle,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, settings.vfs);
  handle_.reset(handle);
  if (error == SQLITE_OK) error = set_up(settings);
  if (error == SQLITE_OK) return error;
  why_closed_ = handle == nullptr ? sqlite3_errstr(error) : sqlite3_errmsg(handle);
  close();
  return error;
}

int Database::set_up(const Settings& settings) {
  sqlite3_extended_result_codes(handle(), 1);
  sqlite3_busy_timeout(handle(), busy_timeout);
  // Of a new database, and before the journal's mode: afterwards it has no effect, and yet waits for whoever writes.
  const bool is_new = pragma_value(handle(), "PRAGMA page_count") == 0;
  if (const int error = is_new ? run("PRAGMA auto_vacuum = INCREMENTAL") : SQLITE_OK; error != SQLITE_OK)
    return error;
  if (const int error = run("PRAGMA journal_mode = WAL"); error != SQLITE_OK) return error;
  const bool synchronizes = settings.durability == Durability::disk;
  if (const int error = run(synchronizes ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
      error != SQLITE_OK) {
    return error;
  }
  sqlite3_wal_hook(handle(), count_pages, &wal_pages_);  // in place of checkpoints in the midst of commits
  return SQLITE_OK;
}

int Database::run(const char* sql) { return sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr); }

std::string Database::error() const { return handle_ == nullptr ? why_closed_ : sqlite3_errmsg(handle()); }

std::int64_t Database::data_version() const { return pragma_value(handle(), "PRAGMA data_version"); }

void Database::checkpoint() {
  empty_wal();
  give_back_space();
}

bool Database::give_back_space() {
  const auto free_pages = pragma_value(handle(), "PRAGMA freelist_count");
  if (free_pages <= many_free_pages || free_pages <= pragma_value(handle(), "PRAGMA page_count") / free_part)
    return false;
  if (run("PRAGMA incremental_vacuum(1000)") != SQLITE_OK) return false;
  empty_wal();  // the file is shorter only then
  return true;
}

void Database::move_wal_into_file() {
  if (handle() != nullptr) {
    sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }
}

void Database::empty_wal() {
  sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  wal_pages_ = 0;
}

bool is_damage(int error) {
  const int primary = error & 0xFF;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

}  // namespace pubsub_mqtt::store
