// What clients of MQTT 5.0 are told of an item that comes from XMPP: the User Properties `id` and `publisher`. Any
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::hub {

// For Envelope::properties. `publisher` is a bare JID; empty: it is not shown.
std::shared_ptr<const std::string> item_properties(std::string_view id, std::string_view publisher);

}  // namespace pubsub_mqtt::hub
