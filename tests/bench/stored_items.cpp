#include "stored_items.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "monotonic_time.h"
#include "payload.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr const char* items_of_node =
    "SELECT value FROM item JOIN prosody_store ON store = number WHERE name = 'pubsub_' || ? ORDER BY "
    "position";

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

Database open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int error = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
  Database database(handle, sqlite3_close);
  if (error != SQLITE_OK) throw std::runtime_error(path + " cannot be opened");
  return database;
}

std::string_view column(sqlite3_stmt* row) {
  return {static_cast<const char*>(sqlite3_column_blob(row, 0)),
          static_cast<std::size_t>(sqlite3_column_bytes(row, 0))};
}

// The sequence number in an item's XML; UINT32_MAX: it has none.
std::uint32_t sequence_in(std::string_view xml) {
  static const std::string padding =
      make_payload(default_payload_size).substr(payload_mark.size() + stamp_size);
  const std::size_t mark = xml.find(payload_mark);
  if (mark == xml.npos || xml.size() < mark + default_payload_size) return UINT32_MAX;
  const std::string_view payload = xml.substr(mark, default_payload_size);
  if (!payload.ends_with(padding)) return UINT32_MAX;
  return read_stamp(payload.data() + payload_mark.size()).sequence;
}

std::string check(sqlite3* database, const std::string& node, std::uint32_t published,
                  std::uint32_t max_items) {
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(database, items_of_node, -1, &prepared, nullptr);
  const Statement items(prepared, sqlite3_finalize);
  sqlite3_bind_text(prepared, 1, node.c_str(), -1, SQLITE_STATIC);
  std::uint32_t due = published - std::min(published, max_items);
  while (sqlite3_step(prepared) == SQLITE_ROW) {
    const std::uint32_t sequence = sequence_in(column(prepared));
    if (sequence != due) {
      return "item " + std::to_string(sequence) + " is stored where " + std::to_string(due) + " is due";
    }
    ++due;
  }
  if (due == published) return {};
  return std::to_string(published - due) + " of " + std::to_string(published) + " items are not stored";
}

}  // namespace

std::string check_stored_items(const std::string& path, const std::string& node, std::uint32_t published,
                               std::uint32_t max_items) {
  const Database database = open(path);
  const std::uint64_t until = monotonic_time() + nanoseconds(10);
  std::string wrong = check(database.get(), node, published, max_items);
  while (!wrong.empty() && monotonic_time() < until) {
    usleep(50'000);
    wrong = check(database.get(), node, published, max_items);
  }
  return wrong;
}

std::size_t stored_bytes(const std::string& path) {
  const Database database = open(path);
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(database.get(), "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                     -1, &prepared, nullptr);
  const Statement size(prepared, sqlite3_finalize);
  if (sqlite3_step(prepared) != SQLITE_ROW) throw std::runtime_error(path + " cannot be read");
  return static_cast<std::size_t>(sqlite3_column_int64(prepared, 0));
}

}  // namespace pubsub_mqtt::bench
