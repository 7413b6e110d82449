// How many rows the database has, counted with a connection of its own: nobody waits for whoever counts, and rows are
// counted a part at a time, since a million of them take SQLite a tenth of a second. Any thread but the store's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

enum class CountedTable : std::uint8_t { session, message, retained, item };

struct CountedRows {
  std::size_t rows = 0;
  std::int64_t next = 0;  // where the next part begins; 0: this was the last one
};

// A part that takes about a millisecond, from where the part before it ended; from 0: the first one. nullopt: the
// database cannot be read.
std::optional<CountedRows> count_rows(const Settings& settings, CountedTable table, std::int64_t from);

}  // namespace pubsub_mqtt::store
