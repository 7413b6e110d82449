// What becomes of a publish that goes past pubsub: what the hub would post for it, and pubsub store. Pure but for
// memory.
#pragma once

#include <optional>
#include <string>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/topic/type.h"
#include "routing/audience.h"

namespace pubsub_mqtt::session {

struct DirectItem {
  ItemPublished published;
  std::string element = {};  // where it is stored: the item's payload as XML
};

// `atom` is of an entry that is published by its title. Returns nullopt where pubsub's side must see the publish: it
// refuses the payload, and says so; or what is stored would be larger than Limits::max_item_size.
std::optional<DirectItem> direct_item(const Route& route, topic::Type type, const mqtt::Publish& publish,
                                      const Envelope& envelope, const payload::AtomEntry& atom,
                                      const Audience& audience, const Limits& limits);

}  // namespace pubsub_mqtt::session
