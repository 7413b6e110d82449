// The retained messages that a SUBSCRIBE brings [MQTT-3.3.1-6]: each filter's nodes are gone through in pieces, and
// what they retain goes out in batches, each when the session has sent on the one before. Prosody's thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client.h"
#include "nodes.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/topic/form.h"
#include "retained_store.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class RetainedScans {
 public:
  RetainedScans(const Shared& shared, Nodes& nodes, RetainedStore& store)
      : shared_(shared), nodes_(nodes), store_(store) {}

  // The client has subscribed to the filter, and is in all the audiences. is_new: it had no such filter before.
  void start(Client& client, const Subscription& filter, bool is_new) const;
  void stop(Client& client, std::string_view topic_filter) const;

  // A piece of what brings the client's next batch. True: it went out, or there is nothing more.
  bool carry_out(Client& client);

 private:
  bool scan(const Client& client, Scan& scan);
  bool read(const Client& client, Node& node, const Scan& scan, std::optional<topic::Form> form);
  bool read_item(const Client& client, const Node& node, const Scan& scan, std::optional<topic::Form> form);
  void read_retained(const Client& client, const Node& node, const Scan& scan,
                     std::optional<topic::Form> form);
  void add(Subscriber& subscriber, RetainedMessages::Message message, std::optional<std::string> payload);

  const Shared& shared_;
  Nodes& nodes_;
  RetainedStore& store_;
};

}  // namespace pubsub_mqtt::hub
