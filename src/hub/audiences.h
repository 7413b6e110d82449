// Who receives what of each node: what the clients' filters select, as far as their accounts have the right to it.
// Follows nodes, hosts and rights as they come and go. Prosody's thread only.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "clients.h"
#include "nodes.h"
#include "pubsub_mqtt/topic/filter_tree.h"
#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/topic.h"
#include "rights.h"

namespace pubsub_mqtt::hub {

// Which of a client's filters on a node: those that name one form, or (nullopt) with a wildcard in place of TYPE; for the client alone,
// or shared.
struct FilterKind {
  std::optional<topic::Form> form;
  bool is_shared = false;
};

class Audiences {
 public:
  Audiences(Nodes& nodes, Clients& clients, Rights& rights)
      : nodes_(nodes), clients_(clients), rights_(rights) {}

  // Who has filters with a wildcard: Subscriptions keeps it like Subscriber::patterns.
  topic::FilterTree& patterns() { return patterns_; }

  // Lets a client's part in a node follow its filters of one kind.
  void update(Node& node, const Client& client, FilterKind kind);
  // The same where a filter was added that selects the node.
  void raise(Node& node, const Client& client, FilterKind kind, mqtt::QoS qos);
  // The client has no filter any more.
  void leave(Node& node, const Client& client);

  void node_created(std::string_view host, std::string_view name);
  // Filters with wildcards forget the node, literal ones wait for it.
  void node_deleted(Node& node);
  void host_disabled(std::string_view host);

  // Rights have changed: all on the node, those of an account on it or on every node.
  void rights_changed(Node& node);
  void account_changed(Node& node, std::string_view account);
  void account_changed(std::string_view account);

 private:
  void judge(Node& node);
  void judge(Node& node, AccountNumber account, const std::vector<const Client*>& clients);
  void ask(Node& node, const Client& client, const Asked& asked);

  Nodes& nodes_;
  Clients& clients_;
  Rights& rights_;
  topic::FilterTree patterns_;
};

}  // namespace pubsub_mqtt::hub
