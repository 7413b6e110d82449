#include "checker.h"

#include <array>

#include "statement.h"

namespace pubsub_mqtt::store {
namespace {

constexpr std::int64_t rows_at_once = 200;

// By what its rows are found, from the last one on, so many: the last one that was read, how many of them an index does
// not name, and all that is in them. Lengths of bytes alone would be known without the pages that have these. Who looks
// for a row by an index that does not name it takes it for gone, and nothing else would say so. Tables that are not
// here have no index, and are read at each start.
constexpr auto tables_in_slices = std::to_array<const char*>({
    "SELECT max(number), 0, total(length(account || client_identifier)) FROM "
    "(SELECT * FROM session WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT max(number), 0, total(length(members || '')) FROM "
    "(SELECT * FROM audience WHERE number > ? ORDER BY number LIMIT ?)",
    "SELECT max(number), total(NOT EXISTS (SELECT 1 FROM message AS named INDEXED BY message_audience "
    "WHERE named.audience = row.audience AND named.number = row.number)), "
    "total(length(topic || properties || payload)) FROM "
    "(SELECT * FROM message WHERE number > ? ORDER BY number LIMIT ?) AS row",
    "SELECT max(number), total(NOT EXISTS (SELECT 1 FROM retained AS named "
    "INDEXED BY sqlite_autoindex_retained_1 "
    "WHERE named.host = row.host AND named.node = row.node AND named.rowid = row.number)), "
    "total(length(element || properties || payload)) FROM "
    "(SELECT rowid AS number, * FROM retained WHERE rowid > ? ORDER BY rowid LIMIT ?) AS row",
    "SELECT max(number), total(NOT EXISTS (SELECT 1 FROM prosody_store AS named "
    "INDEXED BY sqlite_autoindex_prosody_store_1 WHERE named.host = row.host AND named.kind = row.kind "
    "AND named.name = row.name AND named.user = row.user AND named.number = row.number)), 0 FROM "
    "(SELECT * FROM prosody_store WHERE number > ? ORDER BY number LIMIT ?) AS row",
    "SELECT max(position), total(NOT EXISTS (SELECT 1 FROM item AS named INDEXED BY item_store "
    "WHERE named.store = row.store AND named.position = row.position) OR NOT EXISTS "
    "(SELECT 1 FROM item AS named INDEXED BY sqlite_autoindex_item_1 WHERE named.store = row.store "
    "AND named.key = row.key AND named.position = row.position)), total(length(key || value)) FROM "
    "(SELECT * FROM item WHERE position > ? ORDER BY position LIMIT ?) AS row",
});

}  // namespace

int Checker::read_on(Database& database) {
  const int error = read_rows(database);
  if (error != SQLITE_OK || table_ == tables_in_slices.size()) is_done_ = true;
  return error;
}

int Checker::read_rows(Database& database) {
  Statement rows(database.handle(), tables_in_slices[table_]);
  if (!rows.bind(last_row_).bind(rows_at_once).step()) return rows.result();
  if (rows.next_is_null()) {
    ++table_;
    last_row_ = 0;
  } else {
    last_row_ = rows.integer();
    if (rows.integer() > 0) return SQLITE_CORRUPT_INDEX;
  }
  return SQLITE_OK;
}

}  // namespace pubsub_mqtt::store
