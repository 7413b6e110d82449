// The store of this process: one, whoever opens it first, and never closed, since Prosody's handles of stores outlive
// the module that opened them. Prosody's thread only.
#pragma once

#include <string>
#include <vector>

#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::lua {

struct ProcessStore {
  ProcessStore(store::Settings settings, store::Access access)
      : store(std::move(settings)), items(store, access) {}

  store::Store store;
  store::Items items;
};

// Made where there is none, not opened. Of one that is there the settings stay as they are.
ProcessStore& process_store(store::Settings settings, store::Access access);

// nullptr where there is none. It may not be open.
ProcessStore* known_process_store();

// Opens it for Prosody's stores, where that was not done. nullptr: it cannot be used, and `log` says why.
ProcessStore* open_process_store(store::Settings settings, store::Access access, std::vector<LogLine>& log);

}  // namespace pubsub_mqtt::lua
