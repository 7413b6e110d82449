// What takes milliseconds for a large payload, and hashes and base64 of binary ones, is done on the network thread, before
// pubsub is asked: Prosody's thread serves XMPP.
#pragma once

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/requests.h"

namespace pubsub_mqtt::session {

// Of a publication to a topic that is no node's there is nothing to prepare.
PreparedItem prepare(const Publication& publication, const Limits& limits);

}  // namespace pubsub_mqtt::session
