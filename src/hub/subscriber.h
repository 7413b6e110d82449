// What a client that subscribes has more than others. Prosody's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {

// The retained messages of one filter, on their way to a session.
struct Scan {
  std::string topic_filter;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  std::uint64_t since = 0;  // a newer retained message is skipped: it went out live
  NodeId position = 0;      // nodes up to this one are done
};

struct Subscriber {
  // Filters by their text. Those with a wildcard are in Audiences::patterns(), too.
  std::map<std::string, mqtt::QoS, std::less<>> filters;
  struct Pattern {
    topic::NodePattern pattern;  // borrows from the key
    mqtt::QoS qos = mqtt::QoS::at_most_once;
  };
  std::map<std::string, Pattern, std::less<>> patterns;

  std::size_t count() const { return filters.size() + patterns.size(); }
  bool has(std::string_view filter) const { return filters.contains(filter) || patterns.contains(filter); }

  // The SUBSCRIBE or UNSUBSCRIBE that is being carried out.
  std::vector<mqtt::FilterResult> results;
  std::size_t filters_done = 0;
  std::optional<NodeId> walked;  // nodes up to this one follow the filters

  std::list<Scan> scans;
  std::vector<RetainedMessages::Message> retained;  // the next batch
  std::size_t retained_bytes = 0;                   // of its payloads
  bool may_send_retained = true;                    // the session has sent on the last batch
};

}  // namespace pubsub_mqtt::hub
