// A queue that is one pointer, and holds no memory before its first item: most sessions have nothing in
// flight and nothing queued. What it allocated for its items is given back when it is empty.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace pubsub_mqtt::session {

template <typename Item>
class Fifo {
 public:
  using Iterator = typename std::vector<Item>::iterator;
  using ConstIterator = typename std::vector<Item>::const_iterator;

  bool empty() const { return size() == 0; }
  std::size_t size() const { return block_ == nullptr ? 0 : block_->items.size() - block_->first; }
  Item& front() { return block_->items[block_->first]; }
  Item& back() { return block_->items.back(); }
  Iterator begin() { return block_ == nullptr ? Iterator() : block_->begin(); }
  Iterator end() { return block_ == nullptr ? Iterator() : block_->items.end(); }
  ConstIterator begin() const { return block_ == nullptr ? ConstIterator() : block_->begin(); }
  ConstIterator end() const { return block_ == nullptr ? ConstIterator() : block_->items.cend(); }

  void push_back(Item item) {
    prepare();
    block_->items.push_back(std::move(item));
  }

  // So that push_back() does not fail.
  void prepare() {
    if (block_ == nullptr) block_ = std::make_unique<Block>();
    auto& items = block_->items;
    if (items.size() == items.capacity()) items.reserve(items.empty() ? 1 : 2 * items.size());
  }

  void pop_front() {
    auto& [items, first] = *block_;
    items[first] = Item();
    ++first;
    if (first == items.size()) return release();
    // In bulk, so that each item is moved once on average.
    if (first > items.size() / 2) {
      items.erase(items.begin(), block_->begin());
      first = 0;
    }
  }

  void erase(Iterator item) {
    if (item == begin()) return pop_front();
    block_->items.erase(item);
  }

  // Where the predicate throws, those before that one are gone or not, as it has said.
  template <typename Predicate>
  void erase_if(Predicate predicate) {
    if (block_ == nullptr) return;
    auto& [items, first] = *block_;
    items.erase(items.begin(), block_->begin());
    first = 0;
    auto kept = items.begin();
    auto item = items.begin();
    try {
      for (; item != items.end(); ++item) {
        if (predicate(std::as_const(*item))) continue;
        if (kept != item) *kept = std::move(*item);
        ++kept;
      }
    } catch (...) {
      items.erase(kept, item);
      throw;
    }
    items.erase(kept, items.end());
    if (items.empty()) release();
  }

  void clear() { block_.reset(); }

 private:
  struct Block {
    Iterator begin() { return items.begin() + static_cast<std::ptrdiff_t>(first); }

    std::vector<Item> items;
    std::size_t first = 0;  // those before it are gone
  };

  // The block itself stays: a queue that was used once is likely to be used again.
  void release() {
    std::vector<Item>().swap(block_->items);
    block_->first = 0;
  }

  std::unique_ptr<Block> block_;
};

}  // namespace pubsub_mqtt::session
