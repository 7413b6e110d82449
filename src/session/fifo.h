// A queue that holds no memory while it is empty: most sessions have nothing in flight and nothing queued.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace pubsub_mqtt::session {

template <typename Item>
class Fifo {
 public:
  using Iterator = typename std::vector<Item>::iterator;

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size() - first_; }
  Item& front() { return items_[first_]; }
  Iterator begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  Iterator end() { return items_.end(); }
  auto begin() const { return items_.cbegin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() const { return items_.cend(); }

  void push_back(Item item) { items_.push_back(std::move(item)); }

  void pop_front() {
    items_[first_] = Item();
    ++first_;
    if (first_ == items_.size()) return release();
    // In bulk, so that each item is moved once on average.
    if (first_ > items_.size() / 2) {
      items_.erase(items_.begin(), begin());
      first_ = 0;
    }
  }

  void erase(Iterator item) {
    if (item == begin()) return pop_front();
    items_.erase(item);
  }

  template <typename Predicate>
  void erase_if(Predicate predicate) {
    items_.erase(items_.begin(), begin());
    first_ = 0;
    std::erase_if(items_, predicate);
    if (items_.empty()) release();
  }

 private:
  void release() {
    std::vector<Item>().swap(items_);
    first_ = 0;
  }

  std::vector<Item> items_;
  std::size_t first_ = 0;  // those before it are gone
};

}  // namespace pubsub_mqtt::session
