// What waits for pubsub, of all sessions together: its bytes, and of each node how many publishes. Network
// thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/base/limits.h"

namespace pubsub_mqtt::session {

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

  // Publishes to the node of a topic HOST/TYPE/NODE, whatever its TYPE.
  void add_publish(std::string_view topic);
  void remove_publish(std::string_view topic);
  bool has_publish(std::string_view topic) const {
    return !publishes_.empty() && publishes_.find(topic) != publishes_.end();
  }

 private:
  // The topics of a node are equal here.
  struct NodeOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };

  std::size_t bytes_ = 0;
  bool full_ = false;
  bool has_shrunk_ = false;
  // By one of the node's topics. No hash table: who chooses the topic would choose the place in it.
  std::map<std::string, std::uint32_t, NodeOrder> publishes_;
};

}  // namespace pubsub_mqtt::session
