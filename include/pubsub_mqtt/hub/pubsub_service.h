// What the hub asks of Prosody's pubsub services: the lua room implements it, unit tests imitate it.
// Prosody's thread only. Nothing here raises or throws for what a client did; a Lua error becomes `failed` or a refusal.
#pragma once

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/requests.h"

namespace pubsub_mqtt::hub {

class PubsubService {
 public:
  enum class HostStatus : std::uint8_t {
    unknown,     // no pubsub component
    configured,  // a pubsub component on which the module is not loaded now
    enabled,
  };
  enum class Subscribed : std::uint8_t {
    granted,
    waits,  // there is no such node yet
    refused,
  };
  struct Published {
    PublishReply::Outcome outcome = PublishReply::Outcome::failed;
    std::string reason;  // what the administrator can change; empty where accepted
  };

  PubsubService() = default;
  PubsubService(const PubsubService&) = delete;
  PubsubService& operator=(const PubsubService&) = delete;
  virtual ~PubsubService() = default;

  virtual HostStatus host_status(std::string_view host) = 0;

  // A client subscribes to a node of an enabled host. Creates the node where the service lets that client.
  virtual Subscribed subscribe(std::string_view host, std::string_view node) = 0;

  // Whether a client may be sent the items of a node. False where host or node do not exist.
  virtual bool may_receive(std::string_view host, std::string_view node) = 0;

  // Publishes an item with a new, random id on an enabled host. While this runs, the hub is told of the item through
  // Hub::own_item_published().
  virtual Published publish(std::string_view host, std::string_view node, const pugi::xml_node& payload) = 0;

  virtual void log(LogLevel level, const std::string& text) = 0;
};

}  // namespace pubsub_mqtt::hub
