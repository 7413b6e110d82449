// Messages that wait for a place in the window of one client, or for the client: never sent so far. No memory before
// the first one. What they count towards is in Shared, too. Network thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "pubsub_mqtt/base/time.h"
#include "record/fifo.h"
#include "record/message.h"
#include "record/selected.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {

class Queue {
 public:
  struct Queued {
    std::shared_ptr<Message> message;
    Selected selected;
  };

  bool empty() const { return all_ == nullptr || all_->fifo.empty(); }
  std::size_t size() const { return all_ == nullptr ? 0 : all_->fifo.size(); }
  // Retained messages are not counted, since they come only when they were asked for.
  std::size_t counted() const { return size() - retained(); }
  std::size_t retained() const { return all_ == nullptr ? 0 : all_->retained; }
  // Of those that are counted.
  std::size_t bytes() const { return all_ == nullptr ? 0 : all_->bytes; }

  void push_back(Queued queued, Shared& shared) {
    if (all_ == nullptr) all_ = std::make_unique<All>();
    all_->fifo.push_back(std::move(queued));
    const Message& message = *all_->fifo.back().message;
    all_->first_expiry = std::min(all_->first_expiry, message.envelope().expires_at);
    if (message.is_retained()) {
      ++all_->retained;
    } else {
      all_->bytes += message.size();
      shared.queued_bytes += message.size();
    }
  }

  // `visit` is given each, the oldest first.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (all_ == nullptr) return;
    for (const Queued& queued : std::as_const(all_->fifo)) visit(queued);
  }

  const Queued& front() const { return all_->fifo.front(); }

  void pop_front(Shared& shared) {
    uncount(*front().message, shared);
    all_->fifo.pop_front();
  }

  template <typename Predicate>
  void erase_if(Predicate predicate, Shared& shared) {
    if (all_ == nullptr) return;
    all_->fifo.erase_if([&](const Queued& queued) {
      if (!predicate(queued)) return false;
      uncount(*queued.message, shared);
      return true;
    });
  }

  // `drop` is given each that has expired, before it goes.
  template <typename Drop>
  void drop_expired(Shared& shared, Drop&& drop) {
    if (all_ == nullptr || all_->first_expiry > shared.now) return;
    Time first = Time::max();
    erase_if(
        [&](const Queued& queued) {
          if (queued.message->has_expired(shared.now)) {
            drop(queued);
            return true;
          }
          first = std::min(first, queued.message->envelope().expires_at);
          return false;
        },
        shared);
    all_->first_expiry = first;
  }

 private:
  struct All {
    Fifo<Queued> fifo;
    std::size_t bytes = 0;
    std::size_t retained = 0;
    Time first_expiry = Time::max();  // nothing in the queue expires earlier
  };

  void uncount(const Message& message, Shared& shared) {
    if (message.is_retained()) {
      --all_->retained;
    } else {
      all_->bytes -= message.size();
      shared.queued_bytes -= message.size();
    }
  }

  std::unique_ptr<All> all_;
};

}  // namespace pubsub_mqtt::session
