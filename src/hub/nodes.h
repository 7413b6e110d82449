// The nodes of all hosts: which exist, who listens to them, what they retain. Prosody's thread only.
//
// Everybody who asked for a node is a member of it; a member who may receive its items is part of its
// audience, which the network thread knows: each change is appended to the deliveries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "members.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/hub/retained.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/topic.h"
#include "shared.h"
#include "work.h"

namespace pubsub_mqtt::hub {

using AccountNumber = std::uint32_t;  // see Rights

// Who has asked for a node, and how many receive it.
struct Listeners {
  // What Prosody has said of an account, see Rights.
  struct Right {
    AccountNumber account = 0;
    bool may_receive = false;
  };

  Members members;
  std::vector<Right> rights;  // sorted by account
  std::array<std::uint32_t, topic::form_count>
      recipients{};                      // how many sessions receive each form by name, or may in a group
  std::uint32_t natural_recipients = 0;  // and the natural one
};

// Of what MQTT has published to a node.
struct Publishing {
  std::uint64_t retained_at = 0;  // when a message was retained; counts up over all nodes
  std::shared_ptr<Route> route;   // the one that is open
};

// Of 100,000 nodes most have no listeners, retain nothing, and are not published to: then they take no memory for that.
struct Node {
  NodeId id = 0;
  std::optional<topic::Form> mounted;  // that of its mounted topic, if it has one
  bool exists = false;                 // in pubsub; otherwise somebody waits for it
  bool opened = false;                 // the network thread knows its name
  bool is_unrestored = false;          // see Hub::restore_later()
  bool has_ended = false;              // one was cleared or has expired, and there has been no item since
  std::unique_ptr<Listeners> listeners;
  std::unique_ptr<Retained> retained;
  std::unique_ptr<Publishing> publishing;
  const std::string* key_of_host = nullptr;  // both of these belong to Nodes
  const std::string* key = nullptr;

  std::string_view host() const { return *key_of_host; }
  std::string_view name() const { return *key; }

  // Of its listeners, as Members.
  bool has_members() const { return listeners != nullptr && !listeners->members.empty(); }
  std::optional<Member> member(ClientNumber client) const;
  std::vector<ClientNumber> clients() const;
  Listeners& open_listeners();
  void drop_unused_listeners();

  std::uint64_t retained_at() const { return publishing == nullptr ? 0 : publishing->retained_at; }
  Publishing& open_publishing();

  // The open route, a new one if there is none to these items.
  std::shared_ptr<const Route> open_route(std::size_t max_payload_size, std::uint64_t items,
                                          bool exposes_publisher);
  void withdraw_route();

  bool has_audience() const;
  bool is_received(topic::Form form, topic::Type natural_type) const;
};

// Where a walk over nodes has come to: it goes by host and name.
struct NodePosition {
  std::string host;
  std::string name;  // empty: none of the host's nodes is done
};

// Every node.
inline constexpr topic::NodePattern all_nodes{.host = "+", .type = {}, .node = "#"};

class Nodes {
 public:
  explicit Nodes(const Shared& shared) : shared_(shared) {}

  Node* find(std::string_view host, std::string_view name);
  Node& open(std::string_view host, std::string_view name);

  // Calls `visit` with the nodes behind `position` that the pattern selects, and no others that cost more than a
  // comparison: only nodes of its host are looked at, whose names begin like it. Ends before the next node when
  // `visit` returns false or the step has cost enough, and returns false then; true at the end of the nodes. What is
  // visited may be forgotten meanwhile. A node that is created behind `position` is visited, one before it is not.
  template <typename Visit>
  bool walk(const topic::NodePattern& pattern, NodePosition& position, Visit&& visit);

  // The same for all that are there, without an end in between.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (auto& [host, nodes] : hosts_) {
      for (auto& [name, node] : nodes) visit(node);
    }
  }

  std::vector<Node*> of_host(std::string_view host);

  // What a client's filters select of a node now, and whether it has the right to that. Where they select nothing, the
  // client is no member any more.
  void set(Node& node, ClientNumber client, SessionId session, const Member& now);
  // How many members all nodes have together.
  std::size_t memberships() const { return memberships_; }

  // The node has its mounted topic by the present mount point. Returns whether it had another one.
  bool follow_mountpoint(Node& node) const;

  // Forgets a node that does not exist and that nobody waits for. The reference is dead then.
  void forget_if_unused(Node& node);

 private:
  // No hash tables: who chooses the name would choose the place in them.
  template <typename Value>
  using ByName = std::map<std::string, Value, std::less<>>;

  enum class Walked : std::uint8_t { all, stopped, changed };  // changed: nodes were forgotten, look again
  template <typename Visit>
  Walked walk_host(ByName<Node>& nodes, const topic::NodePattern& pattern, std::string& done, Visit&& visit);
  void post(Node& node, SessionId session, const Asked& before, const Asked& now);

  const Shared& shared_;
  NodeId last_id_ = 0;
  std::size_t memberships_ = 0;
  std::uint64_t forgotten_ = 0;  // how many nodes were
  ByName<ByName<Node>> hosts_;
};

// What the name of every node begins with that the pattern selects.
std::string_view fixed_part(const topic::NodePattern& pattern);

template <typename Visit>
bool Nodes::walk(const topic::NodePattern& pattern, NodePosition& position, Visit&& visit) {
  const bool all_hosts = pattern.host == "+";
  if (!all_hosts && position.host.empty()) position.host = pattern.host;
  auto host = hosts_.lower_bound(position.host);
  while (host != hosts_.end()) {
    if (host->first != position.host) {
      if (!all_hosts) return true;
      position = {.host = host->first, .name = {}};
    }
    switch (walk_host(host->second, pattern, position.name, visit)) {
      case Walked::stopped:
        return false;
      case Walked::changed:
        host = hosts_.lower_bound(position.host);
        break;
      case Walked::all:
        if (!all_hosts) return true;
        host = hosts_.upper_bound(position.host);
    }
  }
  return true;
}

template <typename Visit>
Nodes::Walked Nodes::walk_host(ByName<Node>& nodes, const topic::NodePattern& pattern, std::string& done,
                               Visit&& visit) {
  const std::string_view prefix = fixed_part(pattern);
  auto place = done.empty() ? nodes.lower_bound(prefix) : nodes.upper_bound(done);
  while (place != nodes.end() && place->first.starts_with(prefix)) {
    if (shared_.work >= work::a_step) return Walked::stopped;
    shared_.work += work::node;
    done = place->first;
    const std::uint64_t forgotten = forgotten_;
    if (pattern.selects(place->second.host(), place->first) && !visit(place->second)) return Walked::stopped;
    if (forgotten != forgotten_) return Walked::changed;
    ++place;
  }
  return Walked::all;
}

}  // namespace pubsub_mqtt::hub
