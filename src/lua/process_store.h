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

// Opens the store for Prosody's stores, where that was not done. nullptr: it cannot be used, and `log` says why. Of one
// that is open already the settings stay as they are.
ProcessStore* open_process_store(store::Settings settings, store::Access access, std::vector<LogLine>& log);

}  // namespace pubsub_mqtt::lua
