// What the store keeps of retained messages, and what is posted of that. Values; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "pubsub_mqtt/store/rows.h"

namespace pubsub_mqtt::store {

// What a node retains, or that this has ended: then only what stands before `type` says something.
struct RetainedRow {
  std::string host = {};
  std::string node = {};
  std::string identity = {};  // of the node, which another one of that name does not have
  WallTime time{0};           // when it was set, or ended
  bool has_ended = false;
  std::string type = {};     // TYPE, in whose form the payload is
  std::string payload = {};  // bytes
  std::string element = {};  // what pubsub's item has, as XML
  bool is_large = false;     // the item stands in for a payload that is too large for it
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  PublisherId publisher = 0;
  std::optional<WallTime> expires_at = std::nullopt;
  std::string properties = {};  // encoded; empty: none

  // About, in the database.
  std::size_t size() const {
    return host.size() + node.size() + payload.size() + element.size() + properties.size() + 64;
  }
};

// Shared with who commits it: nobody changes it.
using StoredRetained = std::shared_ptr<const RetainedRow>;

// In the place of what the node retained before.
struct PutRetained {
  StoredRetained row;
};
struct RemoveRetained {
  std::string host;
  std::string node;
};
// What an earlier version has kept of the host's retained messages elsewhere is here.
struct TakeOver {
  std::string host;
};

}  // namespace pubsub_mqtt::store
