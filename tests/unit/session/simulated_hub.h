// Prosody's thread: answers requests in their order, when it likes, and publishes items. What it did is kept
// for the oracle.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client.h"
#include "simulated_client.h"

namespace pubsub_mqtt::session {

class SimulatedHub {
 public:
  using Message = SimulatedClient::Message;
  static constexpr NodeId nodes = 3;  // a client subscribes to node n at QoS n

  SimulatedHub(Server& server, std::minstd_rand& random, bool fails)
      : server_(server), random_(random), fails_(fails) {
    for (NodeId node = 0; node < nodes; ++node) {
      deliveries_.emplace_back(NodeOpened{.node = node, .host = "h", .name = std::to_string(node)});
    }
  }

  // What clients publish goes to the subscribers: all of them, or the one named.
  void feed(std::string only_subscriber = {}) {
    feeds_ = true;
    only_subscriber_ = std::move(only_subscriber);
  }

  struct Client {
    std::vector<Message> published;  // by the client, as often as pubsub was asked
    std::vector<Message> sent;       // to the client
    std::set<std::string> refused;   // payloads of some
    std::size_t wills = 0;
    std::optional<SessionId> session;
    bool may_send_retained = true;
  };
  Client& client(const std::string& identifier) { return clients_[identifier]; }

  bool is_quiet() const { return requests_.empty() && deliveries_.empty(); }

  void take_requests() {
    for (auto& request : server_.requests) requests_.push_back(std::move(request));
    server_.requests.clear();
  }

  void answer_one() {
    if (requests_.empty()) return;
    const Request request = std::move(requests_.front());
    requests_.pop_front();
    std::visit([this](const auto& each) { carry_out(each); }, request);
  }

  void deliver_one() {
    if (deliveries_.empty()) return;
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    server_.sessions.handle(std::move(delivery));
  }

  void publish() {
    const NodeId node = random_() % nodes;
    const auto qos = static_cast<mqtt::QoS>(random_() % 3);
    publish(node, {.qos = qos});
  }

  // A batch, where the session has asked for the one before.
  void send_retained() {
    for (auto& [identifier, client] : clients_) {
      if (!client.session || !std::exchange(client.may_send_retained, false)) continue;
      RetainedMessages batch{.session = *client.session, .messages = {}};
      for (int i = 0; i < 4; ++i) {
        const NodeId node = random_() % nodes;
        const auto qos = static_cast<mqtt::QoS>(random_() % (node + 1));
        batch.messages.push_back({.node = node,
                                  .form = topic::Type::utf8,
                                  .payload = next_payload(),
                                  .envelope = {.qos = qos, .retain = true}});
        note_sent(client, node, last_payload_, qos);
      }
      deliveries_.emplace_back(std::move(batch));
    }
  }

 private:
  void publish(NodeId node, Envelope envelope) {
    ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}, .envelope = envelope};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = next_payload();
    for (auto& [identifier, client] : clients_) {
      if (!client.session || !subscribes(identifier)) continue;
      note_sent(client, node, last_payload_, std::min(envelope.qos, static_cast<mqtt::QoS>(node)));
    }
    deliveries_.emplace_back(std::move(item));
  }

  bool subscribes(const std::string& identifier) const {
    return only_subscriber_.empty() || identifier == only_subscriber_;
  }

  std::string next_payload() { return std::to_string(++last_payload_); }

  static void note_sent(Client& client, NodeId node, int payload, mqtt::QoS qos) {
    client.sent.push_back({"h/utf8/" + std::to_string(node), std::to_string(payload), qos});
  }

  Client& client_of(SessionId session) {
    for (auto& [identifier, client] : clients_) {
      if (client.session == session) return client;
    }
    ADD_FAILURE() << "a request of a session that nobody opened";
    return clients_["nobody"];
  }

  // The name in log lines: address "identifier"; here the address is the identifier too.
  void carry_out(const OpenSession& open) {
    const std::string identifier = open.client.substr(0, open.client.find(' '));
    auto& client = clients_[identifier];
    if (client.session) {
      EXPECT_EQ(client.session, open.session) << "a persistent session is always the same";
      return;
    }
    client.session = open.session;
    if (!subscribes(identifier)) return;
    for (NodeId node = 0; node < nodes; ++node) {
      AudienceChange change{.node = node, .session = open.session, .selection = {}};
      change.selection.natural = static_cast<mqtt::QoS>(node);
      deliveries_.emplace_back(change);
    }
  }

  void carry_out(const AnnounceWill& /*will*/) {}

  void carry_out(const RetainedRequest& request) { client_of(request.session).may_send_retained = true; }

  void carry_out(const PublishRequest& request) {
    auto& client = client_of(request.ticket.session);
    if (request.ticket.will) {
      ++client.wills;
      return;
    }
    auto outcome = random_() % 5 == 0 ? PublishReply::Outcome::refused : PublishReply::Outcome::accepted;
    if (fails_ && random_() % 20 == 0) outcome = PublishReply::Outcome::failed;
    // A client of 5.0 that has not heard of a refusal at QoS 2 asks again.
    const bool is_known = client.refused.contains(request.publication.payload);
    if (outcome == PublishReply::Outcome::refused) client.refused.insert(request.publication.payload);
    if (outcome != PublishReply::Outcome::failed && !is_known) {
      client.published.push_back(
          {request.publication.topic, request.publication.payload, request.ticket.qos});
    }
    if (feeds_ && outcome == PublishReply::Outcome::accepted) {
      const std::string& topic = request.publication.topic;
      publish(static_cast<NodeId>(topic.back() - '0'), request.publication.envelope);
    }
    deliveries_.emplace_back(
        PublishReply{.ticket = request.ticket, .outcome = outcome, .topic = request.publication.topic});
  }

  template <typename Unexpected>
  void carry_out(const Unexpected& /*request*/) {
    ADD_FAILURE() << "a request that this simulation cannot bring about";
  }

  Server& server_;
  std::minstd_rand& random_;
  bool fails_;
  bool feeds_ = false;
  std::string only_subscriber_;
  std::deque<Request> requests_;
  std::deque<Delivery> deliveries_;
  std::map<std::string, Client> clients_;
  int last_payload_ = 0;
};

}  // namespace pubsub_mqtt::session
