// Where a message stands in the store: in one row, for all sessions for which it is kept. A value; network thread only.
#pragma once

#include <cstdint>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::session {

struct StoredAudience;

// Turns of the network thread's loop in which something was to be stored, from 1.
using Turn = std::uint64_t;

// Stands for a stored session in the Journal; 0: for none.
using KeptSession = std::uint32_t;

struct StoredMessage {
  store::RowNumber number = 0;         // 0: it is not stored
  StoredAudience* audience = nullptr;  // nullptr: the turn in which it was numbered goes on
  std::uint32_t sessions = 0;          // that have it in memory, and still need it
  std::uint32_t place = 0;             // among the new messages of the turn
  // Others may need it, who have it in the store alone: its row goes with others, when all have had it.
  bool waits_in_store = false;
};

}  // namespace pubsub_mqtt::session
