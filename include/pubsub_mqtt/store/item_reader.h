// Reads Prosody's stores from the database, with a connection of its own: what is committed (items.h has the rest). No
// statement stays open between two calls. Prosody's thread only. Each method throws ItemsError where the database
// cannot be read.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/item_rows.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

struct ItemsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Which items of a store.
struct ItemQuery {
  std::optional<std::string> key = std::nullopt;
  std::vector<std::string> keys = {};  // empty: any
  std::optional<std::string> with = std::nullopt;
  std::optional<double> start = std::nullopt;  // seconds since 1970, as `end` included
  std::optional<double> end = std::nullopt;
  Position after = 0;   // as `before` excluded
  Position before = 0;  // 0: to the end
  bool reverse = false;

  bool names_keys() const { return key || !keys.empty(); }
  // Those that have both.
  std::set<std::string> named_keys() const;
  // Whatever its key.
  bool matches(const ItemRow& item) const;
};

class ItemReader {
 public:
  // `settings` outlives this.
  explicit ItemReader(const Settings& settings);
  ~ItemReader();
  ItemReader(const ItemReader&) = delete;
  ItemReader& operator=(const ItemReader&) = delete;

  // The highest that was given so far; 0: none was.
  Position last_position();
  // 0: there is none.
  RowNumber find_store(const StoreName& name);
  // At most `limit`, in order. Of the query's key and keys nothing is asked.
  std::vector<Item> find(RowNumber store, const ItemQuery& query, std::size_t limit);
  // nullptr: there is none.
  Item find(RowNumber store, std::string_view key);
  std::size_t count(RowNumber store, const ItemQuery& query);
  // Of the item after which so many come; 0: there is none.
  Position position_from_end(RowNumber store, std::size_t items);
  // Users of stores with items, whose names come after `after`: some 500, in order.
  std::vector<std::string> users(const StoreName& name, const std::string& after);
  // Names of the stores of a user, or of all users.
  std::vector<std::string> names(const std::string& host, StoreKind kind,
                                 const std::optional<std::string>& user);
  // All of a user, empty ones, too.
  std::vector<StoreName> stores(const std::string& host, const std::string& user);
  // A user, and what is at that key of the store of that name.
  std::vector<std::pair<std::string, std::string>> find_in_all(const StoreName& name, std::string_view key);

  // Before a fork: SQLite's locks would not go along. Opened again when it is needed.
  void close();

 private:
  struct Connection;
  Connection& connection();

  const Settings& settings_;
  std::unique_ptr<Connection> connection_;  // nullptr: closed
};

}  // namespace pubsub_mqtt::store
