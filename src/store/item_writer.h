// Writes what changes of Prosody's stores. Inside the transaction of Writer, the store's thread only.
#pragma once

#include "database.h"
#include "pubsub_mqtt/store/item_changes.h"
#include "statement.h"

namespace pubsub_mqtt::store {

class ItemWriter {
 public:
  // `database` is open, and outlives this.
  explicit ItemWriter(Database& database);

  // All return SQLITE_OK or the error.
  int remove(const ItemChanges& changes);
  // The same of stores into which nothing is put: what others lose belongs to what they get.
  int remove_where_none_is_put(const ItemChanges& changes);
  int put(const ItemChanges& changes);
  // Removes some items of stores that were dropped, and of those that too much was removed of for one transaction.
  // `swept`: whether there were any.
  int sweep(bool& swept);
  // Whether a removal has left some to that, which has not found the end of them since.
  bool leaves_some() const { return leaves_some_; }

 private:
  template <typename Filter>
  int remove(const ItemChanges& changes, Filter&& is_wanted);
  int remove_up_to(RowNumber store, Position position, std::int64_t at_once);
  int put(const StoreRow& row);
  int put(const ItemRow& row);

  Database& database_;
  Statement drop_store_;
  Statement drop_items_;
  Statement remove_up_to_;
  Statement note_removal_;
  Statement remove_;
  Statement put_store_;
  Statement put_item_;
  Statement put_position_;
  Statement first_removal_;
  Statement forget_dropped_;
  Statement forget_removal_;
  bool leaves_some_ = false;
};

}  // namespace pubsub_mqtt::store
