// SUBSCRIBE and UNSUBSCRIBE: which filters a client has, and what it is told of them (docs/mapping.md, "Subscribe").
// Prosody's thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "audiences.h"
#include "client.h"
#include "nodes.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/topic/topic.h"
#include "retained_scans.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Subscriptions {
 public:
  Subscriptions(const Shared& shared, Nodes& nodes, Audiences& audiences, RetainedScans& scans)
      : shared_(shared), nodes_(nodes), audiences_(audiences), scans_(scans) {}

  // A piece of what the client asked. True: all of it is done, and answered.
  bool carry_out(Client& client, SubscribeRequest& request);
  bool carry_out(Client& client, UnsubscribeRequest& request);
  // The session is over: its filters go.
  bool end(Client& client);

 private:
  enum class Progress : std::uint8_t { granted, refused, unfinished };
  Progress subscribe(Client& client, const Subscription& filter);
  Progress subscribe(Client& client, const Subscription& filter, const topic::NodeTopic& topic);
  Progress subscribe(Client& client, const Subscription& filter, const topic::NodePattern& pattern);
  Progress refuse(Client& client, std::string_view filter, std::string_view reason);
  bool has_all_filters(const Client& client) const;
  // True: done.
  bool unsubscribe(Client& client, std::string_view topic_filter);
  // Lets a client's part in some of the nodes that the pattern selects follow its filters. True: all are done.
  bool walk(Client& client, const topic::NodePattern& pattern);

  const Shared& shared_;
  Nodes& nodes_;
  Audiences& audiences_;
  RetainedScans& scans_;
};

}  // namespace pubsub_mqtt::hub
