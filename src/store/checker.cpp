#include "checker.h"

#include <array>

#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

constexpr std::int64_t rows_at_once = 200;

// By what its rows are found, from the last one on, so many: the last one that was read, and all that is in them.
// Lengths of bytes alone would be known without the pages that have these.
constexpr auto tables = std::to_array<const char*>({
    "SELECT max(number), total(length(account || client_identifier)) FROM "
    "(SELECT * FROM session WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT max(number), total(length(members || '')) FROM "
    "(SELECT * FROM audience WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT max(number), total(length(topic || properties || payload)) FROM "
    "(SELECT * FROM message WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT max(position), total(length(key || value)) FROM "
    "(SELECT * FROM item WHERE position > ? ORDER BY position LIMIT ?)",
});

}  // namespace

int Checker::read_on(Database& database) {
  const int error = read_rows(database);
  if (error != SQLITE_OK || table_ == tables.size()) is_done_ = true;
  return error;
}

int Checker::read_rows(Database& database) {
  Statement rows(database.handle(), tables[table_]);
  if (!rows.bind(last_row_).bind(rows_at_once).step()) return rows.result();
  if (rows.next_is_null()) {
    ++table_;
    last_row_ = 0;
  } else {
    last_row_ = rows.integer();
  }
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
