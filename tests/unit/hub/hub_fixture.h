// A hub in front of a pubsub service in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../boundary/asked.h"
#include "pubsub_mqtt/hub/hub.h"
#include "pubsub_mqtt/hub/pubsub_service.h"
#include "pubsub_mqtt/payload/prepare.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {

using Outcome = PublishReply::Outcome;
inline constexpr auto json = static_cast<std::size_t>(payload::Type::json);
inline constexpr auto utf8 = static_cast<std::size_t>(payload::Type::utf8);
inline constexpr auto xml = static_cast<std::size_t>(payload::Type::xml);
inline constexpr auto binary = static_cast<std::size_t>(payload::Type::binary);
inline constexpr auto any = static_cast<std::size_t>(payload::Type::any);

// With what the network thread has made of the payload, and what MQTT 5.0 says of it.
inline Request prepared(const Request& request, std::shared_ptr<const std::string> properties = nullptr) {
  auto publish = std::get<PublishRequest>(request);
  Publication& publication = publish.publication;
  publication.envelope.properties = std::move(properties);
  const auto topic = std::get<topic::NodeTopic>(topic::parse_topic(publication.topic));
  auto prepared =
      payload::prepare(topic.type, publication.payload, publication.envelope.content_type(), Limits{});
  publish.prepared = {.refusal = prepared.refusal,
                      .type = prepared.type,
                      .content_id = std::move(prepared.content_id),
                      .media_type = std::move(prepared.media_type),
                      .base64 = std::move(prepared.base64)};
  return publish;
}

// A pubsub service in memory: nodes are open or not.
class TestService : public PubsubService {
 public:
  HostStatus host_status(std::string_view host) override {
    if (host == "pubsub") return enabled ? HostStatus::enabled : HostStatus::configured;
    return HostStatus::unknown;
  }
  void log_in(const LoginRequest& request) override { logins.push_back(request.client.name); }
  void authenticate(const AuthRequest& request) override {
    logins.push_back(request.client.name + " begins");
  }
  void authenticate(const AuthResponse& response) override {
    logins.push_back(std::to_string(response.connection) + " says " + std::string(response.data.bytes()));
  }
  void end_authentication(ConnectionId connection) override {
    logins.push_back(std::to_string(connection) + " leaves");
  }
  Subscribed subscribe(std::string_view, std::string_view node, std::string_view account) override {
    subscribed.emplace_back(node);
    if (outcasts.contains(account)) return Subscribed::refused;
    const auto found = open.find(std::string(node));
    if (found == open.end()) return Subscribed::waits;
    return found->second ? Subscribed::granted : Subscribed::refused;
  }
  bool may_receive(std::string_view, std::string_view node, std::string_view account) override {
    judged.push_back(std::string(node) + " " + std::string(account));
    if (outcasts.contains(account)) return false;
    const auto found = open.find(std::string(node));
    return enabled && found != open.end() && found->second;
  }
  bool may_read(std::string_view, std::string_view, std::string_view account) override {
    return !outcasts.contains(account) && !listeners.contains(account);
  }
  Published publish(std::string_view, std::string_view node, std::string_view account, std::string_view id,
                    const pugi::xml_node& payload, const Intent* intent) override {
    publishers.emplace_back(account);
    if (outcome != Outcome::accepted) {
      return {.outcome = outcome, .reason = reason, .reason_string = "because"};
    }
    ids.emplace_back(id);
    published.push_back(std::string(node) + (id == "current" ? " current " : " ") +
                        payload::serialize(payload));
    hub->own_item_published();
    if (intent != nullptr) carried_out(*intent);
    return {.outcome = Outcome::accepted, .unobserved = unobserved, .items = items};
  }
  std::optional<bool> has_item(std::string_view, std::string_view, std::string_view id) override {
    if (!storage_works) return std::nullopt;
    return std::ranges::count(ids, id) > 0;
  }
  void carried_out(const Intent& intent) override {
    carried_out_intents.push_back(intent.item + " " + std::to_string(intent.packet_identifier));
    ++posts;
  }
  std::uint64_t posted() const override { return posts; }
  Published may_publish(std::string_view, std::string_view, std::string_view account) override {
    publishers.emplace_back(account);
    return {.outcome = outcome, .reason = reason, .reason_string = "because"};
  }
  bool is_administrator(std::string_view account) override { return account == administrator; }
  bool exposes_publisher(std::string_view) override { return exposes; }
  Answer answer(const Inquiry& inquiry) override {
    inquiries.push_back(std::string(inquiry.topic) + " " + std::string(inquiry.account) + " " +
                        std::string(inquiry.payload));
    most_bytes = inquiry.most_bytes;
    if (pieces > 1) {
      --pieces;
      return {.json = std::nullopt, .took = took};
    }
    return {.json = "{}", .took = took};
  }
  void forget_inquiry(SessionId session) override { forgotten.push_back(session); }
  void retract_current(std::string_view host, std::string_view node) override {
    ++retracted;
    hub->item_retracted(host, node, "current");
  }
  void drop_current(std::string_view host, std::string_view node) override {
    dropped.emplace_back(node);
    hub->item_retracted(host, node, "current");
  }
  void wake_after(Time delay) override { wakes_after = delay; }
  void restore(std::string_view, std::string_view node) override {
    asked_to_restore.emplace_back(node);
    if (on_restore) on_restore();
  }
  std::optional<Item> last_item(std::string_view, std::string_view node, std::string_view account) override {
    if (listeners.contains(account)) return std::nullopt;
    const auto found = last_items.find(std::string(node));
    if (found == last_items.end()) return std::nullopt;
    ++items_read;
    return Item{.id = "last",
                .publisher = exposes ? "juliet@capulet.lit" : "",
                .payload = std::get<pugi::xml_document>(payload::parse_element(found->second))};
  }
  void save_retained(std::string_view, std::string_view node, const Retained* retained) override {
    saved[std::string(node)] = retained == nullptr ? std::nullopt : std::optional(retained->payload);
    ++posts;
  }
  void log(LogLevel, const std::string& text) override { lines.push_back(text); }

  Hub* hub = nullptr;
  bool enabled = true;
  bool unobserved = false;
  std::uint64_t items = 0;
  bool exposes = false;
  std::string administrator;
  std::vector<std::string> inquiries;  // "topic account payload": as often as it was asked
  std::size_t most_bytes = 0;          // of the last answer
  int pieces = 1;                      // in which the next inquiry is answered
  std::chrono::nanoseconds took{1000};
  std::vector<SessionId> forgotten;
  std::map<std::string, bool> open{{"node", true}, {"other", true}, {"secret", false}};
  std::set<std::string, std::less<>> outcasts;   // accounts
  std::set<std::string, std::less<>> listeners;  // accounts that may not read what a node keeps
  std::vector<std::string> judged;               // "node account": whether it may receive
  std::vector<std::string> subscribed;           // nodes: where there is none, it may be created
  std::vector<std::string> logins;
  std::vector<std::string> publishers;
  Outcome outcome = Outcome::accepted;
  mqtt::Reason reason = mqtt::Reason::not_authorized;  // of another outcome
  std::vector<std::string> published;
  std::vector<std::string> ids;  // of the items
  bool storage_works = true;     // of the items
  std::vector<std::string> carried_out_intents;
  std::uint64_t posts = 0;
  std::vector<std::string> lines;
  int retracted = 0;                 // with notification
  std::vector<std::string> dropped;  // without
  std::optional<Time> wakes_after;
  std::vector<std::string> asked_to_restore;
  std::function<void()> on_restore;
  std::map<std::string, std::string> last_items;
  int items_read = 0;
  std::map<std::string, std::optional<std::string>> saved;
};

// What a client of MQTT 3.1.1 is told.
inline std::vector<mqtt::Reason> codes(const SubscribeReply& reply) {
  std::vector<mqtt::Reason> all;
  for (const auto result : reply.results) {
    all.push_back(mqtt::is_error(result) ? mqtt::Reason::unspecified_error : result);
  }
  return all;
}

class HubTest : public ::testing::Test {
 protected:
  HubTest() {
    service.hub = &hub;
    for (const auto& [node, open_to_all] : service.open) hub.node_created("pubsub", node);
    open(1);
  }

  void open(SessionId session, const std::string& account = {}) {
    ask(OpenSession{.session = session, .client = "client " + std::to_string(session), .account = account});
  }

  void ask(Request request) {
    std::vector<Request> batch;
    batch.push_back(std::move(request));
    hub.accept(batch);
    while (hub.step()) {
    }
    hub.take_deliveries(deliveries);
  }

  mqtt::Reason subscribe(SessionId session, const std::string& filter,
                         mqtt::QoS qos = mqtt::QoS::at_most_once) {
    ask(AskToSubscribe{
        .session = session, .packet_identifier = 1, .filters = {{.topic_filter = filter, .qos = qos}}});
    return codes(take<SubscribeReply>().back()).at(0);
  }

  Outcome publish(const std::string& topic, const std::string& payload) {
    ask(AskToPublish{.session = 1, .topic = topic, .payload = payload});
    return last_of<PublishReply>().outcome;
  }

  void retain(const std::string& topic, const std::string& payload, mqtt::QoS qos = mqtt::QoS::at_most_once) {
    ask(AskToPublish{.session = 1, .topic = topic, .payload = payload, .qos = qos, .retain = true});
  }

  // The payloads that the client gets first who subscribes now.
  std::vector<std::string> retained(const std::string& filter = "pubsub/json/node") {
    subscribe(1, filter);
    std::vector<std::string> payloads;
    for (const auto& batch : take<RetainedMessages>()) {
      for (const auto& message : batch.messages) payloads.push_back(message.payload);
    }
    ask(RetainedRequest{.session = 1});
    return payloads;
  }

  void create(const std::string& node) {
    service.open[node] = true;
    hub.node_created("pubsub", node);
  }

  template <typename Kind>
  std::vector<Kind> take() {
    std::vector<Kind> found;
    for (const auto& delivery : deliveries) {
      if (const auto* each = std::get_if<Kind>(&delivery)) found.push_back(*each);
    }
    std::erase_if(deliveries,
                  [](const Delivery& delivery) { return std::holds_alternative<Kind>(delivery); });
    return found;
  }

  template <typename Kind>
  Kind last_of() {
    const auto all = take<Kind>();
    EXPECT_FALSE(all.empty());
    return all.empty() ? Kind{} : all.back();
  }

  static pugi::xml_document element(std::string_view text) {
    return std::get<pugi::xml_document>(payload::parse_element(text));
  }

  TestService service;
  Hub hub{service, {}};
  std::vector<Delivery> deliveries;
};

}  // namespace pubsub_mqtt::hub
