// Of a store of Prosody's, what was posted and is perhaps not in the database yet. And, where it is complete, the key
// and position of each of its items: then what is to be removed to make room is known without a look into the
// database. With the mutex of Items.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/store/items.h"

namespace pubsub_mqtt::store {

// What a reader has to know of it. A value.
struct PostedItems {
  Position removed_up_to = 0;
  std::set<std::string, std::less<>> keys;  // of items that the database has not, or has otherwise
  std::vector<Item> items;                  // in order
};

class KnownItems {
 public:
  // What was posted with that key: an item, or nullptr for its removal. nullopt: nothing.
  std::optional<Item> find(std::string_view key) const;
  Position removed_up_to() const { return removed_up_to_; }
  // Of the item that was posted with that key and is not settled; 0: there is none.
  Position posted(std::string_view key) const;

  void put(Item item, CommitNumber number);
  void remove(std::string_view key, CommitNumber number);
  void remove_up_to(Position position, CommitNumber number);
  // All up to that number is committed.
  void settle(CommitNumber committed);

  PostedItems posted_items() const;

  // Nothing need be known.
  bool is_empty() const { return !is_complete_ && keys_.empty() && removed_up_to_ == 0; }
  bool is_complete() const { return is_complete_; }
  // `items` are all that there are.
  void complete(const std::vector<Item>& items);
  void forget_settled();
  // Where it is complete.
  std::size_t size() const { return positions_.size(); }
  // Of the last that is to be removed so that `keep`, fewer than there are, are left.
  Position last_before(std::size_t keep) const;

 private:
  struct Known {
    Position position = 0;    // 0: it was removed
    CommitNumber number = 0;  // 0: settled
    Item item = nullptr;
  };
  using Keys = std::map<std::string, Known, std::less<>>;

  void forget(Keys::iterator place);

  Keys keys_;
  std::map<Position, Keys::iterator> positions_;  // of those that are there
  Position removed_up_to_ = 0;
  CommitNumber removal_ = 0;
  bool is_complete_ = false;
};

}  // namespace pubsub_mqtt::store
