// What all sessions have in common, and each refers to. Network thread only.
#pragma once

#include <cstddef>
#include <vector>

#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/backlog.h"
#include "pubsub_mqtt/session/limits.h"

namespace pubsub_mqtt::session {

struct Shared {
  const Limits& limits;
  std::vector<Request>& requests;  // of all, in order
  Backlog backlog = {};
  std::size_t queued_bytes = 0;  // in the queues of all, at most Limits::max_total_queued_bytes
};

}  // namespace pubsub_mqtt::session
