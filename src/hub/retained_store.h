// What each node retains (docs/mapping.md, "Retained messages"): set, cleared, and kept by Prosody for the time after
// a restart. Prosody's thread only.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "nodes.h"
#include "pubsub_mqtt/hub/retained.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

// XEP-0060's singleton item is how pubsub shows a retained message.
inline constexpr std::string_view retained_id = "current";

class RetainedStore {
 public:
  RetainedStore(const Shared& shared, Nodes& nodes) : shared_(shared), nodes_(nodes) {}

  void set(Node& node, Retained retained);
  // Something else is `current` that MQTT does not see.
  void forget(Node& node);

  // Ends what the node retains, and sends an empty message in its place: on the topic of the clear, where a client
  // asked for it, on the natural topic of what is cleared, and on the topics that every item is on, `xml` and `any`.
  void clear(Node& node, const Envelope& envelope, std::optional<topic::Type> type_of_clear);

  // The module leaves the node's host: what it retains is in the store.
  void leave(Node& node) { drop(node); }

  // Finds out what the node retains, where that is not known yet. Returns whether it was not: then Prosody's storage
  // has been asked.
  bool know(Node& node);

  // The item `current` from before a restart, which went out live then.
  void restore_item(Node& node, Retained retained);

  // A retained message from before a restart. `node` is nullptr, or does not exist in pubsub: then it is forgotten.
  void restore(Node* node, std::string_view host, std::string_view name, Retained retained);

  // Ends one message that has expired (MQTT 5.0, 3.3.2.3.3). Nobody is told. Returns false where there is none.
  bool step();
  bool has_expired(const Retained& retained) const { return retained.envelope.expires_at <= shared_.now; }

  // Counts up with each message that is set: Node::retained_at() of the last one.
  std::uint64_t last() const { return last_; }

 private:
  struct Expiry {
    Time at{};
    std::string host;
    std::string name;
    bool operator<(const Expiry& other) const {
      return std::tie(at, host, name) < std::tie(other.at, other.host, other.name);
    }
  };
  static Expiry expiry(const Node& node);
  void keep(Node& node, Retained retained);
  void drop(Node& node);
  void end(Node& node);
  void ask_to_be_woken();

  const Shared& shared_;
  Nodes& nodes_;
  std::uint64_t last_ = 0;
  std::set<Expiry> expiries_;    // of the messages that expire
  Time wakes_at_ = Time::max();  // as PubsubService::wake_after() was asked to
};

}  // namespace pubsub_mqtt::hub
