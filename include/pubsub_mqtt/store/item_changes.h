// Changes of Prosody's stores that follow each other, as what they leave behind: of each row its last state. What one
// of them puts and another removes is not there. A value.
//
// Where memory runs out a change is not made, and throws std::bad_alloc.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/item_rows.h"

namespace pubsub_mqtt::store {

class ItemChanges {
 public:
  using Place = std::pair<RowNumber, Position>;

  void put_store(const StoreRow& row);
  // With all its items. What is put into it afterwards is void.
  void drop_store(RowNumber store);
  // In the place of one with the same key. `replaces`: the position of that one, where it was put and is perhaps not
  // written yet; else 0.
  void put(Item item, Position replaces);
  // `was_put`: as `replaces`.
  void remove(RowNumber store, std::string_view key, Position was_put);
  void remove_up_to(RowNumber store, Position position);
  // What follows these; `later` is of no use afterwards. Where memory runs out a part of it is made, and `later` may be
  // added again.
  void add(ItemChanges& later);

  bool empty() const { return rows() == 0; }
  std::size_t rows() const;
  // About, to be written.
  std::size_t bytes() const { return bytes_; }
  // The highest that was given so far.
  Position last_position() const { return last_position_; }
  // That have changed, some of them more than once.
  std::vector<RowNumber> changed_stores() const;

  // To be written in this order: what is removed goes before what is put.
  std::vector<RowNumber> dropped_stores;
  std::map<RowNumber, StoreRow> stores;
  std::map<RowNumber, Position> removed_up_to;
  std::set<std::pair<RowNumber, std::string>> removed;
  std::map<Place, Item> items;

 private:
  void saw(Position position);
  void expect_void(Position position);
  void make_void(Place place) noexcept;
  bool erase(Place place) noexcept;
  void erase_up_to(RowNumber store, Position position) noexcept;
  void forget(RowNumber store) noexcept;
  void put_in_place(std::map<Place, Item>::node_type&& node) noexcept;

  std::vector<Place> void_;  // of items that were put before these, and are perhaps not written yet
  std::size_t bytes_ = 0;
  Position last_position_ = 0;
};

}  // namespace pubsub_mqtt::store
