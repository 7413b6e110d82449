// Messages, as rows of the database. The thread that has the database only.
#pragma once

#include "pubsub_mqtt/store/rows.h"
#include "statement.h"

namespace pubsub_mqtt::store {

// Takes these columns of `message`, in their order, from the row where the statement is.
inline constexpr const char* message_columns =
    "number, audience, is_retained, full_topic, topic, qos, retain, publisher, expires_at, properties, "
    "payload";
MessageRow read_message(Statement& row);

}  // namespace pubsub_mqtt::store
