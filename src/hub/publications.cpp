#include "publications.h"

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "expected_work.h"
#include "item_properties.h"
#include "pubsub_mqtt/base/random_ids.h"
#include "pubsub_mqtt/payload/binary.h"
#include "pubsub_mqtt/payload/prepare.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::hub {
namespace {

using Outcome = PublishReply::Outcome;

PubsubService::Published refused(mqtt::Reason reason, std::string_view text) {
  return {.outcome = Outcome::refused, .reason = reason, .reason_string = std::string(text)};
}

PubsubService::Published no_node(std::string_view text) {
  return refused(mqtt::Reason::topic_name_invalid, text);
}

PubsubService::Published bad_payload(std::string_view text) {
  return refused(text == payload::too_many_elements ? mqtt::Reason::quota_exceeded
                                                    : mqtt::Reason::payload_format_invalid,
                 text);
}

PubsubService::Published too_many_properties() {
  return refused(mqtt::Reason::quota_exceeded, "the properties of a message are 65536 bytes at most");
}

// The client sends it again behind the one that failed: published now, it would come before it
// [MQTT-4.6.0-6].
bool is_behind_a_failure(const Client& client, const Ticket& ticket) {
  return client.failed == ticket.connection && ticket.qos != mqtt::QoS::at_most_once && !ticket.will;
}

// `payload_of` is given each TYPE that has an audience. Returns false where none has.
template <typename PayloadOf>
bool post(const Shared& shared, const Node& node, ItemPublished item, PayloadOf&& payload_of) {
  item.node = node.id;
  bool any = false;
  topic::for_each_form(node.mounted, [&](topic::Form form) {
    auto& payload = item.payloads[form.index()];
    if (node.is_received(form, item.natural_type)) payload = payload_of(form.type);
    any = any || payload.has_value();
  });
  if (any) shared.deliveries.emplace_back(std::move(item));
  return any;
}

// For `type`, of an element whose natural payload is known.
std::optional<std::string> translate(const pugi::xml_node& element, const payload::NaturalPayload& natural,
                                     topic::Type type) {
  if (type == topic::Type::xml) return payload::to_mqtt(type, element);
  return type == natural.type ? natural.payload : std::nullopt;
}

// Of an item from XMPP: of all that its properties say, only the media type of binary data is about a form.
std::optional<topic::Type> form_of_properties(topic::Type natural) {
  return natural == topic::Type::binary ? std::optional(natural) : std::nullopt;
}

}  // namespace

void Publications::carry_out(Client& client, PublishRequest& request) {
  Publication& publication = request.publication;
  shared_.work += work_of(request);
  const auto posted = shared_.service.posted();
  Published published;
  std::shared_ptr<const Route> way;
  if (!is_behind_a_failure(client, request.ticket)) {
    const auto topic = topic::parse_topic(publication.topic);
    const auto* node_topic = std::get_if<topic::NodeTopic>(&topic);
    const std::string_view meant = publication.topic;
    const auto named = meant.substr(request.mounted_at);
    if (topic::count_levels(named) > shared_.limits.max_topic_levels) {
      published = no_node(topic::too_many_levels);
    } else if (node_topic == nullptr) {
      published = no_node(std::get<topic::NoNodeTopic>(topic).reason);
    } else {
      published = publish(client, request, *node_topic);
    }
    const bool is_will_about_the_broker = request.ticket.will && is_about_the_broker(publication.topic);
    if (published.outcome != Outcome::accepted && !is_will_about_the_broker) {
      log_refusal(shared_, client, request.ticket.will ? "will" : "PUBLISH",
                  printable_topic(publication.topic, request.mounted_at), published.reason_string);
    }
    if (published.unobserved && !publication.envelope.retain && !request.ticket.will) {
      way = route(*node_topic, published);
    }
  }
  if (published.outcome == Outcome::failed) client.failed = request.ticket.connection;
  count(published);
  shared_.deliveries.emplace_back(PublishReply{.ticket = request.ticket,
                                               .outcome = published.outcome,
                                               .reason = told(published, publication.envelope),
                                               .reason_string = std::move(published.reason_string),
                                               .topic = std::move(publication.topic),
                                               .mounted_at = request.mounted_at,
                                               .awaits_commit = shared_.service.posted() != posted,
                                               .route = std::move(way)});
}

void Publications::count(const Published& published) const {
  switch (published.outcome) {
    case Outcome::accepted:
      ++shared_.metrics.accepted_publishes;
      break;
    case Outcome::refused:
      shared_.metrics.refused_publishes.add(published.reason);
      break;
    case Outcome::failed:
      ++shared_.metrics.failed_publishes;
      break;
  }
}

// What the client is told. Where nobody but MQTT sees what is published, the store may have it.
mqtt::Reason Publications::told(const Published& published, const Envelope& envelope) const {
  if (published.outcome != Outcome::accepted) return published.reason;
  const bool nobody_has_it =
      published.unobserved && published.items == 0 && !envelope.retain && !own_was_posted_;
  return nobody_has_it ? mqtt::Reason::no_matching_subscribers : mqtt::Reason::success;
}

// How the client may go on publishing to the topic, if pubsub has seen for nothing what it has just published. The
// node is looked up anew: it may have gone since.
std::shared_ptr<const Route> Publications::route(const topic::NodeTopic& topic, const Published& published) {
  Node* node = nodes_.find(topic.host, topic.node);
  if (node == nullptr || !node->exists) return nullptr;
  return node->open_route(payload::certain_payload_size(shared_.limits.max_item_size), published.items,
                          shared_.service.exposes_publisher(topic.host));
}

PubsubService::Published Publications::publish(const Client& client, const PublishRequest& request,
                                               const topic::NodeTopic& topic) {
  const Publication& publication = request.publication;
  const auto& properties = publication.envelope.properties;
  if (properties != nullptr && properties->size() > max_properties_size) return too_many_properties();
  switch (shared_.service.host_status(topic.host)) {
    case PubsubService::HostStatus::unknown:
      return no_node("no pubsub component of that name is configured");
    case PubsubService::HostStatus::configured:
      return {.outcome = Outcome::failed, .reason_string = "pubsub_mqtt is not loaded on the component now"};
    case PubsubService::HostStatus::enabled:
      break;
  }
  if (!shared_.names.are_short_enough(topic.host, topic.node)) return no_node(NodeNames::too_long);
  return publication.envelope.retain && publication.payload.empty() ? clear(client, publication, topic)
                                                                    : publish_item(client, request, topic);
}

PubsubService::Published Publications::publish_item(const Client& client, const PublishRequest& request,
                                                    const topic::NodeTopic& topic) {
  const Publication& publication = request.publication;
  const PreparedItem& prepared = request.prepared;
  if (!prepared.refusal.empty()) return bad_payload(prepared.refusal);
  const auto document = to_item(client, request, topic);
  if (const auto* bad = std::get_if<payload::Refused>(&document)) return bad_payload(bad->reason);
  const pugi::xml_node element = std::get<pugi::xml_document>(document).document_element();
  const auto is_published = is_published_already(request, topic);
  if (!is_published) return {.outcome = Outcome::failed, .reason_string = "pubsub's storage cannot be read"};
  const Own own{.topic = topic,
                .publication = publication,
                .element = element,
                .type = concrete(topic.type, prepared.type),
                .is_again = *is_published,
                .is_stand_in = !prepared.content_id.empty() && !prepared.base64};
  const auto& intent = request.intent;
  std::string id(retained_id);
  if (!publication.envelope.retain)
    id = intent ? intent->item : item_id(random_, std::chrono::system_clock::now());
  own_ = &own;
  own_was_posted_ = false;
  Published published{.outcome = Outcome::accepted};
  if (*is_published) {
    own_item_published();
    shared_.service.carried_out(*intent);
  } else {
    published = shared_.service.publish(topic.host, topic.node, client.account, id, element,
                                        intent ? &*intent : nullptr);
  }
  own_ = nullptr;
  return published;
}

// Where the client sends again what the crash of an earlier process came between: then pubsub and XMPP have it, and
// subscribers of MQTT have not. A retained message may be set again, as long as nobody says that this was done.
std::optional<bool> Publications::is_published_already(const PublishRequest& request,
                                                       const topic::NodeTopic& topic) const {
  const auto& intent = request.intent;
  if (!intent || !intent->is_again) return false;
  if (intent->is_published) return true;
  if (request.publication.envelope.retain) return false;
  return shared_.service.has_item(topic.host, topic.node, intent->item);
}

std::variant<pugi::xml_document, payload::Refused> Publications::to_item(const Client& client,
                                                                         const PublishRequest& request,
                                                                         const topic::NodeTopic& topic) {
  const auto& prepared = request.prepared;
  if (!prepared.content_id.empty())
    return payload::bits_of_binary(prepared.content_id, prepared.media_type, prepared.base64);
  const bool is_entry = topic.type == topic::Type::atom_title;
  const std::string entry_id = is_entry ? random_uuid_urn(random_) : std::string();
  const bool exposes_publisher = is_entry && shared_.service.exposes_publisher(topic.host);
  return payload::to_element(concrete(topic.type, prepared.type), request.publication.payload,
                             {.id = entry_id,
                              .author = payload::atom_author(client.account, topic.host, exposes_publisher),
                              .updated = std::time(nullptr)},
                             shared_.limits.max_xml_elements);
}

// A publish with RETAIN and an empty payload: there is no retained message any more [MQTT-3.3.1-10].
PubsubService::Published Publications::clear(const Client& client, const Publication& publication,
                                             const topic::NodeTopic& topic) {
  auto allowed = shared_.service.may_publish(topic.host, topic.node, client.account);
  Node* node = nodes_.find(topic.host, topic.node);
  if (allowed.outcome != Outcome::accepted || node == nullptr || !node->exists) return allowed;
  retained_.know(*node);
  retained_.clear(*node, publication.envelope, topic.type);
  shared_.service.retract_current(topic.host, topic.node);
  return allowed;
}

bool Publications::wants_item(std::string_view host, std::string_view name, std::string_view id) {
  const Node* node = nodes_.find(host, name);
  return node != nullptr && (node->has_audience() || id == retained_id || node->has_ended);
}

void Publications::item_published(std::string_view host, std::string_view name, std::string_view id,
                                  const pugi::xml_node& element, std::string_view publisher) {
  Node* node = nodes_.find(host, name);
  if (node == nullptr) return;
  node->has_ended = false;
  const bool is_retained = id == retained_id;
  if (!is_retained && !node->has_audience()) return;
  const auto natural = payload::natural_payload(element);
  const auto properties = item_properties(id, publisher, natural.type, element);
  Envelope envelope = retained_item(properties);
  envelope.retain = is_retained;
  post(shared_, *node,
       {.natural_type = natural.type,
        .payloads = {},
        .published_as = form_of_properties(natural.type),
        .envelope = std::move(envelope)},
       [&](topic::Type type) { return translate(element, natural, concrete(type, natural.type)); });
  if (!is_retained) return;
  if (auto retained = retained_from_item(element, natural, properties)) {
    retained_.set(*node, std::move(*retained));
  } else {
    retained_.forget(*node);
  }
}

void Publications::own_item_published() {
  const auto& [topic, publication, element, published, is_again, is_stand_in] = *own_;
  Node* node = nodes_.find(topic.host, topic.node);
  if (node == nullptr) return;
  if (!is_again) node->has_ended = false;
  if (!publication.envelope.retain && !node->has_audience()) return;
  payload::NaturalPayload natural{.type = published, .payload = {}};
  if (published == topic::Type::xml && !is_stand_in) natural = payload::natural_payload(element);
  own_was_posted_ =
      post(shared_, *node,
           {.natural_type = natural.type,
            .payloads = {},
            .published_as = published,
            .envelope = publication.envelope},
           [&](topic::Type type) -> std::optional<std::string> {
             const topic::Type wanted = concrete(type, natural.type);
             // MQTT to MQTT is exact to the byte.
             if (wanted == own_->type) return own_->publication.payload;
             if (own_->is_stand_in)
               return large_view(own_->type, own_->publication.payload, own_->publication.envelope, wanted);
             return translate(own_->element, natural, wanted);
           });
  if (!publication.envelope.retain || is_again) return;
  retained_.set(*node, {.type = published,
                        .natural_type = natural.type,
                        .payload = publication.payload,
                        .element = payload::serialize(element),
                        .is_large = is_stand_in,
                        .envelope = publication.envelope});
}

}  // namespace pubsub_mqtt::hub
