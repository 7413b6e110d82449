// What is posted to the store. Values; any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "pubsub_mqtt/store/item_changes.h"
#include "pubsub_mqtt/store/retained_rows.h"
#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

// The row is there from now on, in the place of one with the same key. `is_new`: there is none, so that a removal in
// the same commit leaves nothing to be written.
template <typename Row>
struct Put {
  Row row;
  bool is_new = false;
};

// With all that is of it, but for messages.
struct RemoveSession {
  RowNumber session = 0;
};
struct RemoveFilter {
  RowNumber session = 0;
  TopicFilter topic_filter;
};
struct RemoveAudience {
  RowNumber audience = 0;
};
// `is_passed_on`: another row comes in its place, in this unit, and it does not go without that.
struct RemoveMessage {
  RowNumber message = 0;
  bool is_passed_on = false;
};
// All messages of the audience up to this one: a few at a time, some after the commit. Where the process ends before,
// they are still there. `is_passed_on`: as above for some of them, in this unit or one before it.
struct RemoveMessagesUpTo {
  RowNumber audience = 0;
  RowNumber message = 0;
  bool is_passed_on = false;
};
struct RemoveInflight {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
};
struct RemoveReceived {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
};
struct RemoveIntent {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
};
// Pubsub has accepted that item. Void where the packet identifier has another intent by now, or none.
struct CarriedOut {
  RowNumber session = 0;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::string item = {};
};
struct RemoveWill {
  RowNumber session = 0;
};
struct RemoveCleanWill {
  RowNumber number = 0;
};

using Change =
    std::variant<Put<SessionRow>, RemoveSession, CursorRow, Put<FilterRow>, RemoveFilter, Put<AudienceRow>,
                 RemoveAudience, Put<MessageRow>, RemoveMessage, RemoveMessagesUpTo, Put<InflightRow>,
                 RemoveInflight, Put<ReceivedRow>, RemoveReceived, Put<WillRow>, RemoveWill, ItemChanges,
                 Put<IntentRow>, RemoveIntent, CarriedOut, Put<CleanWillRow>, RemoveCleanWill, PutRetained,
                 RemoveRetained, TakeOver>;

// Changes that are committed together, or not at all.
struct Unit {
  std::vector<Change> changes;
  RowNumber last_number = 0;  // the highest that was given so far
};

}  // namespace pubsub_mqtt::store
