// What is published for a client that does not take its leave (MQTT 3.1.1, 3.1.2.5; 5.0, 3.1.3.2). A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::session {

struct Will {
  Publication publication;  // to the topic that the client names, whatever that means when it is published
  // From the end of the connection, or until the end of the session where that is sooner.
  std::chrono::duration<std::uint32_t> delay{0};
  std::optional<std::chrono::duration<std::uint32_t>> expiry{};  // of the message, once it is published
  store::RowNumber stored = 0;  // its row, where the session has none of its own; 0: it is not stored so
};

}  // namespace pubsub_mqtt::session
