// Sessions of an earlier process, as the store holds them, begin again without a connection. Network thread only,
// before its loop runs.
#pragma once

#include "pubsub_mqtt/store/contents.h"

namespace pubsub_mqtt::session {

class Audiences;
class Journal;
class Session;
class SessionTable;
struct Shared;

struct Restored {
  SessionTable& table;
  Shared& shared;
  Audiences& audiences;
  Journal& journal;
};

// The sessions are in the table, and the hub is asked for their subscriptions. `into` is what they become part of; its
// time is now, and its journal's wall clock is set.
void restore(store::Contents&& contents, Restored into);

}  // namespace pubsub_mqtt::session
