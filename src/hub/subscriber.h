// What a client that subscribes has more than others. Prosody's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "nodes.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {

// The retained messages of one filter, on their way to a session.
struct Scan {
  TopicFilter topic_filter;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  std::uint64_t since = 0;     // a newer retained message is skipped: it went out live
  NodePosition position = {};  // nodes up to this one are done
  bool is_read = false;        // without a wildcard: the node is done
};

// A topic::GroupFilter, kept.
struct StoredFilter {
  StoredFilter() = default;
  explicit StoredFilter(const topic::GroupFilter& of)
      : filter(of.filter), group(of.group), is_mounted(of.is_mounted) {}
  operator topic::GroupFilter() const {  // NOLINT(*-explicit-*)
    return {.group = group, .filter = filter, .is_mounted = is_mounted};
  }

  bool is_shared() const { return !group.empty(); }

  std::string filter;
  std::string group;  // empty: for the client alone
  bool is_mounted = false;
};

// Equal filters stand side by side, whoever shares them, those for the client alone first.
struct FilterOrder {
  using is_transparent = void;
  bool operator()(const topic::GroupFilter& a, const topic::GroupFilter& b) const {
    return std::tie(a.filter, a.group, a.is_mounted) < std::tie(b.filter, b.group, b.is_mounted);
  }
};

struct Subscriber {
  // Those with a wildcard are in Audiences::patterns(), too.
  std::map<StoredFilter, mqtt::QoS, FilterOrder> filters;
  struct Pattern {
    topic::NodePattern pattern;  // borrows from the key
    mqtt::QoS qos = mqtt::QoS::at_most_once;
    bool is_followed = false;  // by the nodes: false while the SUBSCRIBE is carried out
    bool was_lowered = false;  // its QoS, since then
  };
  std::map<StoredFilter, Pattern, FilterOrder> patterns;

  std::size_t count() const { return filters.size() + patterns.size(); }
  bool has(const topic::GroupFilter& filter) const {
    return filters.contains(filter) || patterns.contains(filter);
  }

  // The SUBSCRIBE or UNSUBSCRIBE that is being carried out.
  struct Progress {
    std::vector<mqtt::Reason> results;                 // of the filters of a SUBSCRIBE so far
    std::vector<bool> are_new;                         // these filters were not subscribed before it
    std::string_view reason_string;                    // why the first of them was refused
    std::set<std::string, std::less<>> asked;          // its topics that pubsub was asked for
    StoredFilter following;                            // the patterns up to this one are followed
    bool is_beyond_limit = false;                      // that one cannot be: it is being removed again
    std::set<StoredFilter, FilterOrder> beyond_limit;  // likewise, so far
    bool has_system = false;                           // one of them is about `$SYS`
    std::size_t unsubscribed = 0;                      // filters of an UNSUBSCRIBE so far
    std::optional<NodePosition> position;              // of the walk that is under way
  };
  Progress progress;
  bool is_elsewhere = false;  // nodes may be left that follow an UNSUBSCRIBE only in part

  std::list<Scan> scans;
  std::vector<RetainedMessages::Message> retained;  // the next batch
  std::size_t retained_bytes = 0;                   // of its payloads and properties
  bool may_send_retained = true;                    // the session has sent on the last batch
};

}  // namespace pubsub_mqtt::hub
