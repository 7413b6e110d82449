// A queue that is one pointer while it is empty: most clients have nothing in flight and nothing queued. A
// value that moves; one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace pubsub_mqtt {

template <typename Item>
class Fifo {
 public:
  using Iterator = typename std::vector<Item>::iterator;
  using ConstIterator = typename std::vector<Item>::const_iterator;

  bool empty() const { return held_ == nullptr; }
  std::size_t size() const { return empty() ? 0 : held_->items.size() - held_->first; }
  Item& front() { return held_->items[held_->first]; }
  const Item& front() const { return held_->items[held_->first]; }
  Iterator begin() { return empty() ? Iterator() : held_->items.begin() + held_->offset(); }
  Iterator end() { return empty() ? Iterator() : held_->items.end(); }
  ConstIterator begin() const { return empty() ? ConstIterator() : held_->items.cbegin() + held_->offset(); }
  ConstIterator end() const { return empty() ? ConstIterator() : held_->items.cend(); }

  void push_back(Item item) {
    if (empty()) held_ = std::make_unique<Held>();
    held_->items.push_back(std::move(item));
  }

  void pop_front() {
    auto& [items, first] = *held_;
    items[first] = Item();
    ++first;
    if (first == items.size()) return held_.reset();
    // In bulk, so that each item is moved once on average.
    if (first > items.size() / 2) {
      items.erase(items.begin(), begin());
      first = 0;
    }
  }

  void erase(Iterator item) {
    if (item == begin()) return pop_front();
    held_->items.erase(item);
  }

  template <typename Predicate>
  void erase_if(Predicate predicate) {
    if (empty()) return;
    auto& [items, first] = *held_;
    items.erase(items.begin(), begin());
    first = 0;
    std::erase_if(items, predicate);
    if (items.empty()) held_.reset();
  }

  void clear() { held_.reset(); }

 private:
  struct Held {
    std::vector<Item> items;
    std::size_t first = 0;  // those before it are gone
    std::ptrdiff_t offset() const { return static_cast<std::ptrdiff_t>(first); }
  };
  std::unique_ptr<Held> held_;  // none while it is empty
};

}  // namespace pubsub_mqtt
