// Reads a database whole. The thread that has it only.
#pragma once

#include "database.h"
#include "pubsub_mqtt/store/contents.h"

namespace pubsub_mqtt::store {

// Returns SQLITE_OK or the error. What no session needs any more is removed.
int read(Database& database, Contents& into);

}  // namespace pubsub_mqtt::store
