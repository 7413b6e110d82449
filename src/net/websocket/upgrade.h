// The answer to a request for WebSocket: RFC 6455, section 4.2, and MQTT 3.1.1 and 5.0, chapter 6. Network thread only.
#pragma once

#include <string>
#include <string_view>

#include "admission/arrival.h"
#include "http/http_request.h"

namespace pubsub_mqtt::net {

struct UpgradeAnswer {
  std::string response;  // for the client, whole
  std::string_view
      refusal;  // why not, a string literal for the log; empty: the connection is a WebSocket now
  bool is_mendable = false;  // by an administrator
};

// `client` learns what the request says of the client, where it is let in.
UpgradeAnswer answer_upgrade(const HttpRequest& request, Arrival& client);

// Of a request that is not HTTP.
UpgradeAnswer answer_malformed_request();

}  // namespace pubsub_mqtt::net
