// Of a store of Prosody's, what was posted, or is to be, and is perhaps not in the database yet: here both are called
// posted. And how many items there are, so that what is to be removed to make room is known without a look into the
// database: of a store that is complete, the key and position of each; of one with too many for that, how many there
// are at most. With the mutex of Items.
#pragma once

#include <cstddef>
#include <cstdint>
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
  // Some 170 bytes each.
  static constexpr std::size_t most_complete = 10000;

  // What was posted with that key: an item, or nullptr for its removal. nullopt: nothing.
  std::optional<Item> find(std::string_view key) const;
  Position removed_up_to() const { return removed_up_to_; }
  // Where what has that key is, or would be: until something else is set or removed.
  class Place;
  Place place(std::string_view key);
  // Of the item there that was posted and is not settled; 0: there is none.
  Position posted(const Place& place) const;

  // What is known when it is posted, with all memory for that: an item that is put, or, at position 0, the removal of
  // the one with its key.
  class Prepared;
  Prepared prepare(const Item& item);
  void set(Prepared&& prepared, const Place& place, BatchNumber batch) noexcept;
  void remove_up_to(Position position, BatchNumber batch) noexcept;
  // All up to that batch is committed.
  void settle(BatchNumber committed);

  PostedItems posted_items() const;

  // Nothing need be known.
  bool is_empty() const { return count_ == Count::unknown && keys_.empty() && removed_up_to_ == 0; }

  // `items` are all that there are, and `keeps` are to be.
  void complete(const std::vector<Item>& items, std::size_t keeps);
  // There are no more than `most`.
  void bound(std::size_t most, std::size_t keeps);
  void forget_count();
  // So many are to be. Returns false where it is not known which of them are too many.
  bool set_keeps(std::size_t keeps);
  // Whether one more can be put, and it is known then.
  bool takes_one_more() const;
  // Of the last that is to be removed so that no more are left than are to be; 0: none is.
  Position excess() const;
  std::size_t size() const { return count_ == Count::bounded ? most_ : positions_.size(); }
  // Whether one more is to make room.
  bool is_full() const { return count_ == Count::complete && positions_.size() >= keeps_; }
  // How many keys it is for which room is taken that nothing posted needs; this itself takes as much as one.
  std::size_t weight() const;
  // The highest position of what was put here; 0: nothing was.
  Position last_put() const { return last_put_; }

 private:
  enum class Count : std::uint8_t { unknown, bounded, complete };
  struct Known {
    Position position = 0;  // 0: it was removed
    BatchNumber batch = 0;  // 0: settled
    Item item = nullptr;    // nullptr: settled. Of one that was removed it has the key alone
  };
  using Keys = std::map<std::string, Known, std::less<>>;
  using Positions = std::map<Position, Keys::iterator>;

  bool is_settled(const Item& item, BatchNumber committed);
  void forget(Keys::iterator place);
  bool is_too_many(std::size_t size) const;

  Keys keys_;
  Positions positions_;  // of those that are there
  // As they were put and removed; some were so again since, or not after all, for lack of memory.
  std::vector<Item> unsettled_;
  std::size_t settled_ = 0;    // how many at its begin are not there any more
  Keys::node_type spare_key_;  // of what was removed last, for what is put next
  Positions::node_type spare_position_;
  Position last_put_ = 0;
  Position removed_up_to_ = 0;
  BatchNumber removal_ = 0;
  Count count_ = Count::unknown;
  std::size_t most_ = 0;  // where it is bounded
  std::size_t keeps_ = 0;
};

class KnownItems::Place {
 private:
  friend class KnownItems;
  Keys::iterator next_;  // that is not before it
  bool is_taken_ = false;
};

class KnownItems::Prepared {
 public:
  const std::string& key() const { return key_.key(); }

 private:
  friend class KnownItems;
  Keys::node_type key_;
  Positions::node_type position_;  // none where it is a removal
};

}  // namespace pubsub_mqtt::store
