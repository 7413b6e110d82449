// What rows of the store mean in this process: messages, and how a session receives them. Network thread only.
#pragma once

#include <memory>
#include <string>

#include "durable/members.h"
#include "pubsub_mqtt/store/rows.h"
#include "record/message.h"
#include "record/selected.h"

namespace pubsub_mqtt::session {

class Audiences;
class Journal;
class SharedGroups;

struct StoredRows {
  const Journal& journal;
  Audiences& audiences;
  const SharedGroups& groups;

  // Its node has the number that it has now, or will have. nullptr: its topic means nothing to this version.
  std::shared_ptr<Message> message(const store::MessageRow& row) const;
  // How the member, whose session is of this account, receives it.
  Selected selected(const Member& member, const std::string& account, const Message& message) const;
};

}  // namespace pubsub_mqtt::session
