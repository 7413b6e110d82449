// What each node retains (docs/mapping.md, "Retained messages"): set, cleared, and kept by Prosody for the time after
// a restart. Prosody's thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodes.h"
#include "pubsub_mqtt/hub/retained.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

// XEP-0060's singleton item is how pubsub shows a retained message.
inline constexpr std::string_view retained_id = "current";

class RetainedStore {
 public:
  explicit RetainedStore(const Shared& shared) : shared_(shared) {}

  void set(Node& node, Retained retained);
  void forget(Node& node);

  // Forgets what the node retains, and sends an empty message in its place: on the topic of the clear, where a client
  // asked for it, on the natural topic of what is cleared, and on the topic that every item is on.
  void clear(Node& node, const Envelope& envelope, std::optional<topic::Type> type_of_clear);

  // A retained message from before a restart. `node` is nullptr, or does not exist in pubsub: then it is forgotten.
  void restore(Node* node, std::string_view host, std::string_view name, Retained retained);

  // Counts up with each message that is set: Node::retained_at of the last one.
  std::uint64_t last() const { return last_; }

 private:
  const Shared& shared_;
  std::uint64_t last_ = 0;
};

}  // namespace pubsub_mqtt::hub
