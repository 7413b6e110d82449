// What the storage driver keeps for Prosody: stores, as Prosody calls them, and what is in them. Values; any thread.
//
// A store holds items, in the order of their positions. Of a key-value store the items are the keys of a user's table;
// time and `with` say nothing there.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

// Grows from item to item, and over restarts: microseconds since 1970, doubled, or one more than the last. Numbers of
// stores are positions, too: none is ever given twice.
using Position = std::uint64_t;

enum class StoreKind : std::uint8_t { keyval = 0, archive = 1 };

struct StoreName {
  std::string host;
  StoreKind kind = StoreKind::keyval;
  std::string name;
  std::string user;  // empty: the host's own

  auto operator<=>(const StoreName&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct StoreRow {
  RowNumber number = 0;
  StoreName name = {};
};

struct ItemRow {
  RowNumber store = 0;
  Position position = 0;
  std::string key = {};  // one item of a store has it
  double at = 0;         // seconds since 1970
  std::optional<std::string> with = std::nullopt;
  std::string value = {};

  // About, in the database.
  std::size_t size() const { return key.size() + (with ? with->size() : 0) + value.size() + 64; }
};

// What is posted of them.
struct PutStore {
  StoreRow row;
};
// With all its items. What is put into it afterwards is void.
struct DropStore {
  RowNumber store = 0;
};
// In the place of one with the same key. `replaces`: the position of that one, where it was posted and is perhaps not
// written yet; else 0.
struct PutItem {
  std::shared_ptr<const ItemRow> item;
  Position replaces = 0;
};
struct RemoveItem {
  RowNumber store = 0;
  std::string key = {};
  Position posted = 0;  // as `replaces`
};
struct RemoveItemsUpTo {
  RowNumber store = 0;
  Position position = 0;
};

}  // namespace pubsub_mqtt::store
