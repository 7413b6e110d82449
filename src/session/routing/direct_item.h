// What subscribers get of a publish that goes past pubsub: what the hub would post for it. Pure but for
// memory.
#pragma once

#include <cstddef>
#include <optional>

#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/topic/type.h"
#include "routing/audience.h"

namespace pubsub_mqtt::session {

// Returns nullopt where pubsub's side must see the publish: it refuses the payload, and says so; or somebody receives
// an Atom entry as XML, which holds more than was published.
std::optional<ItemPublished> direct_item(NodeId node, topic::Type type, const mqtt::Publish& publish,
                                         PublisherId publisher, const Audience& audience,
                                         std::size_t max_xml_elements);

}  // namespace pubsub_mqtt::session
