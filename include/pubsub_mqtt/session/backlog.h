// What waits for pubsub, of all sessions together: its bytes, and of each node how many publishes. Network
// thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/session/limits.h"

namespace pubsub_mqtt::session {

// The network thread's name for the node of a topic, HOST/TYPE/NODE, whatever the TYPE. Two nodes may share
// one: then each waits for the other.
std::size_t node_key(std::string_view topic);

class Backlog {
 public:
  // Publishes, wills included, SUBSCRIBEs and UNSUBSCRIBEs.
  void add(std::size_t bytes, const Limits& limits) {
    bytes_ += bytes;
    full_ = full_ || bytes_ > limits.max_pending_bytes;
  }
  // Half empty before anybody is read from again.
  void remove(std::size_t bytes, const Limits& limits) {
    bytes_ -= bytes;
    if (!full_ || bytes_ > limits.max_pending_bytes / 2) return;
    full_ = false;
    has_shrunk_ = true;
  }
  bool is_full() const { return full_; }
  // True once after that has passed.
  bool has_shrunk() { return std::exchange(has_shrunk_, false); }

  // Publishes to a node.
  void add_publish(std::size_t node) { ++publishes_[node]; }
  void remove_publish(std::size_t node) {
    const auto found = publishes_.find(node);
    if (found != publishes_.end() && --found->second == 0) publishes_.erase(found);
  }
  bool has_publish(std::size_t node) const { return publishes_.contains(node); }

 private:
  std::size_t bytes_ = 0;
  bool full_ = false;
  bool has_shrunk_ = false;
  // By node_key(). No hash table: who chooses the topic would choose the place in it.
  std::map<std::size_t, std::uint32_t> publishes_;
};

}  // namespace pubsub_mqtt::session
