// Reads pages of what waits for sessions. The store's thread only.
#pragma once

#include <vector>

#include "database.h"
#include "pubsub_mqtt/store/pages.h"
#include "statement.h"

namespace pubsub_mqtt::store {

class PageReader {
 public:
  // `database` is open, and outlives this.
  explicit PageReader(Database& database);

  // Returns SQLITE_OK or the error. The page has what is committed; `committed` is the highest number of that. Messages
  // that are damaged are left out. Where memory runs out, the page is to be read again.
  int read(const PageRequest& request, RowNumber committed, Page& into);

 private:
  int read_numbers(const PageRequest& request, Page& into);
  int read_messages(const PageRequest& request, Page& into);

  Statement find_;
  Statement message_;
  std::vector<RowNumber> numbers_;
};

}  // namespace pubsub_mqtt::store
