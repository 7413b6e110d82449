// PUBLISH, and what pubsub's items become for MQTT.
#include <algorithm>
#include <ctime>
#include <string>
#include <utility>
#include <variant>

#include "client.h"
#include "nodes.h"
#include "pubsub_mqtt/base/printable.h"
#include "pubsub_mqtt/payload/xml_text.h"
#include "random_ids.h"

namespace pubsub_mqtt::hub {
namespace {

using Outcome = PublishReply::Outcome;

// XEP-0060's singleton item is how pubsub shows a retained message.
constexpr std::string_view retained_id = "current";

// What `<item>` and its attributes add to the payload, and what XML escaping makes of one byte at most.
constexpr std::size_t item_overhead = 512;
constexpr std::size_t escaped_size = 6;

// Nothing of that size is too large.
std::size_t certain_payload_size(std::size_t max_item_size) {
  return (std::max(max_item_size, item_overhead) - item_overhead) / escaped_size;
}

bool is_too_large(const pugi::xml_node& payload, std::size_t payload_size, std::size_t max_item_size) {
  // Seldom worth the serialising: only an item that could be too large is measured.
  if (payload_size <= certain_payload_size(max_item_size)) return false;
  return payload::serialize(payload).size() + item_overhead > max_item_size;
}

PubsubService::Published refused(std::string_view reason) {
  return {.outcome = Outcome::refused, .reason = std::string(reason)};
}

}  // namespace

// The envelope of an item that a client publishes: what pubsub does not carry.
struct Hub::Publication {
  const topic::NodeTopic& topic;
  const PublishRequest& request;
  const pugi::xml_node payload;
};

bool Hub::carry_out(Client& client, SessionId /*session*/, PublishRequest& request) {
  PubsubService::Published published;
  if (!is_behind_a_failure(client, request)) {
    published = publish(client, request);
    if (published.outcome != Outcome::accepted) {
      refuse(client, request.ticket.will ? "will" : "PUBLISH", request.publication.topic, published.reason);
    }
  }
  if (published.outcome == Outcome::failed) client.failed = request.ticket.connection;
  auto way = route(request, published);
  deliveries_.emplace_back(PublishReply{.ticket = request.ticket,
                                        .outcome = published.outcome,
                                        .topic = std::move(request.publication.topic),
                                        .route = std::move(way)});
  return true;
}

// The client sends it again behind the one that failed: published now, it would come before it
// [MQTT-4.6.0-6].
bool Hub::is_behind_a_failure(const Client& client, const PublishRequest& request) {
  return client.failed == request.ticket.connection && request.ticket.qos != mqtt::QoS::at_most_once &&
         !request.ticket.will;
}

// How the client may go on publishing to the topic, if pubsub has seen for nothing what it has just
// published.
std::shared_ptr<const Route> Hub::route(const PublishRequest& request,
                                        const PubsubService::Published& published) {
  if (!published.unobserved || request.publication.envelope.retain || request.ticket.will) return nullptr;
  const auto topic = std::get<topic::NodeTopic>(topic::parse_topic(request.publication.topic));
  Node* node = nodes_->find(topic.host, topic.node);
  if (node == nullptr || !node->exists) return nullptr;
  // As XML an Atom entry has an identifier and a date, which are given here.
  if (topic.type == topic::Type::atom_title && node->is_received(topic::Type::xml, topic.type))
    return nullptr;
  return node->open_route(certain_payload_size(limits_.max_item_size));
}

// A will is judged when it is published; what can never succeed is worth a warning now.
bool Hub::check_will() {
  if (announced_wills_.empty()) return false;
  const AnnounceWill will = std::move(announced_wills_.front());
  announced_wills_.pop_front();
  const auto client = clients_.find(will.session);
  if (client == clients_.end()) return true;
  std::string_view reason;
  const auto parsed = topic::parse_topic(will.will.topic);
  if (topic::count_levels(will.will.topic) > limits_.max_topic_levels) {
    reason = topic::too_many_levels;
  } else if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) {
    reason = none->reason;
  } else if (const auto& topic = std::get<topic::NodeTopic>(parsed);
             service_.host_status(topic.host) == PubsubService::HostStatus::unknown) {
    reason = "no pubsub component of that name is configured";
  } else if (!will.will.envelope.retain || !will.will.payload.empty()) {
    const auto element = payload::to_element(topic.type, will.will.payload, {.id = "", .author = "anonymous"},
                                             limits_.max_xml_elements);
    if (const auto* bad = std::get_if<payload::Refused>(&element)) reason = bad->reason;
  }
  if (!reason.empty()) {
    service_.log(LogLevel::warn, client->second.name + ": its will can never be published to " +
                                     printable(will.will.topic) + ": " + std::string(reason));
  }
  return true;
}

PubsubService::Published Hub::publish(const Client& client, const PublishRequest& request) {
  if (topic::count_levels(request.publication.topic) > limits_.max_topic_levels)
    return refused(topic::too_many_levels);
  const auto parsed = topic::parse_topic(request.publication.topic);
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) return refused(none->reason);
  const auto& topic = std::get<topic::NodeTopic>(parsed);
  switch (service_.host_status(topic.host)) {
    case PubsubService::HostStatus::unknown:
      return refused("no pubsub component of that name is configured");
    case PubsubService::HostStatus::configured:
      return {.outcome = Outcome::failed, .reason = "pubsub_mqtt is not loaded on the component now"};
    case PubsubService::HostStatus::enabled:
      break;
  }
  return request.publication.envelope.retain && request.publication.payload.empty()
             ? clear(client, request, topic)
             : publish_item(client, request, topic);
}

PubsubService::Published Hub::publish_item(const Client& client, const PublishRequest& request,
                                           const topic::NodeTopic& topic) {
  const bool is_entry = topic.type == topic::Type::atom_title;
  const std::string entry_id = is_entry ? random_uuid_urn(random_) : std::string();
  std::string_view author = client.account.empty() ? "anonymous" : topic.host;
  if (is_entry && !client.account.empty() && service_.exposes_publisher(topic.host)) author = client.account;
  const auto element = payload::to_element(topic.type, request.publication.payload,
                                           {.id = entry_id, .author = author, .updated = std::time(nullptr)},
                                           limits_.max_xml_elements);
  if (const auto* bad = std::get_if<payload::Refused>(&element)) return refused(bad->reason);
  const pugi::xml_node payload = std::get<pugi::xml_document>(element).document_element();
  if (is_too_large(payload, request.publication.payload.size(), limits_.max_item_size)) {
    return refused("the item is larger than mqtt_max_item_size");
  }
  Publication publication{.topic = topic, .request = request, .payload = payload};
  publication_ = &publication;
  const std::string id =
      request.publication.envelope.retain ? std::string(retained_id) : random_item_id(random_);
  auto published = service_.publish(topic.host, topic.node, client.account, id, payload);
  publication_ = nullptr;
  return published;
}

// A publish with RETAIN and an empty payload: there is no retained message any more [MQTT-3.3.1-10].
PubsubService::Published Hub::clear(const Client& client, const PublishRequest& request,
                                    const topic::NodeTopic& topic) {
  auto allowed = service_.may_publish(topic.host, topic.node, client.account);
  Node* node = nodes_->find(topic.host, topic.node);
  if (allowed.outcome != Outcome::accepted || node == nullptr || !node->exists) return allowed;
  post_cleared(*node, request.ticket.qos, topic.type);
  forget_retained(*node);
  service_.retract_current(topic.host, topic.node);
  return allowed;
}

bool Hub::wants_item(std::string_view host, std::string_view name, std::string_view id) {
  const Node* node = nodes_->find(host, name);
  return node != nullptr && (node->has_audience() || id == retained_id);
}

void Hub::item_published(std::string_view host, std::string_view name, std::string_view id,
                         const pugi::xml_node& payload) {
  Node* node = nodes_->find(host, name);
  if (node == nullptr) return;
  post_item(*node, payload, nullptr);
  if (id != retained_id) return;
  if (auto retained = retained_from_item(payload)) {
    retain(*node, std::move(*retained));
  } else {
    forget_retained(*node);
  }
}

void Hub::own_item_published() {
  const PublishRequest& request = publication_->request;
  Node* node = nodes_->find(publication_->topic.host, publication_->topic.node);
  if (node == nullptr) return;
  post_item(*node, publication_->payload, publication_);
  if (!request.publication.envelope.retain) return;
  retain(*node, {.type = publication_->topic.type,
                 .natural_type = payload::natural_type(publication_->payload),
                 .payload = request.publication.payload,
                 .element = payload::serialize(publication_->payload),
                 .envelope = request.publication.envelope});
}

void Hub::post_item(Node& node, const pugi::xml_node& payload, const Publication* publication) {
  if (!node.has_audience()) return;
  ItemPublished item{.node = node.id, .natural_type = payload::natural_type(payload), .payloads = {}};
  if (publication != nullptr) item.envelope = publication->request.publication.envelope;
  bool any = false;
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    const auto type = static_cast<topic::Type>(i);
    if (!node.is_received(type, item.natural_type)) continue;
    // MQTT to MQTT is exact to the byte.
    if (publication != nullptr && publication->topic.type == type) {
      item.payloads[i] = publication->request.publication.payload;
    } else {
      item.payloads[i] = payload::to_mqtt(type, payload);
    }
    any = any || item.payloads[i].has_value();
  }
  if (any) deliveries_.emplace_back(std::move(item));
}

void Hub::item_retracted(std::string_view host, std::string_view name, std::string_view id) {
  if (id == retained_id) node_purged(host, name);
}

void Hub::node_purged(std::string_view host, std::string_view name) {
  Node* node = nodes_->find(host, name);
  if (node == nullptr || !node->retained) return;
  post_cleared(*node, mqtt::QoS::exactly_once, std::nullopt);
  forget_retained(*node);
}

// An empty message on the topic of the clear, where one asked for it, and on the natural topic of what is
// cleared.
void Hub::post_cleared(Node& node, mqtt::QoS qos, std::optional<topic::Type> type_of_clear) {
  if (!node.has_audience()) return;
  const auto natural_type =
      node.retained ? node.retained->natural_type : type_of_clear.value_or(topic::Type::xml);
  ItemPublished item{.node = node.id, .natural_type = natural_type, .payloads = {}, .envelope = {.qos = qos}};
  item.payloads[static_cast<std::size_t>(natural_type)].emplace();
  if (type_of_clear) item.payloads[static_cast<std::size_t>(*type_of_clear)].emplace();
  deliveries_.emplace_back(std::move(item));
}

void Hub::retain(Node& node, Retained retained) {
  node.retained = std::make_unique<Retained>(std::move(retained));
  node.retained_at = ++last_retained_;
  service_.save_retained(node.host, node.name, node.retained.get());
}

void Hub::forget_retained(Node& node) {
  if (!node.retained) return;
  node.retained.reset();
  service_.save_retained(node.host, node.name, nullptr);
}

void Hub::restore_current(std::string_view host, std::string_view name, const pugi::xml_node& payload) {
  Node* node = nodes_->find(host, name);
  if (node == nullptr || !node->exists) return;
  if (auto retained = retained_from_item(payload)) retain(*node, std::move(*retained));
}

void Hub::restore_retained(std::string_view host, std::string_view name, Retained retained) {
  Node* node = nodes_->find(host, name);
  if (node != nullptr && node->exists) {
    if (!node->retained) node->retained = std::make_unique<Retained>(std::move(retained));
  } else {
    service_.save_retained(host, name, nullptr);
  }
}

}  // namespace pubsub_mqtt::hub
