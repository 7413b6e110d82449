// Reads Prosody's stores from the database, with a connection of its own. Prosody's thread only. Each method throws
// ItemsError where the database cannot be read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "database.h"
#include "pubsub_mqtt/store/items.h"
#include "statement.h"

namespace pubsub_mqtt::store {

class ItemReader {
 public:
  explicit ItemReader(const Settings& settings) : settings_(settings) {}

  Position last_position();
  RowNumber find_store(const StoreName& name);
  // At most `limit`, in order. Of the query's key and keys nothing is asked.
  std::vector<Item> find(RowNumber store, const ItemQuery& query, std::size_t limit);
  Item find(RowNumber store, std::string_view key);
  std::size_t count(RowNumber store, const ItemQuery& query);
  // Of the item after which so many come; 0: there is none.
  Position position_from_end(RowNumber store, std::size_t items);
  std::vector<std::string> users(const StoreName& name, const std::string& after);
  std::vector<std::string> names(const std::string& host, StoreKind kind,
                                 const std::optional<std::string>& user);
  std::vector<std::pair<std::string, std::string>> find_in_all(const StoreName& name, std::string_view key);

  // Opened again when it is needed.
  void close();

 private:
  struct Statements {
    explicit Statements(Database& database);
    Statement last_position;
    Statement find_store;
    Statement find;
    Statement find_reversed;
    Statement find_key;
    Statement count;
    Statement position_from_end;
    Statement users;
    Statement names;
    Statement find_in_all;
  };

  Statements& statements();
  Position position(Statement& statement);
  template <typename Work>
  void for_each_row(Statement& statement, Work&& work);

  const Settings& settings_;
  Database database_;
  std::optional<Statements> statements_;
};

}  // namespace pubsub_mqtt::store
