// The nodes of all hosts: which exist, who listens to them, what they retain. Prosody's thread only.
//
// Everybody who asked for a node is a member of it; a member who may receive its items is part of its
// audience, which the network thread knows: each change is appended to the deliveries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/hub/retained.h"
#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::hub {

struct Node {
  struct Member {
    Selection asked;   // what the session's filters select
    Selection posted;  // what the network thread knows
  };

  NodeId id = 0;
  std::string_view host;  // both of these belong to Nodes
  std::string_view name;
  bool exists = false;  // in pubsub; otherwise somebody waits for it
  bool opened = false;  // the network thread knows its name
  std::map<SessionId, Member> members;
  std::array<std::uint32_t, topic::type_count> recipients{};  // how many sessions receive each TYPE by name
  std::uint32_t natural_recipients = 0;                       // and the natural one
  std::unique_ptr<Retained> retained;
  std::uint64_t retained_at = 0;  // when it was set; counts up over all nodes
  std::shared_ptr<Route> route;   // the one that is open

  // The open route, a new one if there is none.
  std::shared_ptr<const Route> open_route(std::size_t max_payload_size);
  void withdraw_route();

  bool has_audience() const;
  bool is_received(topic::Type type, topic::Type natural_type) const;
};

class Nodes {
 public:
  explicit Nodes(std::vector<Delivery>& deliveries) : deliveries_(deliveries) {}

  Node* find(std::string_view host, std::string_view name);
  Node& open(std::string_view host, std::string_view name);
  // The first node after `position` in the order of creation, nullptr at the end. New nodes come last, so
  // that a walk in steps misses none.
  Node* next(NodeId position);

  std::vector<Node*> of_host(std::string_view host);
  // Of all nodes.
  void withdraw_routes();

  // What a session's filters select of a node now. Nothing: it is no member any more.
  void ask(Node& node, SessionId session, const Selection& asked, bool may_receive);
  // Rights have changed.
  void judge(Node& node, const std::function<bool(SessionId)>& may_receive);

  // Forgets a node that does not exist and that nobody waits for. The reference is dead then.
  void forget_if_unused(Node& node);

 private:
  // No hash tables: who chooses the name would choose the place in them.
  template <typename Value>
  using ByName = std::map<std::string, Value, std::less<>>;

  void post(Node& node, SessionId session, Node::Member& member, bool may_receive);

  std::vector<Delivery>& deliveries_;
  NodeId last_id_ = 0;
  ByName<ByName<Node>> hosts_;
  std::map<NodeId, Node*> by_id_;
};

}  // namespace pubsub_mqtt::hub
