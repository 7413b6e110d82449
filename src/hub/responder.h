// What clients ask the server for with the requests of MQTT 5.0 (4.10), below `$pubsub/` (docs/mapping.md, "History and
// lists over MQTT"). The Lua half finds the answers, a piece at a time: what a client asks costs its own turns.
// Prosody's thread only.
#pragma once

#include <string_view>

#include "client.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/topic/topic.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Responder {
 public:
  explicit Responder(const Shared& shared) : shared_(shared) {}

  // Whether a publish is a request. A will is none: nobody is there for the answer.
  static bool is_asked(const PublishRequest& request) {
    return !request.ticket.will && request.publication.topic.starts_with(topic::request_prefix);
  }

  // A piece of it. True: it is answered.
  bool carry_out(const Client& client, const PublishRequest& request);

  // The session is over. Returns whether the publish was a request, which is forgotten.
  bool drop(const PublishRequest& request);

 private:
  void refuse(const Client& client, const PublishRequest& request, std::string_view why);

  const Shared& shared_;
};

}  // namespace pubsub_mqtt::hub
