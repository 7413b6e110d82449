// Reads what a database holds, but for messages that wait. The thread that has it only.
#pragma once

#include "database.h"
#include "pubsub_mqtt/store/contents.h"

namespace pubsub_mqtt::store {

// Returns SQLITE_OK or the error. `settings` outlive the contents.
int read(Database& database, const Settings& settings, Contents& into);

}  // namespace pubsub_mqtt::store
