// What the administrator is told of sessions. Network thread only.
#pragma once

#include <cstddef>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/session/client_view.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {

// A part of a millisecond's work, however many sessions there are.
ClientPage list_clients(const SessionTable& table, const ClientQuery& query, Time now);

// One in full, of its filters the first `most_filters`.
ClientDetails describe(const SessionTable& table, const Session& session, std::size_t most_filters, Time now);

}  // namespace pubsub_mqtt::session
