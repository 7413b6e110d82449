// What the filters of one session say together of a topic: for clients whose subscriptions have options of MQTT 5.0
// (3.8.3.1), which the hub's Selection does not know. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/topic/form.h"

namespace pubsub_mqtt::session {

// What filters say together, or one alone.
struct Match {
  mqtt::QoS qos = mqtt::QoS::at_most_once;  // the highest of the filters
  bool retain_as_published = false;         // one of them wants it
  // Of all filters that have one [MQTT5-3.3.4-3], as encoded properties; nullptr: none has.
  std::shared_ptr<const std::string> identifiers = nullptr;

  // One more filter.
  void add(const Subscription& subscription);
};

// By one topic. nullopt: none does, or the filters that do have No Local.
struct Matches {
  bool is_selected = false;         // by any filter
  std::optional<Match> of_others;   // what others publish
  std::optional<Match> of_its_own;  // what the client itself publishes [MQTT5-3.8.3-3]

  // One more filter selects the topic.
  void add(const Subscription& subscription);

  // What they take in memory, in a MatchCache, about.
  std::size_t bytes() const;
};

// Those of the topics that messages came on, until the filters change or they take too much memory.
class MatchCache {
 public:
  // `find` is asked where the topic is new.
  template <typename Find>
  const Matches& get(NodeId node, topic::Form form, bool is_natural, Find&& find) {
    const std::uint64_t key = (node * topic::form_count + form.index()) * 2 + (is_natural ? 1 : 0);
    const auto found = by_topic_.find(key);
    if (found != by_topic_.end()) return found->second;
    if (bytes_ >= most_bytes) clear();
    const Matches& matches = by_topic_.emplace(key, find()).first->second;
    bytes_ += matches.bytes();
    return matches;
  }

  // Costs something even where it is empty, as it is for all but the first of many changes.
  void clear() {
    if (by_topic_.empty()) return;
    by_topic_.clear();
    bytes_ = 0;
  }

 private:
  // Less than the client's messages may take; thousands of topics, unless many filters with an identifier select each.
  static constexpr std::size_t most_bytes = MiB;

  // The hub numbers nodes one by one: nobody chooses a place here.
  std::unordered_map<std::uint64_t, Matches> by_topic_;
  std::size_t bytes_ = 0;
};

}  // namespace pubsub_mqtt::session
