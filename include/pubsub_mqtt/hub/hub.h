// Prosody's side of the gateway, free of Lua: who listens to which node, and what becomes of what clients
// ask.
//
// Prosody's thread only. Requests go in with accept(), step() carries out a bounded piece of one, so that the
// caller decides how long the event loop may wait. Clients are served in turn: one client's thousand
// publishes do not hold up another's SUBSCRIBE. Answers and items are collected in take_deliveries(), in the
// order that deliveries.h promises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <random>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/hub/retained.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {

class FilterTree;
class Nodes;
struct Node;

class Hub {
 public:
  Hub(PubsubService& service, const Limits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Those of a reload, for what is asked from now on.
  void set_limits(const Limits& limits);

  // Takes a batch from the network thread; leaves it empty.
  void accept(std::vector<Request>& batch);

  // Carries out one request, or a piece of a long one. False: there is none.
  bool step();

  // Moves what the network thread must be told since the last call to the end of `into`.
  void take_deliveries(std::vector<Delivery>& into);

  // What pubsub tells. An item matters if it has an audience or is to be retained (its id is `current`).
  bool wants_item(std::string_view host, std::string_view node, std::string_view id);
  void item_published(std::string_view host, std::string_view node, std::string_view id,
                      const pugi::xml_node& payload);
  // The item is the one that PubsubService::publish() is publishing right now.
  void own_item_published();
  void item_retracted(std::string_view host, std::string_view node, std::string_view id);
  void node_purged(std::string_view host, std::string_view node);

  void node_created(std::string_view host, std::string_view node);
  void node_deleted(std::string_view host, std::string_view node);
  // Something changed that rights depend on: judge again who receives the node.
  void node_changed(std::string_view host, std::string_view node);
  // The same for one account, here and on every node.
  void affiliation_changed(std::string_view host, std::string_view node, std::string_view account);
  void account_changed(std::string_view account);
  // The same for all nodes of a host.
  void host_changed(std::string_view host);
  // Somebody may begin to observe what is published: to a node, or to any node of a host. Every change of
  // rights above does so, too.
  void withdraw_route(std::string_view host, std::string_view node);
  void withdraw_routes(std::string_view host);
  void withdraw_all_routes();
  // The module left a host: filters on its nodes wait, retained messages are in their store.
  void host_disabled(std::string_view host);

  // What PubsubService::log_in() found out.
  void logged_in(LoginReply reply);
  // See CloseAccount. Its rights are judged again, too.
  void close_account(std::string_view account, bool was_deleted);

  // All accounts of an XMPP host that has gone.
  void close_accounts_of(std::string_view host);

  // For the administrator: how many filters a session has, and to close its connection.
  std::size_t subscriptions(SessionId session) const;
  void close_connection(SessionId session);

  // A retained message from before a restart.
  // The item `current` of a node that has no retained message here; nobody is told.
  void restore_current(std::string_view host, std::string_view name, const pugi::xml_node& payload);
  void restore_retained(std::string_view host, std::string_view node, Retained retained);

 private:
  struct Client;
  struct Subscriber;
  struct Publication;

  void queue(LoginRequest&& request);
  void queue(Request&& request, SessionId session);
  bool check_will();
  bool log_in_one();
  bool carry_out(Client& client, SessionId session, SubscribeRequest& request);
  bool carry_out(Client& client, SessionId session, UnsubscribeRequest& request);
  bool carry_out(Client& client, SessionId session, PublishRequest& request);
  bool carry_out(Client& client, SessionId session, RetainedRequest& request);
  bool carry_out(Client& client, SessionId session, CloseSession& request);

  enum class Progress : std::uint8_t { granted, refused, unfinished };
  Progress subscribe(Client& client, SessionId session, const Subscription& filter);
  Progress subscribe_node(Client& client, SessionId session, const Subscription& filter,
                          const topic::NodeTopic& topic);
  Progress subscribe_pattern(Client& client, SessionId session, const Subscription& filter,
                             const topic::NodePattern& pattern);
  // False: there is more to do.
  bool unsubscribe(Client& client, SessionId session, std::string_view topic_filter);
  bool unsubscribe_all(Client& client, SessionId session);
  bool has_all_filters(const Client& client) const;
  // Lets a session's part in some of the nodes that the pattern selects follow its filters. True: all are
  // done.
  bool walk(Client& client, SessionId session, const topic::NodePattern& pattern);
  void update(Node& node, Client& client, SessionId session);
  void update(Node& node, Client& client, SessionId session, bool may_receive);
  Progress refuse_filter(Client& client, SessionId session, std::string_view filter, std::string_view reason);

  static bool is_behind_a_failure(const Client& client, const PublishRequest& request);
  std::shared_ptr<const Route> route(const PublishRequest& request,
                                     const PubsubService::Published& published);
  PubsubService::Published publish(const Client& client, const PublishRequest& request);
  PubsubService::Published publish_item(const Client& client, const PublishRequest& request,
                                        const topic::NodeTopic& topic);
  PubsubService::Published clear(const Client& client, const PublishRequest& request,
                                 const topic::NodeTopic& topic);
  void refuse(Client& client, std::string_view what, std::string_view topic, std::string_view reason);

  struct Scan;
  void start_scan(Client& client, SessionId session, const Subscription& filter);
  bool scan(Client& client, SessionId session, Scan& scan);
  // True: it has asked Prosody's storage for an item, which may take as long as a step should.
  bool read_retained(Client& client, SessionId session, Node& node, const Scan& scan,
                     std::optional<topic::Type> type);

  void post_item(Node& node, const pugi::xml_node& payload, const Publication* publication);
  void post_cleared(Node& node, mqtt::QoS qos, std::optional<topic::Type> type_of_clear);
  void retain(Node& node, Retained retained);
  void forget_retained(Node& node);
  void lose(Node& node);
  void judge(Node& node);
  void judge(Node& node, std::string_view account, const std::vector<SessionId>& sessions);

  PubsubService& service_;
  Limits limits_;
  std::vector<Delivery> deliveries_;
  std::unique_ptr<Nodes> nodes_;
  std::unique_ptr<FilterTree> patterns_;
  std::unordered_map<SessionId, Client> clients_;
  std::deque<SessionId> turn_;  // clients with requests, the next one in front
  Publication* publication_ = nullptr;
  std::uint64_t last_retained_ = 0;
  std::deque<LoginRequest> logins_;
  std::deque<AnnounceWill> announced_wills_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace pubsub_mqtt::hub
