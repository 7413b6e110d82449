// What a store holds when it is opened: what was committed by whoever had it before. A value; any thread.
#pragma once

#include <vector>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

struct Contents {
  RowNumber last_number = 0;  // no row has a higher one, nor ever had
  WallTime last_wall{0};      // of the last commit
  std::vector<SessionRow> sessions;
  std::vector<CursorRow> cursors;
  std::vector<FilterRow> filters;
  std::vector<AudienceRow> audiences;
  std::vector<MessageRow> messages;   // in the order of their numbers
  std::vector<InflightRow> inflight;  // in the order of their positions
  std::vector<ReceivedRow> received;
  std::vector<IntentRow> intents;
  std::vector<WillRow> wills;
  std::vector<CleanWillRow> clean_wills;
};

}  // namespace pubsub_mqtt::store
