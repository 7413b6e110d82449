#include "nodes.h"

#include <algorithm>
#include <utility>

namespace pubsub_mqtt::hub {

std::shared_ptr<const Route> Node::open_route(std::size_t max_payload_size, std::uint64_t items,
                                              bool exposes_publisher) {
  auto& route = open_publishing().route;
  if (route != nullptr && route->items() != items) std::exchange(route, nullptr)->withdraw();
  if (route == nullptr) route = std::make_shared<Route>(id, max_payload_size, items, exposes_publisher);
  return route;
}

void Node::withdraw_route() {
  if (publishing == nullptr || publishing->route == nullptr) return;
  std::exchange(publishing->route, nullptr)->withdraw();
  if (publishing->retained_at == 0) publishing.reset();
}

Publishing& Node::open_publishing() {
  if (publishing == nullptr) publishing = std::make_unique<Publishing>();
  return *publishing;
}

std::optional<Member> Node::member(ClientNumber client) const {
  return listeners == nullptr ? std::nullopt : listeners->members.find(client);
}

std::vector<ClientNumber> Node::clients() const {
  return listeners == nullptr ? std::vector<ClientNumber>() : listeners->members.clients();
}

Listeners& Node::open_listeners() {
  if (listeners == nullptr) listeners = std::make_unique<Listeners>();
  return *listeners;
}

void Node::drop_unused_listeners() {
  if (listeners != nullptr && listeners->members.empty() && listeners->rights.empty()) listeners.reset();
}

bool Node::has_audience() const {
  return listeners != nullptr &&
         (listeners->natural_recipients > 0 ||
          std::ranges::any_of(listeners->recipients, [](auto count) { return count > 0; }));
}

bool Node::is_received(topic::Form form, topic::Type natural_type) const {
  return listeners != nullptr && (listeners->recipients[form.index()] > 0 ||
                                  (form == natural_type && listeners->natural_recipients > 0));
}

std::string_view fixed_part(const topic::NodePattern& pattern) {
  const std::size_t wildcard = pattern.node.find_first_of("+#");
  if (wildcard == std::string_view::npos) return pattern.node;
  std::string_view prefix = pattern.node.substr(0, wildcard);
  // `#` selects the level above it, too (4.7.1.2).
  if (pattern.node[wildcard] == '#' && !prefix.empty()) prefix.remove_suffix(1);
  return prefix;
}

Node* Nodes::find(std::string_view host, std::string_view name) {
  const auto nodes = hosts_.find(host);
  if (nodes == hosts_.end()) return nullptr;
  const auto found = nodes->second.find(name);
  return found == nodes->second.end() ? nullptr : &found->second;
}

Node& Nodes::open(std::string_view host, std::string_view name) {
  if (Node* known = find(host, name)) return *known;
  const auto nodes = hosts_.try_emplace(std::string(host)).first;
  const auto place = nodes->second.try_emplace(std::string(name)).first;
  Node& node = place->second;
  node.id = ++last_id_;
  node.key_of_host = &nodes->first;
  node.key = &place->first;
  follow_mountpoint(node);
  return node;
}

bool Nodes::follow_mountpoint(Node& node) const {
  const topic::Mountpoint* mountpoint = shared_.mountpoint.get();
  const bool has_topic = mountpoint != nullptr && mountpoint->topic_of(node.host(), node.name());
  const auto before =
      std::exchange(node.mounted, has_topic ? std::optional(mountpoint->form()) : std::nullopt);
  return node.mounted != before;
}

std::vector<Node*> Nodes::of_host(std::string_view host) {
  std::vector<Node*> found;
  const auto nodes = hosts_.find(host);
  if (nodes == hosts_.end()) return found;
  found.reserve(nodes->second.size());
  for (auto& [name, node] : nodes->second) found.push_back(&node);
  return found;
}

void Nodes::set(Node& node, ClientNumber client, SessionId session, const Member& now) {
  const auto before = node.member(client);
  if (now.asked.empty()) {
    if (!before) return;
    node.listeners->members.erase(client);
    --memberships_;
  } else {
    node.open_listeners().members.set(client, now);
    if (!before) ++memberships_;
  }
  post(node, session, before ? before->posted() : Asked{}, now.posted());
  if (!node.has_members() && std::exchange(node.opened, false))
    shared_.deliveries.emplace_back(NodeClosed{.node = node.id});
  node.drop_unused_listeners();
}

void Nodes::post(Node& node, SessionId session, const Asked& before, const Asked& now) {
  if (now == before) return;
  if (!std::exchange(node.opened, true)) {
    shared_.deliveries.emplace_back(
        NodeOpened{.node = node.id, .host = std::string(node.host()), .name = std::string(node.name())});
  }
  Listeners& listeners = *node.listeners;
  for (std::size_t form = 0; form < topic::form_count; ++form) {
    if (now.own.by_form[form] || now.shared.by_form[form]) ++listeners.recipients[form];
    if (before.own.by_form[form] || before.shared.by_form[form]) --listeners.recipients[form];
  }
  if (now.own.natural || now.shared.natural) ++listeners.natural_recipients;
  if (before.own.natural || before.shared.natural) --listeners.natural_recipients;
  shared_.work += work::audience_change;
  shared_.deliveries.emplace_back(
      AudienceChange{.node = node.id, .session = session, .selection = now.own, .shared = now.shared});
}

void Nodes::forget_if_unused(Node& node) {
  if (node.exists || node.has_members()) return;
  ++forgotten_;
  const auto nodes = hosts_.find(node.host());
  nodes->second.erase(nodes->second.find(node.name()));
  if (nodes->second.empty()) hosts_.erase(nodes);
}

}  // namespace pubsub_mqtt::hub
