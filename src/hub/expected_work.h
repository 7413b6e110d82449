// What a client's next turn will cost Prosody's thread, about, as far as the request tells: see work.h.
#pragma once

#include <cstddef>
#include <type_traits>
#include <variant>

#include "pubsub_mqtt/boundary/requests.h"
#include "work.h"

namespace pubsub_mqtt::hub {

// What pubsub is given is translated, a payload that is too large for it is only copied.
inline std::size_t work_of(const PublishRequest& publish) {
  const std::size_t payload = publish.publication.payload.size();
  const std::size_t around_it = publish.publication.size() - payload;
  const auto& prepared = publish.prepared;
  if (prepared.base64) return work::publish(around_it + prepared.base64->size());
  return prepared.content_id.empty() ? work::publish(around_it + payload)
                                     : work::publish(around_it) + payload / work::bytes_of_copy;
}

inline std::size_t expected_work(const Request& request) {
  return std::visit(
      [](const auto& each) -> std::size_t {
        using Kind = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Kind, PublishRequest>) {
          return work_of(each);
        } else if constexpr (std::is_same_v<Kind, SubscribeRequest>) {
          // What is more counts when it is done. No more than a publish: where nobody else waits, a client that has
          // subscribed gets what another publishes after it, though it has not seen its SUBACK yet.
          return work::publish(0);
        } else {
          return work::request;
        }
      },
      request);
}

}  // namespace pubsub_mqtt::hub
