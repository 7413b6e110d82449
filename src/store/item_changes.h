// Of units that are committed together, what changes of Prosody's stores: as Group, what they leave behind. One thread
// at a time.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/item_rows.h"

namespace pubsub_mqtt::store {

class ItemChanges {
 public:
  void add(const PutStore& change);
  void add(const DropStore& change);
  void add(const PutItem& change);
  void add(const RemoveItem& change);
  void add(const RemoveItemsUpTo& change);

  // What was put there and is void: nothing is removed for it.
  void erase(RowNumber store, Position position);
  void erase_up_to(RowNumber store, Position position);
  // All of a store that was dropped.
  void forget(RowNumber store);

  bool empty() const { return rows() == 0; }
  std::size_t rows() const;
  std::size_t bytes() const { return bytes_; }
  // The highest that was given so far.
  Position last_position() const { return last_position_; }

  // To be written in this order: what is removed goes before what is put.
  std::vector<RowNumber> dropped_stores;
  std::map<RowNumber, StoreRow> stores;
  std::map<RowNumber, Position> removed_up_to;
  std::set<std::pair<RowNumber, std::string>> removed;
  std::map<std::pair<RowNumber, Position>, std::shared_ptr<const ItemRow>> items;

 private:
  void saw(Position position);

  std::size_t bytes_ = 0;
  Position last_position_ = 0;
};

}  // namespace pubsub_mqtt::store
