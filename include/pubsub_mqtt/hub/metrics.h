// What an administrator wants to know of Prosody's side (docs/metrics.md): counters, which only grow, and what there is
// now. Plain values; Prosody's thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pubsub_mqtt/mqtt/counts_by_reason.h"

namespace pubsub_mqtt::hub {

struct Metrics {
  // What clients have published, wills included, as pubsub answered.
  std::uint64_t accepted_publishes = 0;
  std::uint64_t failed_publishes = 0;  // for now: the client sends them again
  mqtt::CountsByReason refused_publishes;
  mqtt::CountsByReason refused_subscriptions;
  std::size_t retained_messages = 0;
  std::size_t retained_bytes = 0;  // of their payloads
};

}  // namespace pubsub_mqtt::hub
