// The parts of the hub put together: each has a file of its own.
#include "pubsub_mqtt/hub/hub.h"

#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "announced_wills.h"
#include "audiences.h"
#include "clients.h"
#include "item_properties.h"
#include "logins.h"
#include "node_names.h"
#include "nodes.h"
#include "publications.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/hub/retained.h"
#include "responder.h"
#include "retained_list.h"
#include "retained_scans.h"
#include "retained_store.h"
#include "rights.h"
#include "shared.h"
#include "subscriptions.h"
#include "system_topics.h"
#include "topic_view.h"
#include "turns.h"
#include "work.h"

namespace pubsub_mqtt::hub {

class Hub::State {
 public:
  State(PubsubService& service, const Limits& limits_of_all)
      : limits(limits_of_all),
        shared{.service = service,
               .limits = limits,
               .names = names,
               .mountpoint = mountpoint,
               .now = now,
               .deliveries = deliveries,
               .logged = logged,
               .metrics = metrics,
               .work = work} {}

  void accept(Request& request);
  void drop_unneeded(Client& client);
  bool carry_out(Client& client, Request& request);
  void end_turn(Client& client);
  template <typename IsWanted>
  NamesPage page_of(std::string_view host, std::string_view after, std::size_t most, IsWanted&& is_wanted);

  Limits limits;
  NodeNames names;
  std::shared_ptr<const topic::Mountpoint> mountpoint;
  Time now{};
  std::vector<Delivery> deliveries;
  OncePerClient logged;
  Metrics metrics;
  std::size_t work = 0;
  const Shared shared;
  Nodes nodes{shared};
  Clients clients;
  Rights rights{shared};
  Turns turns;
  Logins logins{shared};
  AnnouncedWills wills{shared, clients};
  Audiences audiences{nodes, clients, rights};
  RetainedStore retained{shared, nodes};
  RetainedScans scans{shared, nodes, retained};
  SystemTopics system{shared, clients};
  Subscriptions subscriptions{shared, nodes, clients, audiences, scans, system};
  Publications publications{shared, nodes, retained};
  RetainedList retained_list{shared, nodes, retained};
  Responder responder{shared};
};

Hub::Hub(PubsubService& service, const Limits& limits) : state_(std::make_unique<State>(service, limits)) {}
Hub::~Hub() = default;

void Hub::set_limits(const Limits& limits) {
  state_->limits = limits;
  withdraw_all_routes();  // each knows what mqtt_max_item_size was
}

void Hub::set_mountpoint(std::optional<topic::Mountpoint> mountpoint) {
  auto& present = state_->mountpoint;
  if (present == nullptr ? !mountpoint : mountpoint == *present) return;
  withdraw_all_routes();  // what clients name means something else
  // Where topics are named as before, subscriptions stay until the network thread has put others in their place.
  const bool is_like_before = present != nullptr && mountpoint && mountpoint->names_as(*present);
  if (!is_like_before) state_->subscriptions.forget_mounted();
  present = mountpoint ? std::make_shared<const topic::Mountpoint>(std::move(*mountpoint)) : nullptr;
  state_->audiences.follow_mountpoint();
  state_->deliveries.emplace_back(MountpointChanged{.mountpoint = present});
}

void Hub::set_time(Time now) { state_->now = now; }

void Hub::accept(std::vector<Request>& batch) {
  for (auto& request : batch) state_->accept(request);
  batch.clear();
}

void Hub::State::accept(Request& request) {
  std::visit(
      [&](auto& each) {
        using Kind = std::decay_t<decltype(each)>;
        if constexpr (requires { logins.add(std::move(each)); }) {
          logins.add(std::move(each));
        } else if constexpr (std::is_same_v<Kind, AnnounceWill>) {
          // Outside of the client's queue: it must not hold up the will itself.
          wills.add(std::move(each));
        } else if constexpr (std::is_same_v<Kind, OpenSession>) {
          Client& client = clients.open(each.session);
          client.is_open = true;
          client.name = std::move(each.client);
          client.account = std::move(each.account);
          client.account_number = rights.number(client.account);
          turns.enter(client, client.account.empty() ? each.party : client.account);
        } else if constexpr (std::is_same_v<Kind, CloseSession>) {
          Client& client = clients.open(each.session);
          drop_unneeded(client);
          turns.add(client, std::move(request));
        } else if constexpr (requires { each.ticket; }) {
          turns.add(clients.open(each.ticket.session), std::move(request));
        } else {
          turns.add(clients.open(each.session), std::move(request));
        }
      },
      request);
}

// The session is over: nobody waits for what it asked. Its publishes to nodes, of which its will is the last one, are
// carried out; its filters go all at once.
void Hub::State::drop_unneeded(Client& client) {
  std::erase_if(client.waiting, [&](Request& request) {
    return std::visit(
        [&](auto& each) {
          using Kind = std::decay_t<decltype(each)>;
          if constexpr (requires { subscriptions.drop(client, each); }) subscriptions.drop(client, each);
          if constexpr (std::is_same_v<Kind, PublishRequest>) return responder.drop(each);
          return true;
        },
        request);
  });
}

bool Hub::step() {
  const bool checked = state_->wills.step();
  const bool asked = state_->logins.step();
  const bool expired = state_->retained.step();
  Client* client = state_->turns.begin();
  if (client == nullptr) return checked || asked || expired;
  state_->work = work::request;
  try {
    if (state_->carry_out(*client, client->waiting.front())) client->waiting.pop_front();
  } catch (...) {  // out of memory: the client goes on with what it asked for next
    client->waiting.pop_front();
    state_->end_turn(*client);
    throw;
  }
  state_->end_turn(*client);
  return true;
}

void Hub::State::end_turn(Client& client) {
  turns.end(client, std::exchange(work, 0));
  if (!client.waiting.empty() || client.is_open) return;
  turns.leave(client);
  clients.erase(client);
}

// A piece of it. True: all is done.
bool Hub::State::carry_out(Client& client, Request& request) {
  return std::visit(
      [&](auto& each) {
        using Kind = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Kind, PublishRequest>) {
          if (Responder::is_asked(each)) return responder.carry_out(client, each);
          publications.carry_out(client, each);
        } else if constexpr (std::is_same_v<Kind, RetainedRequest>) {
          return scans.carry_out(client);
        } else if constexpr (std::is_same_v<Kind, CloseSession>) {
          if (!subscriptions.end(client)) return false;
          client.is_open = false;
        } else if constexpr (requires { subscriptions.carry_out(client, each); }) {
          return subscriptions.carry_out(client, each);
        }
        return true;
      },
      request);
}

void Hub::take_deliveries(std::vector<Delivery>& into) {
  auto& deliveries = state_->deliveries;
  into.insert(into.end(), std::move_iterator(deliveries.begin()), std::move_iterator(deliveries.end()));
  deliveries.clear();
}

bool Hub::wants_item(std::string_view host, std::string_view node, std::string_view id) {
  return state_->publications.wants_item(host, node, id);
}

void Hub::item_published(std::string_view host, std::string_view node, std::string_view id,
                         const pugi::xml_node& payload, std::string_view publisher) {
  state_->publications.item_published(host, node, id, payload, publisher);
}

void Hub::own_item_published() { state_->publications.own_item_published(); }

void Hub::item_retracted(std::string_view host, std::string_view node, std::string_view id) {
  if (id == retained_id) node_purged(host, node);
}

void Hub::node_purged(std::string_view host, std::string_view name) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr) return;
  state_->retained.know(*node);
  if (node->retained) state_->retained.clear(*node, retained_item(), std::nullopt);
}

void Hub::set_max_node_name(std::string_view host, std::optional<std::size_t> encoded_bytes) {
  state_->names.set_max(host, encoded_bytes);
}

void Hub::node_created(std::string_view host, std::string_view node) {
  if (state_->names.is_visible(host, node)) state_->audiences.node_created(host, node);
}

void Hub::node_deleted(std::string_view host, std::string_view name) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr) return;
  if (node->retained) state_->retained.clear(*node, retained_item(), std::nullopt);
  node->has_ended = false;  // who creates it again makes another one
  node->is_unrestored = false;
  state_->audiences.node_deleted(*node);
}

void Hub::node_changed(std::string_view host, std::string_view name) {
  if (Node* node = state_->nodes.find(host, name)) state_->audiences.rights_changed(*node);
}

void Hub::affiliation_changed(std::string_view host, std::string_view name, std::string_view account) {
  if (Node* node = state_->nodes.find(host, name)) state_->audiences.account_changed(*node, account);
}

void Hub::account_changed(std::string_view account) { state_->audiences.account_changed(account); }

void Hub::host_changed(std::string_view host) {
  for (Node* node : state_->nodes.of_host(host)) state_->audiences.rights_changed(*node);
}

void Hub::withdraw_route(std::string_view host, std::string_view name) {
  if (Node* node = state_->nodes.find(host, name)) node->withdraw_route();
}

void Hub::withdraw_routes(std::string_view host) {
  for (Node* node : state_->nodes.of_host(host)) node->withdraw_route();
}

void Hub::withdraw_all_routes() {
  state_->nodes.for_each([](Node& node) { node.withdraw_route(); });
}

void Hub::host_disabled(std::string_view host) {
  for (Node* node : state_->nodes.of_host(host)) {  // the store knows
    state_->retained.leave(*node);
    node->has_ended = false;
    node->is_unrestored = false;
  }
  state_->audiences.host_disabled(host);
}

void Hub::logged_in(LoginReply reply) { state_->deliveries.emplace_back(std::move(reply)); }

void Hub::authenticated(AuthReply reply) { state_->deliveries.emplace_back(std::move(reply)); }

void Hub::close_account(std::string_view account, bool was_deleted) {
  account_changed(account);
  state_->deliveries.emplace_back(CloseAccount{.account = std::string(account), .was_deleted = was_deleted});
}

void Hub::close_accounts_of(std::string_view host) {
  withdraw_all_routes();
  state_->deliveries.emplace_back(CloseHost{.host = std::string(host)});
}

void Hub::publish_system(std::vector<SystemPublished::Message> messages) {
  state_->system.publish(std::move(messages));
}

const Metrics& Hub::metrics() const { return state_->metrics; }

std::size_t Hub::subscriptions(SessionId session) const {
  const Client* client = state_->clients.find(session);
  return client == nullptr || client->subscriber == nullptr ? 0 : client->subscriber->count();
}

void Hub::end_session(SessionId session) { state_->deliveries.emplace_back(EndSession{.session = session}); }

TopicView Hub::topic(std::string_view named, std::string_view account,
                     std::string_view client_identifier) const {
  return meaning_of_topic(named, account, client_identifier, state_->shared);
}

TopicView Hub::filter(std::string_view named) const { return meaning_of_filter(named, state_->shared); }

RetainedPage Hub::retained(std::string_view filter, const RetainedPosition& from, std::size_t most) {
  state_->work = 0;
  auto page = state_->retained_list.read(filter, from, most);
  state_->work = 0;
  return page;
}

// Those that `is_wanted` says.
template <typename IsWanted>
Hub::NamesPage Hub::State::page_of(std::string_view host, std::string_view after, std::size_t most,
                                   IsWanted&& is_wanted) {
  NamesPage piece;
  NodePosition position{.host = std::string(host), .name = std::string(after)};
  const topic::NodePattern all_of_host{.host = host, .type = {}, .node = "#"};
  work = 0;
  const bool is_last = nodes.walk(all_of_host, position, [&](const Node& node) {
    if (is_wanted(node)) piece.names.emplace_back(node.name());
    return piece.names.size() < most;
  });
  work = 0;
  if (!is_last) piece.next = std::move(position.name);
  return piece;
}

Hub::NamesPage Hub::node_names(std::string_view host, std::string_view after, std::size_t most) {
  return state_->page_of(host, after, most, [](const Node& node) { return node.exists; });
}

Hub::NamesPage Hub::unrestored_nodes(std::string_view host, std::string_view after, std::size_t most) {
  return state_->page_of(host, after, most, [](const Node& node) { return node.is_unrestored; });
}

bool Hub::sees_node(std::string_view host, std::string_view name) {
  const Node* node = state_->nodes.find(host, name);
  return node != nullptr && node->exists;
}

std::optional<std::string> Hub::retained_payload(std::string_view host, std::string_view name,
                                                 topic::Type type) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr) return std::nullopt;
  state_->retained.know(*node);
  return node->retained ? node->retained->view(type) : std::nullopt;
}

bool Hub::clear_retained(std::string_view host, std::string_view name) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr || !node->exists) return false;
  state_->retained.know(*node);
  if (!node->retained) return false;
  state_->retained.clear(*node, retained_item(), std::nullopt);
  state_->shared.service.retract_current(host, name);
  return true;
}

void Hub::close_connection(SessionId session) {
  state_->deliveries.emplace_back(CloseConnection{.session = session});
}

void Hub::restore_current(std::string_view host, std::string_view name, const pugi::xml_node& payload,
                          std::string_view publisher) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr || !node->exists) return;
  const auto natural = payload::natural_payload(payload);
  auto retained =
      retained_from_item(payload, natural, item_properties(retained_id, publisher, natural.type, payload));
  node->is_unrestored = false;
  if (retained) state_->retained.restore_item(*node, std::move(*retained));
}

void Hub::restore_retained(std::string_view host, std::string_view name, Retained retained) {
  state_->retained.restore(state_->nodes.find(host, name), host, name, std::move(retained));
}

void Hub::restore_end(std::string_view host, std::string_view name) {
  Node* node = state_->nodes.find(host, name);
  if (node == nullptr) return;
  node->is_unrestored = false;
  if (!node->exists || node->retained) return;
  node->has_ended = true;
  node->withdraw_route();
}

void Hub::restore_later(std::string_view host, std::string_view name) {
  Node* node = state_->nodes.find(host, name);
  if (node != nullptr && !node->retained) node->is_unrestored = true;
}

void Hub::restore_none(std::string_view host, std::string_view name) {
  if (Node* node = state_->nodes.find(host, name)) node->is_unrestored = false;
}

}  // namespace pubsub_mqtt::hub
