// What a proxy that speaks HTTP says of its client: X-Forwarded-For and X-Forwarded-Proto, as Prosody reads them for
// its own HTTP.
#pragma once

#include <optional>
#include <string_view>

#include "admission/arrival.h"
#include "admission/remote_address.h"
#include "http/http_request.h"
#include "pubsub_mqtt/net/access.h"

namespace pubsub_mqtt::net {

// The last in the list that is no trusted proxy, where whoever has connected is one; what stands before it anybody may
// have written. nullopt: whoever has connected is the client.
std::optional<RemoteAddress> forwarded_client(std::string_view forwarded_for, const RemoteAddress& from,
                                              const Access& access);

// The client learns what a trusted proxy's request says of it. False: there is no place for the client.
bool introduce_forwarded(const HttpRequest& request, Arrival& client);

}  // namespace pubsub_mqtt::net
