// Writes what changes of Prosody's stores. Inside the transaction of Writer, the store's thread only.
#pragma once

#include "database.h"
#include "item_changes.h"
#include "statement.h"

namespace pubsub_mqtt::store {

class ItemWriter {
 public:
  // `database` is open, and outlives this.
  explicit ItemWriter(Database& database);

  // Both return SQLITE_OK or the error.
  int remove(const ItemChanges& changes);
  int put(const ItemChanges& changes);

  // Removes some items of stores that were dropped. Returns true where there are more.
  bool sweep();

 private:
  int put(const StoreRow& row);
  int put(const ItemRow& row);

  Statement drop_store_;
  Statement drop_items_;
  Statement remove_up_to_;
  Statement remove_;
  Statement put_store_;
  Statement put_item_;
  Statement put_position_;
  Statement first_dropped_;
  Statement sweep_;
  Statement count_swept_;
  Statement forget_dropped_;
};

}  // namespace pubsub_mqtt::store
