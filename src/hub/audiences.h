// Who receives what of each node: what the clients' filters select, as far as their accounts have the right to it.
// Follows nodes, hosts and rights as they come and go. Prosody's thread only.
#pragma once

#include <string_view>
#include <vector>

#include "clients.h"
#include "filter_tree.h"
#include "nodes.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Audiences {
 public:
  Audiences(const Shared& shared, Nodes& nodes, Clients& clients)
      : shared_(shared), nodes_(nodes), clients_(clients) {}

  // Who has filters with a wildcard: Subscriptions keeps it like Subscriber::patterns.
  FilterTree& patterns() { return patterns_; }

  // Lets a client's part in a node follow its filters.
  void update(Node& node, const Client& client);

  void node_created(std::string_view host, std::string_view name);
  // Filters with wildcards forget the node, literal ones wait for it.
  void node_deleted(Node& node);
  void host_disabled(std::string_view host);

  // Rights have changed: on the node; of these sessions, which are the account's.
  void judge(Node& node);
  void judge(Node& node, std::string_view account, const std::vector<SessionId>& sessions);
  void account_changed(Node& node, std::string_view account);
  void account_changed(std::string_view account);

 private:
  void update(Node& node, const Client& client, bool may_receive);

  const Shared& shared_;
  Nodes& nodes_;
  Clients& clients_;
  FilterTree patterns_;
};

}  // namespace pubsub_mqtt::hub
