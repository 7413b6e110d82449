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

// Shared with who commits it: nobody changes it.
using Item = std::shared_ptr<const ItemRow>;

}  // namespace pubsub_mqtt::store
