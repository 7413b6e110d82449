// What clients of MQTT 5.0 are told of an item that comes from XMPP: the User Properties `id` and `publisher`, and, of
// binary data, the Content Type. Any thread.
#pragma once

#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::hub {

// For Envelope::properties. `publisher` is a bare JID; empty: it is not shown. `element` is the item's payload, and
// `type` in whose form the properties are said.
std::shared_ptr<const std::string> item_properties(std::string_view id, std::string_view publisher,
                                                   topic::Type type, const pugi::xml_node& element);

}  // namespace pubsub_mqtt::hub
