// What all parts of the hub refer to. Prosody's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "node_names.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/once_per_client.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/hub/metrics.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/topic/mountpoint.h"

namespace pubsub_mqtt::hub {

struct Shared {
  PubsubService& service;
  const Limits& limits;
  const NodeNames& names;
  const std::shared_ptr<const topic::Mountpoint>& mountpoint;  // nullptr: none
  const Time& now;                                             // see Hub::set_time()
  std::vector<Delivery>& deliveries;  // what the network thread must be told, in order
  OncePerClient& logged;              // causes that the log has named
  Metrics& metrics;                   // for whoever has something to count
  std::size_t& work;                  // what the step has cost so far: see work.h
};

}  // namespace pubsub_mqtt::hub
