// The store of this process: one, whoever opens it first, and never closed, since Prosody's handles of stores outlive
// the module that opened them. Prosody's thread only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/retained.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::lua {

struct ProcessStore {
  ProcessStore(store::Settings settings, store::Access access)
      : store(std::move(settings)), items(store, access), retained(store, items) {}

  store::Store store;
  store::Items items;
  bool is_open_for_items = false;  // of Prosody's
  store::RetainedRows retained;
};

// Made where there is none, not opened. Of one that is there the settings stay as they are.
ProcessStore& process_store(store::Settings settings, store::Access access);

// nullptr where there is none. It may not be open.
ProcessStore* known_process_store();
// The one that is opened for Prosody's stores; nullptr: there is none.
ProcessStore* process_store_with_items();

// Opens it for Prosody's stores, where that was not done. nullptr: it cannot be used, and `log` says why.
ProcessStore* open_process_store(store::Settings settings, store::Access access, std::vector<LogLine>& log);

}  // namespace pubsub_mqtt::lua
