// The tables, and their version. The thread that has the database only.
#pragma once

#include <cstdint>

#include "database.h"

namespace pubsub_mqtt::store {

inline constexpr int schema_version = 3;

// Makes the tables in an empty database. Returns SQLITE_OK or the error.
int make_tables(Database& database);
// Those that it lacks. The same.
int make_later_tables(Database& database);

// Makes them those of this version, where they are of an older one. Returns SQLITE_OK or the error.
int bring_up_to_date(Database& database);

enum class Tables : std::uint8_t {
  none,
  ours,
  of_an_older_version,
  of_a_newer_version,
  of_others,
  unreadable
};

// unreadable: `error` is SQLite's.
Tables tables_of(Database& database, int& error);

}  // namespace pubsub_mqtt::store
