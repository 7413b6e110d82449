// What the hub knows of a session. Prosody's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fair_queue.h"
#include "nodes.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "shared.h"
#include "subscriber.h"

namespace pubsub_mqtt::hub {

struct Party;

struct Client {
  SessionId session = 0;
  ClientNumber number = 0;                 // see Clients
  bool is_open = false;                    // from OpenSession until CloseSession was carried out
  std::string name;                        // for log lines
  std::string account;                     // bare JID; empty: without login
  AccountNumber account_number = 0;        // of it, see Rights
  std::optional<ConnectionId> failed;      // that one is being closed: a publish failed for now
  std::list<Request> waiting;              // one that is being carried out stays where it is
  Party* party = nullptr;                  // see Turns
  Turn turn = {};                          // among those of its party
  bool has_turn = false;                   // it waits for one, or it is its turn
  std::unique_ptr<Subscriber> subscriber;  // none before the first SUBSCRIBE
};

// A mosquitto bridge's will says there that the bridge is down: nobody reads it, and nobody has to mend anything.
bool is_about_the_broker(std::string_view topic);

// What a topic is for a line of the log: what the client named, and where that is mounted, what it means.
std::string printable_topic(std::string_view topic, std::size_t mounted_at);
std::string printable_filter(const TopicFilter& filter);

// Says that `what`, a request of the client's about a topic, was refused: once for each client and reason.
// `topic` is printable.
void log_refusal(const Shared& shared, const Client& client, std::string_view what, std::string_view topic,
                 std::string_view reason);

}  // namespace pubsub_mqtt::hub
