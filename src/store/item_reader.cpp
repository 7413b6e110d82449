#include "pubsub_mqtt/store/item_reader.h"

#include <limits>

#include "database.h"
#include "statement.h"
#include "wrapping.h"

namespace pubsub_mqtt::store {
namespace {

// Of names at once.
constexpr std::int64_t page = 500;

// What a store has up to there was removed, and is swept later.
#define REMOVED_OF(store) "ifnull((SELECT position FROM removed_up_to AS r WHERE r.store = " store "), 0) "
#define ITEMS_OF(store) "store = " store " AND position > " REMOVED_OF(store)
#define ITEMS_OF_FIRST ITEMS_OF("?1")
#define ITEMS_OF_NUMBER ITEMS_OF("number")
// Of two limits one would be looked for alone, and the rest read.
#define ITEM_CONDITIONS \
  "WHERE store = ?1 AND position > max(?2, " REMOVED_OF("?1") ") AND position < ?3 AND " \
  "(?4 IS NULL OR \"with\" = ?4) AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at <= ?6)"
#define ITEM_COLUMNS "position, key, at, \"with\", value, wrapping FROM item "

std::int64_t number_of(StoreKind kind) { return std::int64_t{static_cast<std::uint8_t>(kind)}; }

void bind_conditions(Statement& statement, RowNumber store, const ItemQuery& query) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  statement.bind(integer(store)).bind(integer(query.after));
  statement.bind(query.before == 0 ? most : integer(query.before));
  if (query.with) {
    statement.bind(*query.with);
  } else {
    statement.bind_null();
  }
  for (const auto& time : {query.start, query.end}) {
    if (time) {
      statement.bind(*time);
    } else {
      statement.bind_null();
    }
  }
}

// Of its two columns. Of a number that is none the value is as it stands: somebody else has written it.
std::string value(Statement& row) {
  std::string value(row.bytes());
  const auto number = static_cast<std::size_t>(row.integer());
  if (number == 0 || number >= wrappings.size()) return value;
  value.insert(0, wrappings[number].before);
  value += wrappings[number].after;
  return value;
}

Item item(RowNumber store, Statement& row) {
  auto read = std::make_shared<ItemRow>();
  read->store = store;
  read->position = static_cast<Position>(row.integer());
  read->key = row.bytes();
  read->at = row.real();
  const bool is_null = row.next_is_null();
  const auto with = row.bytes();
  if (!is_null) read->with = with;
  read->value = value(row);
  return read;
}

Database opened(const Settings& settings) {
  Database database;
  if (database.open(settings) != SQLITE_OK) {
    throw ItemsError("The store cannot be opened: " + database.error());
  }
  return database;
}

}  // namespace

struct ItemReader::Connection {
  explicit Connection(const Settings& settings);

  // No statement stays open.
  template <typename Work>
  void for_each_row(Statement& statement, Work&& work) {
    try {
      while (statement.step()) work(statement);
    } catch (...) {
      statement.reset();
      throw;
    }
    if (statement.result() != SQLITE_DONE) throw ItemsError("The store cannot be read: " + database.error());
  }
  Position position(Statement& statement) {
    Position position = 0;
    for_each_row(statement, [&](Statement& row) { position = static_cast<Position>(row.integer()); });
    return position;
  }

  Database database;
  Statement last_position;
  Statement find_store;
  Statement find;
  Statement find_reversed;
  Statement find_key;
  Statement count;
  Statement position_from_end;
  Statement users;
  Statement names;
  Statement stores;
  Statement find_in_all;
};

ItemReader::Connection::Connection(const Settings& settings)
    : database(opened(settings)),
      last_position(database.handle(), "SELECT position FROM last_position"),
      find_store(database.handle(),
                 "SELECT number FROM prosody_store WHERE host = ? AND kind = ? AND name = ? AND user = ?"),
      find(database.handle(), "SELECT " ITEM_COLUMNS ITEM_CONDITIONS " ORDER BY position LIMIT ?7"),
      find_reversed(database.handle(),
                    "SELECT " ITEM_COLUMNS ITEM_CONDITIONS " ORDER BY position DESC LIMIT ?7"),
      find_key(database.handle(), "SELECT " ITEM_COLUMNS "WHERE " ITEMS_OF_FIRST "AND key = ?2"),
      count(database.handle(), "SELECT count(*) FROM item " ITEM_CONDITIONS),
      position_from_end(database.handle(), "SELECT position FROM item WHERE " ITEMS_OF_FIRST
                                           "ORDER BY position DESC LIMIT 1 OFFSET ?2"),
      users(database.handle(),
            "SELECT user FROM prosody_store WHERE host = ? AND kind = ? AND name = ? AND user > ? AND "
            "EXISTS (SELECT 1 FROM item WHERE " ITEMS_OF_NUMBER ") ORDER BY user LIMIT ?"),
      names(database.handle(),
            "SELECT DISTINCT name FROM prosody_store WHERE host = ?1 AND kind = ?2 AND (user = ?3 OR "
            "?3 IS NULL AND user <> '') AND EXISTS (SELECT 1 FROM item WHERE " ITEMS_OF_NUMBER ")"),
      stores(database.handle(), "SELECT kind, name FROM prosody_store WHERE host = ? AND user = ?"),
      find_in_all(database.handle(),
                  "SELECT user, value, wrapping FROM prosody_store JOIN item ON " ITEMS_OF_NUMBER
                  "WHERE host = ? AND kind = ? AND name = ? AND key = ?") {}

bool ItemQuery::matches(const ItemRow& item) const {
  return item.position > after && (before == 0 || item.position < before) && (!with || item.with == with) &&
         (!start || item.at >= *start) && (!end || item.at <= *end);
}

std::set<std::string> ItemQuery::named_keys() const {
  std::set<std::string> named(keys.begin(), keys.end());
  if (!key) return named;
  if (!named.empty() && !named.contains(*key)) return {};
  return {*key};
}

ItemReader::ItemReader(const Settings& settings) : settings_(settings) {}
ItemReader::~ItemReader() = default;

ItemReader::Connection& ItemReader::connection() {
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(settings_);
  return *connection_;
}

void ItemReader::close() { connection_.reset(); }

Position ItemReader::last_position() {
  Connection& from = connection();
  return from.position(from.last_position);
}

Position ItemReader::position_from_end(RowNumber store, std::size_t items) {
  Connection& from = connection();
  return from.position(from.position_from_end.bind(integer(store)).bind(integer(items)));
}

RowNumber ItemReader::find_store(const StoreName& name) {
  RowNumber number = 0;
  Connection& from = connection();
  auto& statement = from.find_store;
  statement.bind(name.host).bind(number_of(name.kind)).bind(name.name).bind(name.user);
  from.for_each_row(statement, [&](Statement& row) { number = static_cast<RowNumber>(row.integer()); });
  return number;
}

std::vector<Item> ItemReader::find(RowNumber store, const ItemQuery& query, std::size_t limit) {
  std::vector<Item> items;
  Connection& from = connection();
  auto& statement = query.reverse ? from.find_reversed : from.find;
  bind_conditions(statement, store, query);
  statement.bind(integer(limit));
  from.for_each_row(statement, [&](Statement& row) { items.push_back(item(store, row)); });
  return items;
}

Item ItemReader::find(RowNumber store, std::string_view key) {
  Item found;
  Connection& from = connection();
  auto& statement = from.find_key;
  statement.bind(integer(store)).bind(key);
  from.for_each_row(statement, [&](Statement& row) { found = item(store, row); });
  return found;
}

std::size_t ItemReader::count(RowNumber store, const ItemQuery& query) {
  std::size_t count = 0;
  if (query.names_keys()) {
    for (const auto& key : query.named_keys()) {
      const Item item = find(store, key);
      if (item != nullptr && query.matches(*item)) ++count;
    }
    return count;
  }
  Connection& from = connection();
  auto& statement = from.count;
  bind_conditions(statement, store, query);
  from.for_each_row(statement, [&](Statement& row) { count = static_cast<std::size_t>(row.integer()); });
  return count;
}

std::vector<std::string> ItemReader::users(const StoreName& name, const std::string& after) {
  std::vector<std::string> users;
  Connection& from = connection();
  auto& statement = from.users;
  statement.bind(name.host).bind(number_of(name.kind)).bind(name.name).bind(after).bind(page);
  from.for_each_row(statement, [&](Statement& row) { users.emplace_back(row.bytes()); });
  return users;
}

std::vector<std::string> ItemReader::names(const std::string& host, StoreKind kind,
                                           const std::optional<std::string>& user) {
  std::vector<std::string> names;
  Connection& from = connection();
  auto& statement = from.names;
  statement.bind(host).bind(number_of(kind));
  if (user) {
    statement.bind(*user);
  } else {
    statement.bind_null();
  }
  from.for_each_row(statement, [&](Statement& row) { names.emplace_back(row.bytes()); });
  return names;
}

std::vector<StoreName> ItemReader::stores(const std::string& host, const std::string& user) {
  std::vector<StoreName> stores;
  Connection& from = connection();
  auto& statement = from.stores;
  statement.bind(host).bind(user);
  from.for_each_row(statement, [&](Statement& row) {
    const auto kind = static_cast<StoreKind>(row.integer());
    stores.push_back({.host = host, .kind = kind, .name = std::string(row.bytes()), .user = user});
  });
  return stores;
}

std::vector<std::pair<std::string, std::string>> ItemReader::find_in_all(const StoreName& name,
                                                                         std::string_view key) {
  std::vector<std::pair<std::string, std::string>> found;
  Connection& from = connection();
  auto& statement = from.find_in_all;
  statement.bind(name.host).bind(number_of(name.kind)).bind(name.name).bind(key);
  from.for_each_row(statement, [&](Statement& row) {
    std::string user(row.bytes());
    found.emplace_back(std::move(user), value(row));
  });
  return found;
}

}  // namespace pubsub_mqtt::store
