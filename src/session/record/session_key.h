// What makes two clients the same, and what they are called in log lines. Values; any thread.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "pubsub_mqtt/boundary/publication.h"

namespace pubsub_mqtt::session {

struct SessionKey {
  std::string account;  // empty: without login
  std::string client_identifier;

  // Ordered, not hashed: whoever chooses the identifier would choose its place in a hash table.
  auto operator<=>(const SessionKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

// Not for an empty client identifier, which several clients have.
PublisherId publisher_id(const SessionKey& key);

// `address` has the port.
std::string client_name(std::string_view address, std::string_view client_identifier);
std::string client_name(std::string_view address, const SessionKey& key);

}  // namespace pubsub_mqtt::session
