#include "pubsub_mqtt/store/counted_rows.h"

#include <string_view>

#include "database.h"
#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

constexpr std::int64_t rows_a_part = 10000;

// By the key of the table, which is never 0.
constexpr std::string_view statements[] = {
    "SELECT count(*), max(number), count(*) FROM "
    "(SELECT number FROM session WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT count(*), max(number), count(*) FROM "
    "(SELECT number FROM message WHERE number > ? ORDER BY number LIMIT ?)",
    // What has ended has a row, too.
    "SELECT count(*), max(rowid), count(*) FILTER (WHERE has_ended = 0) FROM "
    "(SELECT rowid, has_ended FROM retained WHERE rowid > ? ORDER BY rowid LIMIT ?)",
    "SELECT count(*), max(position), count(*) FROM "
    "(SELECT position FROM item WHERE position > ? ORDER BY position LIMIT ?)",
};

}  // namespace

std::optional<CountedRows> count_rows(const Settings& settings, CountedTable table, std::int64_t from) {
  Database database;
  if (database.open(settings) != SQLITE_OK) return std::nullopt;
  Statement count(database.handle(), statements[static_cast<std::size_t>(table)]);
  count.bind(from).bind(rows_a_part);
  if (!count.step()) return std::nullopt;
  const auto rows = count.integer();
  const auto last = count.integer();
  return CountedRows{.rows = static_cast<std::size_t>(count.integer()),
                     .next = rows == rows_a_part ? last : 0};
}

}  // namespace pubsub_mqtt::store
