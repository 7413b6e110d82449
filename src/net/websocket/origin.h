// Which pages may open a WebSocket (RFC 6455, section 10.2; RFC 6454): a browser lets any page try, and says whose it
// is.
#pragma once

#include <optional>
#include <string_view>

#include "pubsub_mqtt/net/access.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::net {

// `origin` and `host` are the request's Origin and Host. nullopt: the page is not let in. Its scheme and port are not
// looked at, where its host is the one that it asks: libraries put in what they like.
std::optional<session::WebSocketOrigin> judge_origin(std::string_view origin, std::string_view host,
                                                     const Access& access);

}  // namespace pubsub_mqtt::net
