#include "audiences.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {
namespace {

// Whether accounts may receive a node, each asked once, however many of its clients listen.
class Judgement {
 public:
  Judgement(PubsubService& service, const Node& node) : service_(service), node_(node) {}
  bool operator()(const std::string& account) {
    const auto [place, is_new] = decided_.try_emplace(account, false);
    if (is_new) place->second = service_.may_receive(node_.host, node_.name, account);
    return place->second;
  }

 private:
  PubsubService& service_;
  const Node& node_;
  // No hash table: whoever chooses the account would choose its place in it.
  std::map<std::string_view, bool> decided_;
};

void raise(std::optional<mqtt::QoS>& to, mqtt::QoS qos) { to = std::max(to.value_or(qos), qos); }

Selection selection(const Subscriber& subscriber, const Node& node) {
  Selection asked;
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    const auto filter =
        subscriber.filters.find(topic::make_topic(node.host, static_cast<topic::Type>(i), node.name));
    if (filter != subscriber.filters.end()) asked.by_type[i] = filter->second;
  }
  if (!node.exists) return asked;
  for (const auto& [filter, entry] : subscriber.patterns) {
    const auto& [pattern, qos] = entry;
    if (!pattern.selects(node.host, node.name)) continue;
    raise(pattern.type ? asked.by_type[static_cast<std::size_t>(*pattern.type)] : asked.natural, qos);
  }
  return asked;
}

}  // namespace

void Audiences::update(Node& node, const Client& client) {
  update(node, client, shared_.service.may_receive(node.host, node.name, client.account));
}

void Audiences::update(Node& node, const Client& client, bool may_receive) {
  nodes_.ask(node, client.session, selection(*client.subscriber, node), may_receive);
}

void Audiences::node_created(std::string_view host, std::string_view name) {
  if (!topic::is_node_name(name)) return;  // invisible to MQTT
  Node& node = nodes_.open(host, name);
  node.withdraw_route();
  Judgement may_receive(shared_.service, node);
  if (!std::exchange(node.exists, true)) {
    for (const SessionId session : patterns_.match(host, name)) {
      const Client& client = clients_.at(session);
      update(node, client, may_receive(client.account));
    }
  }
  nodes_.judge(node, [&](SessionId session) { return may_receive(clients_.at(session).account); });
}

void Audiences::node_deleted(Node& node) {
  node.withdraw_route();
  node.exists = false;
  std::vector<SessionId> sessions;
  sessions.reserve(node.members.size());
  for (const auto& [session, member] : node.members) sessions.push_back(session);
  for (const SessionId session : sessions) update(node, clients_.at(session), false);
  nodes_.forget_if_unused(node);
}

void Audiences::host_disabled(std::string_view host) {
  for (Node* node : nodes_.of_host(host)) {
    node->withdraw_route();
    // Members stay members: what is queued for a session that is away is still its own when the host is back.
    node->retained.reset();
    node->exists = false;
    nodes_.judge(*node, [](SessionId) { return false; });
    nodes_.forget_if_unused(*node);
  }
}

void Audiences::judge(Node& node) {
  node.withdraw_route();
  Judgement may_receive(shared_.service, node);
  nodes_.judge(node, [&](SessionId session) { return may_receive(clients_.at(session).account); });
}

// Only what these sessions of the account may receive.
void Audiences::judge(Node& node, std::string_view account, const std::vector<SessionId>& sessions) {
  std::optional<bool> may_receive;
  for (const SessionId session : sessions) {
    if (!node.members.contains(session)) continue;
    if (!may_receive) may_receive = shared_.service.may_receive(node.host, node.name, account);
    update(node, clients_.at(session), *may_receive);
  }
}

void Audiences::account_changed(Node& node, std::string_view account) {
  node.withdraw_route();
  std::vector<SessionId> sessions;
  for (const auto& [session, member] : node.members) {
    if (clients_.at(session).account == account) sessions.push_back(session);
  }
  judge(node, account, sessions);
}

void Audiences::account_changed(std::string_view account) {
  nodes_.withdraw_routes();
  const std::vector<SessionId> sessions = clients_.of_account(account);
  if (sessions.empty()) return;
  for (Node* node = nodes_.next(0); node != nullptr; node = nodes_.next(node->id)) {
    judge(*node, account, sessions);
  }
}

}  // namespace pubsub_mqtt::hub
