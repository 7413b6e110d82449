// Prosody's side of the gateway, free of Lua: who listens to which node, and what becomes of what clients ask.
//
// Prosody's thread only. Requests go in with accept(), step() carries out one at a time, so that the caller decides how
// long the event loop may wait. Clients are served in turn: one client's thousand publishes do not hold up another's
// SUBSCRIBE. Answers and items are collected in take_deliveries(), in the order that deliveries.h promises.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <pugixml.hpp>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/hub/topic.h"
#include "pubsub_mqtt/requests.h"

namespace pubsub_mqtt::hub {

// Lets a map be searched with a std::string_view.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};

class Hub {
 public:
  // max_item_size: bytes of a serialised item, mqtt_max_item_size. A larger one would close XMPP streams.
  Hub(PubsubService& service, std::size_t max_item_size);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Takes a batch from the network thread; leaves it empty. Log lines go out at once.
  void accept(std::vector<Request>& batch);

  // Carries out one request. False: there is none.
  bool step();

  // Moves what the network thread must be told since the last call to the end of `into`.
  void take_deliveries(std::vector<Delivery>& into);

  // From pubsub's events.
  bool has_audience(std::string_view host, std::string_view node);
  void item_published(std::string_view host, std::string_view node, const pugi::xml_node& payload);
  // The item is the one that PubsubService::publish() is publishing right now.
  void own_item_published();

  // Something changed that rights depend on: judge again who receives the node.
  void node_changed(std::string_view host, std::string_view node);
  // The same for every node of a host: it was enabled, disabled, or configured anew.
  void host_changed(std::string_view host);

 private:
  template <typename Value>
  using ByName = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;
  struct Client;
  struct Node;
  struct Publication;

  void queue(Request&& request, SessionId session);
  bool carry_out(Client& client, SessionId session, SubscribeRequest& request);
  bool carry_out(Client& client, SessionId session, UnsubscribeRequest& request);
  bool carry_out(Client& client, SessionId session, PublishRequest& request);
  bool carry_out(Client& client, SessionId session, CloseSession& request);

  mqtt::SubackReturnCode subscribe(Client& client, SessionId session, const SubscribeRequest::Filter& filter);
  void unsubscribe(Client& client, SessionId session, const std::string& topic_filter);
  PubsubService::Published publish(const PublishRequest& request);
  void refuse(Client& client, std::string_view what, std::string_view topic, std::string_view reason);

  Node& open_node(const NodeTopic& topic);
  Node* find_node(std::string_view host, std::string_view node);
  void select(Node& node, SessionId session, payload::Type type, std::optional<mqtt::QoS> qos);
  void judge(Node& node);
  void post_item(const Node& node, const pugi::xml_node& payload, const Publication* publication);

  PubsubService& service_;
  std::size_t max_item_size_;
  NodeId last_node_ = 0;
  std::unordered_map<SessionId, Client> clients_;
  std::deque<SessionId> turn_;  // clients with requests, the next one in front
  ByName<ByName<Node>> hosts_;  // nodes with an audience, by host and name
  Publication* publication_ = nullptr;
  std::vector<Delivery> deliveries_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace pubsub_mqtt::hub
