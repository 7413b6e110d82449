// What a store holds when it is opened: what was committed by whoever had it before. A value; any thread.
//
// Messages that wait stay in the store. Of each audience that has any it is known which are the first and the last, so
// that a queue can be measured without being read.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

// A message, as far as its place in queues goes.
struct Waiting {
  RowNumber number = 0;
  Place place = {};
  std::size_t bytes = 0;  // of itself, as far as they count towards limits
};

struct WaitingMessages {
  RowNumber audience = 0;
  Waiting first = {};
  Waiting last = {};
};

struct Contents {
  RowNumber last_number = 0;  // no row has a higher one, nor ever had
  WallTime last_wall{0};      // of the last commit
  WallTime clock_ahead{0};    // of the wall clock, then: the store's clock
  std::vector<SessionRow> sessions;
  std::vector<CursorRow> cursors;
  std::vector<FilterRow> filters;
  std::vector<AudienceRow> audiences;
  std::vector<MessageRow> messages;  // those in flight, in the order of their numbers
  std::vector<WaitingMessages> waiting;
  // The first message of the audience behind that number. nullopt: there is none, or it cannot be read. Slow, and only
  // while nobody writes.
  std::function<std::optional<Waiting>(RowNumber audience, RowNumber number)> first_after;
  std::vector<InflightRow> inflight;  // in the order of their positions
  std::vector<ReceivedRow> received;
  std::vector<IntentRow> intents;
  std::vector<WillRow> wills;
  std::vector<CleanWillRow> clean_wills;
};

}  // namespace pubsub_mqtt::store
