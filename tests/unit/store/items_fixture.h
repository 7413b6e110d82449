// Prosody's stores in a directory of their own (store_fixture.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "database.h"
#include "pubsub_mqtt/store/items.h"
#include "statement.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {

// A store of the process, and Prosody's stores in it. It commits nothing before it starts.
struct OpenItems {
  explicit OpenItems(const Settings& settings, Access access = Access::alone)
      : store(settings), is_open(store.open_for_items(access)), items(store, access) {}
  ~OpenItems() { store.stop(patience); }
  OpenItems(const OpenItems&) = delete;
  OpenItems& operator=(const OpenItems&) = delete;

  std::vector<std::string> keys(RowNumber number, const ItemQuery& query = {}, std::size_t limit = 1000) {
    std::vector<std::string> keys;
    for (const auto& item : items.find(number, query, limit)) keys.push_back(item->key);
    return keys;
  }
  void append(RowNumber number, const std::string& key, double at = 1) {
    items.append(number, key, at, std::nullopt, "value of " + key);
  }

  Store store;
  bool is_open;
  Items items;
};

class ItemsTest : public StoreTest {
 public:
  static StoreName name(const std::string& user = "", StoreKind kind = StoreKind::archive) {
    return {.host = "host", .kind = kind, .name = "store", .user = user};
  }

 protected:
  std::int64_t number_in_database(const char* sql) {
    Database database;
    database.open(settings());
    Statement statement(database.handle(), sql);
    return statement.step() ? statement.integer() : -1;
  }
};

// What goes past Prosody's thread, by a route, in turns that end with post().
class ItemsByRoute : public ItemsTest {
 protected:
  static constexpr std::size_t keeps = 3;

  void SetUp() override {
    number = open->items.find_or_make_store(name());
    open->store.start(nullptr);
    publish("first");
    open->items
        .committed();  // nothing is gathered, which the store's thread would post at a moment of its own
  }
  // As mod_pubsub does.
  void publish(const std::string& key) {
    open->append(number, key);
    open->items.truncate(number, keeps);
  }
  bool append(const std::string& key) {
    return open->items.append_by(route(), key, 1, "publisher", "value of " + key) == Appended::yes;
  }
  void append(std::initializer_list<const char*> keys) {
    for (const char* key : keys) EXPECT_TRUE(append(key)) << key;
  }
  const Route& route() {
    if (route_ == nullptr) route_ = std::make_unique<Route>(1, 100, number);
    return *route_;
  }
  std::vector<std::string> keys() { return open->keys(number); }
  std::vector<std::string> keys_after_restart() {
    open->items.post({});
    open = nullptr;
    open = std::make_unique<OpenItems>(settings());
    return keys();
  }

  std::unique_ptr<OpenItems> open = std::make_unique<OpenItems>(settings());
  RowNumber number = 0;
  std::unique_ptr<Route> route_;
};

}  // namespace pubsub_mqtt::store
