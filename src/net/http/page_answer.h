// What a request gets that asks for the page, and not for a WebSocket: one of the page's files (RFC 9110), whoever
// asks, since there is nothing in them but what everybody may have. Network thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "admission/arrival.h"
#include "http/http_request.h"
#include "pubsub_mqtt/net/page.h"

namespace pubsub_mqtt::net {

struct PageAnswer {
  std::string said;                         // for the client: a head, and a short text
  std::shared_ptr<const std::string> body;  // that follows; nullptr: nothing does
  std::string_view status;                  // "200 OK", a literal, for the log
};

// Of the page that Access has. A path is one of its files, or there is nothing: none is looked for in a folder. The
// client learns what the request says of it, and there must be a place for it.
PageAnswer answer_page(const HttpRequest& request, Arrival& client);

}  // namespace pubsub_mqtt::net
