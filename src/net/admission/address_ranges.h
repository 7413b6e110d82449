// Whether an address is one of some.
#pragma once

#include <vector>

#include "admission/remote_address.h"
#include "pubsub_mqtt/net/access.h"

namespace pubsub_mqtt::net {

bool contains(const std::vector<AddressRange>& ranges, const RemoteAddress& address);

}  // namespace pubsub_mqtt::net
