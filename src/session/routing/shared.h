// What all sessions have in common, and each refers to. Network thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "protocol/repeated_lines.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/session/metrics.h"
#include "pubsub_mqtt/topic/mountpoint.h"
#include "routing/backlog.h"
#include "routing/pauses.h"
#include "routing/shared_groups.h"
#include "routing/system_topics.h"
#include "routing/waiting.h"

namespace pubsub_mqtt::session {

class Audiences;
class Journal;
class SessionTable;

struct Shared {
  const Limits& limits;
  std::vector<Request>& requests;  // of all, in order
  std::vector<LogLine>& log;
  RepeatedLines& repeated_lines;  // into the same log
  const SessionTable& sessions;
  Audiences& audiences;
  Backlog backlog = {};
  Waiting waiting = {};
  Pauses pauses = {};
  SharedGroups groups = {};
  SystemTopics system = {};
  Counters counters = {};
  Journal* journal = nullptr;                                     // nullptr: nothing outlives the process
  std::shared_ptr<const topic::Mountpoint> mountpoint = nullptr;  // nullptr: none
  Time now{0};  // as Sessions::look() heard it last, which is in this turn of the loop
  // Sessions whose connection ended for lack of memory, which was too little for their end as well.
  bool has_unfinished = false;
  std::size_t lacked_memory = 0;  // connections closed for that reason, of which the log says nothing yet
  // In the queues of all: of those that are not stored, and of those that are (Limits::max_total_queued_bytes).
  std::size_t queued_bytes = 0;
  std::size_t stored_bytes = 0;
};

}  // namespace pubsub_mqtt::session
