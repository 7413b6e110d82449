// How long the disk takes to keep what was written to it.
#pragma once

#include <string>

#include "latencies.h"

namespace pubsub_mqtt::bench {

// fdatasync(2) of 4 KiB more of a file in `folder`, as of a write-ahead log, a hundred times.
Latencies synchronizations(const std::string& folder);

}  // namespace pubsub_mqtt::bench
