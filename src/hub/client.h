// What the hub knows of a session. Prosody's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/hub.h"

namespace pubsub_mqtt::hub {

// The retained messages of one filter, on their way to a session.
struct Hub::Scan {
  std::string topic_filter;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  std::uint64_t since = 0;  // a newer retained message is skipped: it went out live
  NodeId position = 0;      // nodes up to this one are done
};

// What a client that subscribes has more than others.
struct Hub::Subscriber {
  // Filters by their text. Those with a wildcard are in Hub::patterns_ too.
  std::map<std::string, mqtt::QoS, std::less<>> filters;
  struct Pattern {
    topic::NodePattern pattern;  // borrows from the key
    mqtt::QoS qos = mqtt::QoS::at_most_once;
  };
  std::map<std::string, Pattern, std::less<>> patterns;

  // The SUBSCRIBE or UNSUBSCRIBE that is being carried out.
  std::vector<mqtt::FilterResult> results;
  std::size_t filters_done = 0;
  std::optional<NodeId> walked;  // nodes up to this one follow the filters

  std::list<Scan> scans;
  std::vector<RetainedMessages::Message> retained;  // the next batch
  std::size_t retained_bytes = 0;                   // of its payloads
  // As much as goes out before the session asks for more. Prosody waits while it is gathered, and each
  // session has a copy until its client has read it: so bytes count, too.
  bool has_batch() const {
    constexpr std::size_t messages = 20;
    constexpr std::size_t bytes = 65536;
    return retained.size() >= messages || retained_bytes >= bytes;
  }
  bool may_send_retained = true;  // the session has sent on the last batch
};

struct Hub::Client {
  std::string name;                        // for log lines; empty: the session is over
  std::string account;                     // bare JID; empty: without login
  std::optional<ConnectionId> failed;      // that one is being closed: a publish failed for now
  std::list<Request> waiting;              // one that is being carried out stays where it is
  std::unique_ptr<Subscriber> subscriber;  // none before the first SUBSCRIBE
};

}  // namespace pubsub_mqtt::hub
