// When connections are to be looked at next, in the order of time: 16 bytes each. Time is passed in. Network
// thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::net {

class Deadlines {
 public:
  void add(ConnectionId connection, Time at);

  // Takes one that has come; nothing: none has.
  std::optional<ConnectionId> next(Time now);

  // Of the first one.
  std::optional<Time> first() const;

  std::size_t size() const { return heap_.size(); }

  // Forgets deadlines whose connections have gone or no longer await them, where these are the most of all.
  template <typename IsThere>
  void forget_if_many(std::size_t connections, IsThere&& is_there);

 private:
  struct Entry {
    Time at;
    ConnectionId connection;
    bool operator>(const Entry& other) const { return at > other.at; }
  };
  void make_heap();

  std::vector<Entry> heap_;
};

template <typename IsThere>
void Deadlines::forget_if_many(std::size_t connections, IsThere&& is_there) {
  constexpr std::size_t few = 1000;
  if (heap_.size() < 2 * connections + few) return;
  std::erase_if(heap_, [&](const Entry& entry) { return !is_there(entry.connection, entry.at); });
  make_heap();
}

}  // namespace pubsub_mqtt::net
