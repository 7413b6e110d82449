// Messages that wait for a place in the window of one client, or for the client: never sent so far. No memory before
// the first one. Of a session that is stored the first ones are in memory, which are about to be sent, and the others
// in the store alone, where all of them are: "paged". What they count towards is a total of all queues, which is the
// caller's, and always the same one for a queue. Network thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "pubsub_mqtt/base/time.h"
#include "record/fifo.h"
#include "record/message.h"
#include "record/selected.h"

namespace pubsub_mqtt::session {

class Queue {
 public:
  struct Queued {
    std::shared_ptr<Message> message;
    Selected selected;
  };

  // So many, and their bytes. Retained messages count apart and their bytes do not, since they come only when they were
  // asked for.
  struct Count {
    std::size_t messages = 0;
    std::size_t retained = 0;  // of these
    std::size_t bytes = 0;

    void add(const Message& message) {
      ++messages;
      message.is_retained() ? void(++retained) : void(bytes += message.size());
    }
    // One that an earlier process has paged may not be known as retained.
    void remove(const Message& message) {
      if (messages > 0) --messages;
      if (!message.is_retained()) {
        bytes -= std::min(bytes, message.size());
      } else if (retained > 0) {
        --retained;
      }
      retained = std::min(retained, messages);
    }
  };

  bool empty() const { return all_ == nullptr || (all_->fifo.empty() && !all_->is_paged); }
  std::size_t size() const { return all_ == nullptr ? 0 : all_->in_memory.messages + all_->paged.messages; }
  std::size_t counted() const { return size() - retained(); }
  std::size_t retained() const {
    return all_ == nullptr ? 0 : all_->in_memory.retained + all_->paged.retained;
  }
  std::size_t bytes() const { return all_ == nullptr ? 0 : all_->in_memory.bytes + all_->paged.bytes; }
  Count in_memory() const { return all_ == nullptr ? Count() : all_->in_memory; }
  // There are some behind those in memory: whatever comes is behind them.
  bool is_paged() const { return all_ != nullptr && all_->is_paged; }
  bool has_in_memory() const { return all_ != nullptr && !all_->fifo.empty(); }

  void push_back(Queued queued, std::size_t& total) {
    All& into = all();
    into.fifo.push_back(std::move(queued));
    const Message& message = *into.fifo.back().message;
    into.first_expiry = std::min(into.first_expiry, message.envelope().expires_at);
    count(total, [&] { into.in_memory.add(message); });
  }

  // So that push_back(), or page(), does not fail.
  void prepare() { all().fifo.prepare(); }
  void prepare_to_page() { all(); }

  // One that is in the store alone.
  void page(const Message& message, std::size_t& total) {
    all().is_paged = true;
    count(total, [&] { all_->paged.add(message); });
  }
  // So many are there, of an earlier process; or no more.
  void set_paged(bool is_paged, const Count& paged, std::size_t& total) {
    if (all_ == nullptr && !is_paged) return;
    all().is_paged = is_paged;
    count(total, [&] { all_->paged = paged; });
  }
  // The first of those is read, to be put into memory or not.
  void unpage(const Message& message, std::size_t& total) {
    count(total, [&] { all_->paged.remove(message); });
  }
  // All are. `forget` is given each that was in memory.
  template <typename Forget>
  void page_all(Forget&& forget) {
    if (!has_in_memory()) return;
    for (const Queued& queued : std::as_const(all_->fifo)) forget(queued);
    auto& [messages, retained, bytes] = all_->paged;
    messages += all_->in_memory.messages;
    retained += all_->in_memory.retained;
    bytes += all_->in_memory.bytes;
    all_->in_memory = {};
    all_->is_paged = true;
    all_->fifo.clear();
  }

  // `visit` is given each that is in memory, the oldest first.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (all_ == nullptr) return;
    for (const Queued& queued : std::as_const(all_->fifo)) visit(queued);
  }

  // Of those in memory.
  const Queued& front() const { return all_->fifo.front(); }

  void pop_front(std::size_t& total) {
    count(total, [&] { all_->in_memory.remove(*front().message); });
    all_->fifo.pop_front();
  }

  template <typename Predicate>
  void erase_if(Predicate predicate, std::size_t& total) {
    if (all_ == nullptr) return;
    all_->fifo.erase_if([&](const Queued& queued) {
      if (!predicate(queued)) return false;
      count(total, [&] { all_->in_memory.remove(*queued.message); });
      return true;
    });
  }

  // `drop` is given each that has expired by now, before it goes.
  template <typename Drop>
  void drop_expired(Time now, std::size_t& total, Drop&& drop) {
    if (all_ == nullptr || all_->first_expiry > now) return;
    Time first = Time::max();
    erase_if(
        [&](const Queued& queued) {
          if (queued.message->has_expired(now)) {
            drop(queued);
            return true;
          }
          first = std::min(first, queued.message->envelope().expires_at);
          return false;
        },
        total);
    all_->first_expiry = first;
  }

 private:
  struct All {
    Fifo<Queued> fifo;
    Count in_memory;
    Count paged;
    bool is_paged = false;
    Time first_expiry = Time::max();  // nothing in memory expires earlier
  };

  All& all() {
    if (all_ == nullptr) all_ = std::make_unique<All>();
    return *all_;
  }

  template <typename Change>
  void count(std::size_t& total, Change&& change) {
    const std::size_t before = bytes();
    change();
    total += bytes() - before;  // which may be less than nothing: unsigned numbers wrap around
  }

  std::unique_ptr<All> all_;
};

}  // namespace pubsub_mqtt::session
