// First in, first out, with the link in what waits: to wait needs no memory, so it cannot fail.
#pragma once

#include <utility>

namespace pubsub_mqtt::net {

template <typename Item>
class IntrusiveQueue {
 public:
  // The base of an Item, which is in one queue at most, and in there once.
  class Link {
    friend class IntrusiveQueue;
    Item* next_ = nullptr;
  };

  void push(Item& item) noexcept {
    Item*& end = last_ != nullptr ? link(*last_).next_ : first_;
    last_ = end = &item;
  }

  // The first, which waits no more; nullptr: none waits.
  Item* pop() noexcept {
    Item* const item = first_;
    if (item == nullptr) return nullptr;
    first_ = std::exchange(link(*item).next_, nullptr);
    if (first_ == nullptr) last_ = nullptr;
    return item;
  }

 private:
  static Link& link(Item& item) { return item; }

  Item* first_ = nullptr;
  Item* last_ = nullptr;
};

}  // namespace pubsub_mqtt::net
