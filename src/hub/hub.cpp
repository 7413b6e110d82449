#include "pubsub_mqtt/hub/hub.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "client.h"
#include "filter_tree.h"
#include "nodes.h"
#include "pubsub_mqtt/base/printable.h"

namespace pubsub_mqtt::hub {
namespace {

constexpr std::size_t max_announced_wills = 1000;

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

}  // namespace

Hub::Hub(PubsubService& service, const Limits& limits)
    : service_(service),
      limits_(limits),
      nodes_(std::make_unique<Nodes>(deliveries_)),
      patterns_(std::make_unique<FilterTree>()) {}
Hub::~Hub() = default;

void Hub::set_limits(const Limits& limits) {
  limits_ = limits;
  withdraw_all_routes();  // each knows what mqtt_max_item_size was
}

void Hub::accept(std::vector<Request>& batch) {
  for (auto& request : batch) {
    std::visit(
        [&](auto& each) {
          using Kind = std::decay_t<decltype(each)>;
          if constexpr (std::is_same_v<Kind, LoginRequest>) {
            queue(std::move(each));
          } else if constexpr (std::is_same_v<Kind, AnnounceWill>) {
            // Outside of the client's queue: it must not hold up the will itself.
            if (announced_wills_.size() < max_announced_wills) announced_wills_.push_back(std::move(each));
          } else if constexpr (std::is_same_v<Kind, OpenSession>) {
            Client& client = clients_[each.session];
            client.name = std::move(each.client);
            client.account = std::move(each.account);
          } else if constexpr (requires { each.ticket; }) {
            queue(std::move(request), each.ticket.session);
          } else {
            queue(std::move(request), each.session);
          }
        },
        request);
  }
  batch.clear();
}

void Hub::queue(Request&& request, SessionId session) {
  auto& waiting = clients_[session].waiting;
  waiting.push_back(std::move(request));
  if (waiting.size() == 1) turn_.push_back(session);
}

bool Hub::step() {
  const bool checked = check_will();
  const bool logged_in = log_in_one();
  if (turn_.empty()) return checked || logged_in;
  const SessionId session = turn_.front();
  turn_.pop_front();
  Client& client = clients_.at(session);
  const bool done = std::visit(
      [&](auto& request) {
        if constexpr (requires { carry_out(client, session, request); }) {
          return carry_out(client, session, request);
        } else {
          return true;  // accept() queues nothing else
        }
      },
      client.waiting.front());
  if (done) client.waiting.pop_front();
  if (!client.waiting.empty()) {
    turn_.push_back(session);
  } else if (client.name.empty()) {
    clients_.erase(session);
  }
  return true;
}

bool Hub::carry_out(Client& client, SessionId session, CloseSession& /*request*/) {
  if (client.subscriber != nullptr && !unsubscribe_all(client, session)) return false;
  client.name.clear();  // step() forgets the client
  return true;
}

void Hub::refuse(Client& client, std::string_view what, std::string_view topic, std::string_view reason) {
  if (std::find(client.logged.begin(), client.logged.end(), reason) != client.logged.end()) return;
  client.logged.emplace_back(reason);
  std::string line = client.name;
  line += ": ";
  line += what;
  line += " to ";
  line += printable(topic);
  line += " refused: ";
  line += reason;
  line += " (logged once for this client)";
  service_.log(LogLevel::info, line);
}

void Hub::take_deliveries(std::vector<Delivery>& into) {
  into.insert(into.end(), std::move_iterator(deliveries_.begin()), std::move_iterator(deliveries_.end()));
  deliveries_.clear();
}

void Hub::node_created(std::string_view host, std::string_view name) {
  if (!topic::is_node_name(name)) return;  // invisible to MQTT
  Node& node = nodes_->open(host, name);
  node.withdraw_route();
  Judgement may_receive(service_, node);
  if (!std::exchange(node.exists, true)) {
    for (const SessionId session : patterns_->match(host, name)) {
      Client& client = clients_.at(session);
      update(node, client, session, may_receive(client.account));
    }
  }
  nodes_->judge(node, [&](SessionId session) { return may_receive(clients_.at(session).account); });
}

void Hub::node_deleted(std::string_view host, std::string_view name) {
  Node* node = nodes_->find(host, name);
  if (node == nullptr) return;
  if (node->retained) {
    post_cleared(*node, mqtt::QoS::exactly_once, std::nullopt);
    forget_retained(*node);
  }
  lose(*node);
}

// Filters with wildcards forget the node, literal ones wait for it.
void Hub::lose(Node& node) {
  node.withdraw_route();
  node.exists = false;
  std::vector<SessionId> sessions;
  sessions.reserve(node.members.size());
  for (const auto& [session, member] : node.members) sessions.push_back(session);
  for (const SessionId session : sessions) update(node, clients_.at(session), session, false);
  nodes_->forget_if_unused(node);
}

void Hub::node_changed(std::string_view host, std::string_view name) {
  if (Node* node = nodes_->find(host, name)) judge(*node);
}

void Hub::withdraw_route(std::string_view host, std::string_view name) {
  if (Node* node = nodes_->find(host, name)) node->withdraw_route();
}

void Hub::withdraw_routes(std::string_view host) {
  for (Node* node : nodes_->of_host(host)) node->withdraw_route();
}

void Hub::withdraw_all_routes() {
  for (Node* node = nodes_->next(0); node != nullptr; node = nodes_->next(node->id)) node->withdraw_route();
}

void Hub::host_changed(std::string_view host) {
  for (Node* node : nodes_->of_host(host)) judge(*node);
}

void Hub::host_disabled(std::string_view host) {
  for (Node* node : nodes_->of_host(host)) {
    node->withdraw_route();
    // Members stay members: what is queued for a session that is away is still its own when the host is back.
    node->retained.reset();
    node->exists = false;
    nodes_->judge(*node, [](SessionId) { return false; });
    nodes_->forget_if_unused(*node);
  }
}

void Hub::judge(Node& node) {
  node.withdraw_route();
  Judgement may_receive(service_, node);
  nodes_->judge(node, [&](SessionId session) { return may_receive(clients_.at(session).account); });
}

// Only what these sessions of the account may receive.
void Hub::judge(Node& node, std::string_view account, const std::vector<SessionId>& sessions) {
  std::optional<bool> may_receive;
  for (const SessionId session : sessions) {
    if (!node.members.contains(session)) continue;
    if (!may_receive) may_receive = service_.may_receive(node.host, node.name, account);
    update(node, clients_.at(session), session, *may_receive);
  }
}

void Hub::affiliation_changed(std::string_view host, std::string_view name, std::string_view account) {
  Node* node = nodes_->find(host, name);
  if (node == nullptr) return;
  node->withdraw_route();
  std::vector<SessionId> sessions;
  for (const auto& [session, member] : node->members) {
    if (clients_.at(session).account == account) sessions.push_back(session);
  }
  judge(*node, account, sessions);
}

void Hub::account_changed(std::string_view account) {
  withdraw_all_routes();
  std::vector<SessionId> sessions;
  for (const auto& [session, client] : clients_) {
    if (client.account == account) sessions.push_back(session);
  }
  if (sessions.empty()) return;
  for (Node* node = nodes_->next(0); node != nullptr; node = nodes_->next(node->id)) {
    judge(*node, account, sessions);
  }
}

}  // namespace pubsub_mqtt::hub
