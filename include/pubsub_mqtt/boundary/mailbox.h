// The boundary between the two threads: values go in one by one or as a batch, and come out as one batch.
//
// One thread posts, one other takes; the lock is held for a move, never across a call. Nothing is refused
// here: what may wait in a mailbox is bounded where it comes from (docs/architecture.md, "Back-pressure").
#pragma once

#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace pubsub_mqtt {

template <typename Message>
class Mailbox {
 public:
  // True: the box was empty, so the taker may be asleep and must be woken.
  bool post(Message message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    return messages_.size() == 1;
  }

  // As above; leaves `batch` empty, with its capacity.
  bool post(std::vector<Message>& batch) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = messages_.empty();
    if (was_empty) {
      messages_.swap(batch);
    } else {
      messages_.insert(messages_.end(), std::move_iterator(batch.begin()), std::move_iterator(batch.end()));
    }
    batch.clear();
    return was_empty && !messages_.empty();
  }

  // What waits, for the one that posts; the taker may take it at any time.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

  // Everything posted so far, in order. `into` must be empty; its capacity is used again.
  void take(std::vector<Message>& into) {
    const std::lock_guard lock(mutex_);
    messages_.swap(into);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Message> messages_;
};

}  // namespace pubsub_mqtt
