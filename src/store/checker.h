// Reads the whole database once, its indexes with it, a few rows at a time, so that damage is found before what is
// damaged is needed. The store's thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "database.h"

namespace pubsub_mqtt::store {

class Checker {
 public:
  // All was read, or something could not be.
  bool is_done() const { return is_done_; }
  // Reads a few milliseconds' worth on. Returns SQLITE_OK or the error, after which nothing more is read:
  // SQLITE_CORRUPT_INDEX where an index does not name all rows of its table.
  int read_on(Database& database);

 private:
  int read_rows(Database& database);

  std::size_t table_ = 0;      // that is being read
  std::int64_t last_row_ = 0;  // of it that was read, with those before
  bool is_done_ = false;
};

}  // namespace pubsub_mqtt::store
