#include "statement.h"

#include <new>

namespace pubsub_mqtt::store {

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  result_ = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                               &statement, nullptr);
  statement_.reset(statement);
  if (result_ == SQLITE_NOMEM) throw std::bad_alloc();
}

Statement& Statement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++next_, value);
  return *this;
}

Statement& Statement::bind(double value) {
  sqlite3_bind_double(statement_.get(), ++next_, value);
  return *this;
}

// SQLite takes a null pointer for NULL.
Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text64(statement_.get(), ++next_, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), ++next_, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null() {
  sqlite3_bind_null(statement_.get(), ++next_);
  return *this;
}

int Statement::run() {
  if (statement_ == nullptr) return result_;
  const int stepped = sqlite3_step(statement_.get());
  sqlite3_reset(statement_.get());
  next_ = 0;
  return result_ = stepped == SQLITE_DONE || stepped == SQLITE_ROW ? SQLITE_OK : stepped;
}

bool Statement::step() {
  if (statement_ == nullptr) return false;
  next_ = 0;
  result_ = sqlite3_step(statement_.get());
  if (result_ == SQLITE_ROW) return true;
  reset();
  return false;
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  next_ = 0;
}

std::int64_t Statement::integer() { return sqlite3_column_int64(statement_.get(), next_++); }

double Statement::real() { return sqlite3_column_double(statement_.get(), next_++); }

std::string_view Statement::bytes() {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), next_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), next_++));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

bool Statement::next_is_null() const { return sqlite3_column_type(statement_.get(), next_) == SQLITE_NULL; }

}  // namespace pubsub_mqtt::store
