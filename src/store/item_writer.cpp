#include "item_writer.h"

#include <cstddef>
#include <limits>
#include <string_view>

#include "wrapping.h"

namespace pubsub_mqtt::store {
namespace {

// Items in one transaction: a few milliseconds. A store costs as much as an item.
constexpr std::int64_t swept_at_once = 500;

}  // namespace

// Nothing is put into a store that is no more: what is posted for it may come after its end.
ItemWriter::ItemWriter(Database& database)
    : database_(database),
      drop_store_(database.handle(), "DELETE FROM prosody_store WHERE number = ?"),
      drop_items_(database.handle(), "INSERT OR IGNORE INTO dropped_store VALUES (?)"),
      remove_up_to_(
          database.handle(),
          "DELETE FROM item WHERE store = ?1 AND position <= ifnull((SELECT position FROM item WHERE "
          "store = ?1 AND position <= ?2 ORDER BY position LIMIT 1 OFFSET ?3 - 1), ?2)"),
      note_removal_(database.handle(),
                    "INSERT INTO removed_up_to VALUES (?, ?) ON CONFLICT DO UPDATE SET position = "
                    "max(position, excluded.position)"),
      remove_(database.handle(), "DELETE FROM item WHERE store = ? AND key = ?"),
      put_store_(database.handle(), "REPLACE INTO prosody_store VALUES (?, ?, ?, ?, ?)"),
      put_item_(database.handle(),
                "REPLACE INTO item (position, store, key, at, \"with\", value, wrapping) "
                "SELECT ?2, ?1, ?3, ?4, ?5, ?6, ?7 "
                "WHERE EXISTS (SELECT 1 FROM prosody_store WHERE number = ?1)"),
      put_position_(database.handle(), "UPDATE last_position SET position = max(position, ?)"),
      first_removal_(database.handle(),
                     "SELECT number, 0x7FFFFFFFFFFFFFFF FROM dropped_store UNION ALL "
                     "SELECT store, position FROM removed_up_to LIMIT 1"),
      forget_dropped_(database.handle(), "DELETE FROM dropped_store WHERE number = ?"),
      forget_removal_(database.handle(), "DELETE FROM removed_up_to WHERE store = ?") {}

int ItemWriter::remove(const ItemChanges& changes) {
  return remove(changes, [](RowNumber /*store*/) { return true; });
}

int ItemWriter::remove_where_none_is_put(const ItemChanges& changes) {
  return remove(changes, [&](RowNumber store) {
    const auto first = changes.items.lower_bound({store, 0});
    return first == changes.items.end() || first->first.first != store;
  });
}

// As many more go as are put, so that what is to be swept does not become more and more under load.
template <typename Filter>
int ItemWriter::remove(const ItemChanges& changes, Filter&& is_wanted) {
  const auto at_once = swept_at_once + static_cast<std::int64_t>(changes.items.size());
  int error = SQLITE_OK;
  for (const RowNumber store : changes.dropped_stores) {
    if (error == SQLITE_OK) error = drop_store_.bind(integer(store)).run();
    if (error == SQLITE_OK) error = drop_items_.bind(integer(store)).run();
  }
  for (const auto& [store, position] : changes.removed_up_to) {
    if (error == SQLITE_OK && is_wanted(store)) error = remove_up_to(store, position, at_once);
  }
  for (const auto& [store, key] : changes.removed) {
    if (error == SQLITE_OK && is_wanted(store)) error = remove_.bind(integer(store)).bind(key).run();
  }
  return error;
}

int ItemWriter::put(const ItemChanges& changes) {
  int error = SQLITE_OK;
  for (const auto& [number, row] : changes.stores) {
    if (error == SQLITE_OK) error = put(row);
  }
  for (const auto& [place, item] : changes.items) {
    if (error == SQLITE_OK) error = put(*item);
  }
  if (error == SQLITE_OK && changes.last_position() != 0) {
    error = put_position_.bind(integer(changes.last_position())).run();
  }
  return error;
}

int ItemWriter::put(const StoreRow& row) {
  return put_store_.bind(integer(row.number))
      .bind(row.name.host)
      .bind(std::int64_t{static_cast<std::uint8_t>(row.name.kind)})
      .bind(row.name.name)
      .bind(row.name.user)
      .run();
}

int ItemWriter::put(const ItemRow& row) {
  put_item_.bind(integer(row.store)).bind(integer(row.position)).bind(row.key).bind(row.at);
  if (row.with) {
    put_item_.bind(*row.with);
  } else {
    put_item_.bind_null();
  }
  const std::size_t number = wrapping_of(row.value);
  const Wrapping& wrapping = wrappings[number];
  const std::string_view value = row.value;
  const auto inside =
      value.substr(wrapping.before.size(), value.size() - wrapping.before.size() - wrapping.after.size());
  return put_item_.bind_blob(inside).bind(integer(number)).run();
}

// Of many, the others are swept, and nobody reads them meanwhile.
int ItemWriter::remove_up_to(RowNumber store, Position position, std::int64_t at_once) {
  const int error = remove_up_to_.bind(integer(store)).bind(integer(position)).bind(at_once).run();
  if (error != SQLITE_OK || sqlite3_changes64(database_.handle()) < at_once) return error;
  leaves_some_ = true;
  return note_removal_.bind(integer(store)).bind(integer(position)).run();
}

// Of a store that was dropped, all: what else was removed of it is forgotten with it.
int ItemWriter::sweep(bool& swept) {
  int error = SQLITE_OK;
  for (std::int64_t left = swept_at_once; left > 0 && error == SQLITE_OK;) {
    if (!first_removal_.step()) {
      if (first_removal_.result() != SQLITE_DONE) return first_removal_.result();
      leaves_some_ = false;
      return SQLITE_OK;
    }
    const auto store = first_removal_.integer();
    const auto position = first_removal_.integer();
    first_removal_.reset();
    swept = true;
    error = remove_up_to_.bind(store).bind(position).bind(left).run();
    const auto items = sqlite3_changes64(database_.handle());
    const bool is_dropped = position == std::numeric_limits<std::int64_t>::max();
    if (error == SQLITE_OK && items < left && is_dropped) error = forget_dropped_.bind(store).run();
    if (error == SQLITE_OK && items < left) error = forget_removal_.bind(store).run();
    left -= items + 1;
  }
  return error;
}

}  // namespace pubsub_mqtt::store
