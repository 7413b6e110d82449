// The direct way of a node: from publishers to subscribers on the network thread, past pubsub, while
// publishing through pubsub would be seen by nobody but MQTT (docs/architecture.md, "The direct way").
//
// Prosody's thread makes one, hands it to a publisher in the answer to a publish that it has judged
// (PublishReply::route), and withdraws it before it answers whatever ends it. The network thread looks before
// each message. Once withdrawn it stays so; a newer one is another Route. This word is the only state that
// both threads see at the same time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace pubsub_mqtt {

// A node of a pubsub host; never another node's in the life of a core.
using NodeId = std::uint64_t;

class Route {
 public:
  // Payloads of more bytes go through pubsub. `items`, `exposes_publisher`: see below.
  Route(NodeId node, std::size_t max_payload_size, std::uint64_t items = 0, bool exposes_publisher = false)
      : node_(node),
        max_payload_size_(max_payload_size),
        items_(items),
        exposes_publisher_(exposes_publisher) {}

  NodeId node() const { return node_; }
  std::size_t max_payload_size() const { return max_payload_size_; }
  // Of a node that persists: the number of the store (store/items.h) that its items are put into. 0: it does not.
  std::uint64_t items() const { return items_; }
  // The host shows who published an item (mod_pubsub's expose_publisher).
  bool exposes_publisher() const { return exposes_publisher_; }

  // Any thread.
  bool is_open() const { return open_; }
  // Prosody's thread only.
  void withdraw() { open_ = false; }

 private:
  const NodeId node_;
  const std::size_t max_payload_size_;
  const std::uint64_t items_;
  const bool exposes_publisher_;
  std::atomic<bool> open_ = true;
};

}  // namespace pubsub_mqtt
