#include "audiences.h"

#include <algorithm>
#include <utility>

namespace pubsub_mqtt::hub {
namespace {

using Slot = std::optional<mqtt::QoS>;

Slot& slot(Selection& selection, std::optional<topic::Type> type) {
  return type ? selection.by_type[static_cast<std::size_t>(*type)] : selection.natural;
}

void raise_to(Slot& slot, mqtt::QoS qos) { slot = std::max(slot.value_or(qos), qos); }

Slot literal(const Subscriber& subscriber, const Node& node, topic::Type type) {
  if (subscriber.filters.empty()) return std::nullopt;
  const auto filter = subscriber.filters.find(topic::make_topic(node.host, type, node.name));
  return filter == subscriber.filters.end() ? std::nullopt : Slot(filter->second);
}

// What all filters of a TYPE select of the node, or all with a wildcard there.
Slot selected(const Subscriber& subscriber, const Node& node, std::optional<topic::Type> type) {
  Slot qos = type ? literal(subscriber, node, *type) : std::nullopt;
  if (!node.exists) return qos;
  for (const auto& [filter, entry] : subscriber.patterns) {
    if (entry.pattern.type == type && entry.pattern.selects(node.host, node.name)) raise_to(qos, entry.qos);
  }
  return qos;
}

Selection selected(const Subscriber& subscriber, const Node& node) {
  Selection all{.by_type = {}, .natural = selected(subscriber, node, std::nullopt)};
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    all.by_type[i] = selected(subscriber, node, static_cast<topic::Type>(i));
  }
  return all;
}

Selection asked_so_far(const Node& node, const Client& client) {
  const auto member = node.members.find(client.number);
  return member ? member->asked : Selection{};
}

}  // namespace

void Audiences::ask(Node& node, const Client& client, const Selection& asked) {
  const bool may_receive = !asked.empty() && rights_.may_receive(node, client);
  nodes_.set(node, client.number, client.session, {.asked = asked, .may_receive = may_receive});
}

void Audiences::update(Node& node, const Client& client, std::optional<topic::Type> type) {
  Selection asked = asked_so_far(node, client);
  slot(asked, type) = selected(*client.subscriber, node, type);
  ask(node, client, asked);
}

void Audiences::raise(Node& node, const Client& client, std::optional<topic::Type> type, mqtt::QoS qos) {
  Selection asked = asked_so_far(node, client);
  raise_to(slot(asked, type), qos);
  ask(node, client, asked);
}

void Audiences::leave(Node& node, const Client& client) {
  nodes_.set(node, client.number, client.session, {});
}

void Audiences::node_created(std::string_view host, std::string_view name) {
  if (!topic::is_node_name(name)) return;  // invisible to MQTT
  Node& node = nodes_.open(host, name);
  Rights::forget(node);
  if (!std::exchange(node.exists, true)) {
    for (const SessionId session : patterns_.match(host, name)) {
      const Client& client = clients_.at(session);
      ask(node, client, selected(*client.subscriber, node));
    }
  }
  judge(node);
}

void Audiences::node_deleted(Node& node) {
  node.withdraw_route();
  node.exists = false;
  Rights::forget(node);
  for (const ClientNumber number : node.members.clients()) {
    const Client& client = clients_.numbered(number);
    nodes_.set(node, number, client.session, {.asked = selected(*client.subscriber, node)});
  }
  nodes_.forget_if_unused(node);
}

void Audiences::host_disabled(std::string_view host) {
  for (Node* node : nodes_.of_host(host)) {
    node->withdraw_route();
    // Members stay members: what is queued for a session that is away is still its own when the host is back.
    node->retained.reset();
    node->exists = false;
    Rights::forget(*node);
    for (const ClientNumber number : node->members.clients()) {
      const Client& client = clients_.numbered(number);
      nodes_.set(*node, number, client.session, {.asked = asked_so_far(*node, client)});
    }
    nodes_.forget_if_unused(*node);
  }
}

void Audiences::rights_changed(Node& node) {
  Rights::forget(node);
  judge(node);
}

void Audiences::judge(Node& node) {
  node.withdraw_route();
  for (const ClientNumber number : node.members.clients()) {
    const Client& client = clients_.numbered(number);
    ask(node, client, asked_so_far(node, client));
  }
}

// Only what these clients of the account may receive.
void Audiences::judge(Node& node, AccountNumber account, const std::vector<const Client*>& clients) {
  Rights::forget(node, account);
  for (const Client* client : clients) {
    const auto member = node.members.find(client->number);
    if (member) ask(node, *client, member->asked);
  }
}

void Audiences::account_changed(Node& node, std::string_view account) {
  node.withdraw_route();
  const AccountNumber number = rights_.number(account);
  judge(node, number, clients_.of_account(number));
}

void Audiences::account_changed(std::string_view account) {
  const AccountNumber number = rights_.number(account);
  const auto clients = clients_.of_account(number);
  nodes_.for_each([&](Node& node) {
    node.withdraw_route();
    judge(node, number, clients);
  });
}

}  // namespace pubsub_mqtt::hub
