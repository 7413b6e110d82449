// SUBSCRIBE and UNSUBSCRIBE, and the retained messages that the first one brings.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "client.h"
#include "filter_tree.h"
#include "nodes.h"

namespace pubsub_mqtt::hub {
namespace {

// Nodes that a wildcard looks at in one step.
constexpr std::size_t nodes_a_step = 100;
constexpr int filters_a_step = 100;

constexpr std::string_view too_many = "the client has as many subscriptions as mqtt_max_subscriptions allows";
constexpr std::string_view too_many_wildcards =
    "the client has as many subscriptions with a wildcard as mqtt_max_wildcard_subscriptions allows";

void raise(std::optional<mqtt::QoS>& to, mqtt::QoS qos) { to = std::max(to.value_or(qos), qos); }

}  // namespace

bool Hub::carry_out(Client& client, SessionId session, SubscribeRequest& request) {
  if (client.subscriber == nullptr) client.subscriber = std::make_unique<Subscriber>();
  const auto& filter = request.subscriptions[client.subscriber->results.size()];
  const Progress progress = subscribe(client, session, filter);
  if (progress == Progress::unfinished) return false;
  if (progress == Progress::granted) {
    client.subscriber->results.push_back(filter.qos);
  } else {
    client.subscriber->results.push_back(mqtt::Reason::not_authorized);
  }
  if (client.subscriber->results.size() < request.subscriptions.size()) return false;
  for (std::size_t i = 0; i < request.subscriptions.size(); ++i) {
    if (std::holds_alternative<mqtt::QoS>(client.subscriber->results[i]))
      start_scan(client, session, request.subscriptions[i]);
  }
  deliveries_.emplace_back(SubscribeReply{.ticket = request.ticket,
                                          .subscriptions = std::move(request.subscriptions),
                                          .results = std::move(client.subscriber->results)});
  client.subscriber->results.clear();
  return true;
}

Hub::Progress Hub::subscribe(Client& client, SessionId session, const Subscription& filter) {
  if (topic::count_levels(filter.topic_filter) > limits_.max_topic_levels) {
    return refuse_filter(client, session, filter.topic_filter, topic::too_many_levels);
  }
  const auto parsed = topic::parse_filter(filter.topic_filter);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed))
    return subscribe_node(client, session, filter, *topic);
  if (const auto* pattern = std::get_if<topic::NodePattern>(&parsed)) {
    return subscribe_pattern(client, session, filter, *pattern);
  }
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) {
    return refuse_filter(client, session, filter.topic_filter, none->reason);
  }
  return Progress::granted;
}

Hub::Progress Hub::subscribe_node(Client& client, SessionId session, const Subscription& filter,
                                  const topic::NodeTopic& topic) {
  const auto status = service_.host_status(topic.host);
  if (status == PubsubService::HostStatus::unknown) {
    return refuse_filter(client, session, filter.topic_filter,
                         "no pubsub component of that name is configured");
  }
  // Before pubsub is asked, which may create the node.
  if (!client.subscriber->filters.contains(filter.topic_filter) && has_all_filters(client)) {
    return refuse_filter(client, session, filter.topic_filter, too_many);
  }
  // On a host that is configured only it is granted, and waits.
  if (status == PubsubService::HostStatus::enabled &&
      service_.subscribe(topic.host, topic.node, client.account) == PubsubService::Subscribed::refused) {
    return refuse_filter(client, session, filter.topic_filter,
                         "the client may not read the node: give its account an affiliation, or set "
                         "access_model to \"open\"");
  }
  client.subscriber->filters.insert_or_assign(filter.topic_filter, filter.qos);
  update(nodes_->open(topic.host, topic.node), client, session);
  return Progress::granted;
}

Hub::Progress Hub::subscribe_pattern(Client& client, SessionId session, const Subscription& filter,
                                     const topic::NodePattern& pattern) {
  if (pattern.host != "+" && service_.host_status(pattern.host) == PubsubService::HostStatus::unknown) {
    return refuse_filter(client, session, filter.topic_filter,
                         "no pubsub component of that name is configured");
  }
  const auto known = client.subscriber->patterns.find(filter.topic_filter);
  if (known != client.subscriber->patterns.end()) {
    known->second.qos = filter.qos;
  } else if (has_all_filters(client)) {
    return refuse_filter(client, session, filter.topic_filter, too_many);
  } else if (client.subscriber->patterns.size() >= limits_.max_wildcard_subscriptions) {
    return refuse_filter(client, session, filter.topic_filter, too_many_wildcards);
  } else {
    const auto place = client.subscriber->patterns.try_emplace(filter.topic_filter).first;
    place->second = {.pattern = std::get<topic::NodePattern>(topic::parse_filter(place->first)),
                     .qos = filter.qos};
    patterns_->insert(filter.topic_filter, session);
  }
  return walk(client, session, pattern) ? Progress::granted : Progress::unfinished;
}

// A filter that was subscribed and is refused now is removed.
Hub::Progress Hub::refuse_filter(Client& client, SessionId session, std::string_view filter,
                                 std::string_view reason) {
  if (!unsubscribe(client, session, filter)) return Progress::unfinished;
  refuse(client, "SUBSCRIBE", filter, reason);
  return Progress::refused;
}

bool Hub::carry_out(Client& client, SessionId session, UnsubscribeRequest& request) {
  if (client.subscriber == nullptr) client.subscriber = std::make_unique<Subscriber>();
  if (!unsubscribe(client, session, request.topic_filters[client.subscriber->filters_done])) return false;
  if (++client.subscriber->filters_done < request.topic_filters.size()) return false;
  client.subscriber->filters_done = 0;
  deliveries_.emplace_back(
      UnsubscribeReply{.ticket = request.ticket, .topic_filters = std::move(request.topic_filters)});
  return true;
}

bool Hub::unsubscribe(Client& client, SessionId session, std::string_view topic_filter) {
  std::erase_if(client.subscriber->scans,
                [&](const Scan& scan) { return scan.topic_filter == topic_filter; });
  if (const auto filter = client.subscriber->filters.find(topic_filter);
      filter != client.subscriber->filters.end()) {
    const auto topic = std::get<topic::NodeTopic>(topic::parse_topic(topic_filter));
    Node* node = nodes_->find(topic.host, topic.node);
    client.subscriber->filters.erase(filter);
    update(*node, client, session);
    nodes_->forget_if_unused(*node);
    return true;
  }
  const auto pattern = client.subscriber->patterns.find(topic_filter);
  if (pattern == client.subscriber->patterns.end() && !client.subscriber->walked) return true;
  if (pattern != client.subscriber->patterns.end()) {
    patterns_->erase(topic_filter, session);
    client.subscriber->patterns.erase(pattern);
  }
  return walk(client, session, std::get<topic::NodePattern>(topic::parse_filter(topic_filter)));
}

bool Hub::unsubscribe_all(Client& client, SessionId session) {
  Subscriber& subscriber = *client.subscriber;
  subscriber.scans.clear();
  if (!subscriber.patterns.empty()) {
    for (const auto& [text, pattern] : subscriber.patterns) patterns_->erase(text, session);
    subscriber.patterns.clear();
    subscriber.walked = 0;
  }
  if (subscriber.walked && !walk(client, session, {.host = "+", .type = {}, .node = "#"})) return false;
  for (int i = 0; i < filters_a_step && !subscriber.filters.empty(); ++i) {
    unsubscribe(client, session, std::string(subscriber.filters.begin()->first));
  }
  return subscriber.filters.empty();
}

bool Hub::has_all_filters(const Client& client) const {
  return client.subscriber->filters.size() + client.subscriber->patterns.size() >= limits_.max_subscriptions;
}

bool Hub::walk(Client& client, SessionId session, const topic::NodePattern& pattern) {
  NodeId position = client.subscriber->walked.value_or(0);
  // Each node is held against each of the client's patterns.
  const std::size_t nodes = std::max<std::size_t>(1, nodes_a_step / (client.subscriber->patterns.size() + 1));
  for (std::size_t i = 0; i < nodes; ++i) {
    Node* node = nodes_->next(position);
    if (node == nullptr) {
      client.subscriber->walked.reset();
      return true;
    }
    position = node->id;
    const bool concerned = node->exists || node->members.contains(session);
    if (concerned && pattern.selects(node->host, node->name)) update(*node, client, session);
    nodes_->forget_if_unused(*node);
  }
  client.subscriber->walked = position;
  return false;
}

void Hub::update(Node& node, Client& client, SessionId session) {
  update(node, client, session, service_.may_receive(node.host, node.name, client.account));
}

void Hub::update(Node& node, Client& client, SessionId session, bool may_receive) {
  Selection asked;
  for (std::size_t i = 0; i < topic::type_count; ++i) {
    const auto filter =
        client.subscriber->filters.find(topic::make_topic(node.host, static_cast<topic::Type>(i), node.name));
    if (filter != client.subscriber->filters.end()) asked.by_type[i] = filter->second;
  }
  if (node.exists) {
    for (const auto& [filter, entry] : client.subscriber->patterns) {
      const auto& [pattern, qos] = entry;
      if (!pattern.selects(node.host, node.name)) continue;
      raise(pattern.type ? asked.by_type[static_cast<std::size_t>(*pattern.type)] : asked.natural, qos);
    }
  }
  nodes_->ask(node, session, asked, may_receive);
}

void Hub::start_scan(Client& client, SessionId session, const Subscription& filter) {
  // Others ($SYS/...) bring nothing, and nothing counts them.
  if (!client.subscriber->filters.contains(filter.topic_filter) &&
      !client.subscriber->patterns.contains(filter.topic_filter))
    return;
  std::erase_if(client.subscriber->scans,
                [&](const Scan& scan) { return scan.topic_filter == filter.topic_filter; });
  // Not earlier: while the SUBSCRIBE was carried out, the session was not in every audience yet.
  client.subscriber->scans.push_back(
      {.topic_filter = filter.topic_filter, .qos = filter.qos, .since = last_retained_});
  if (std::exchange(client.subscriber->may_send_retained, false))
    client.waiting.push_back(RetainedRequest{.session = session});
}

// One filter a turn, so that none of them costs more than a step may. What it brings goes at once: by the
// next turn something newer may have gone out live.
bool Hub::carry_out(Client& client, SessionId session, RetainedRequest& /*request*/) {
  if (!client.subscriber->scans.empty()) {
    const bool done = scan(client, session, client.subscriber->scans.front());
    if (done && !client.subscriber->has_batch()) client.subscriber->scans.pop_front();
    if (!client.subscriber->scans.empty() && client.subscriber->retained.empty()) return false;
  }
  if (client.subscriber->retained.empty()) {
    client.subscriber->may_send_retained = true;
  } else {
    client.subscriber->retained_bytes = 0;
    deliveries_.emplace_back(
        RetainedMessages{.session = session, .messages = std::exchange(client.subscriber->retained, {})});
  }
  return true;
}

// Goes through some of the nodes. True: the scan is done, or the batch is full.
bool Hub::scan(Client& client, SessionId session, Scan& scan) {
  const auto parsed = topic::parse_filter(scan.topic_filter);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) {
    Node* node = nodes_->find(topic->host, topic->node);
    const bool read = node != nullptr && node->id <= scan.position;
    if (node == nullptr || read) return true;
    scan.position = node->id;
    read_retained(client, session, *node, scan, topic->type);
    return true;
  }
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  if (pattern == nullptr) return true;
  for (std::size_t i = 0; i < nodes_a_step; ++i) {
    Node* node = nodes_->next(scan.position);
    if (node == nullptr) return true;
    scan.position = node->id;
    const bool read_item = pattern->selects(node->host, node->name) &&
                           read_retained(client, session, *node, scan, pattern->type);
    if (client.subscriber->has_batch()) return true;
    if (read_item) return false;
  }
  return false;
}

bool Hub::read_retained(Client& client, SessionId session, Node& node, const Scan& scan,
                        std::optional<topic::Type> type) {
  const auto member = node.members.find(session);
  if (member == node.members.end() || member->second.posted.empty() || node.retained_at > scan.since)
    return false;
  RetainedMessages::Message message{
      .node = node.id, .type = type.value_or(topic::Type::xml), .payload = {}, .envelope = {}};
  message.envelope = {.qos = scan.qos, .retain = true};
  std::optional<std::string> text;
  if (node.retained) {
    if (!service_.may_read(node.host, node.name, client.account)) return false;
    message.type = type.value_or(node.retained->natural_type);
    message.envelope = node.retained->envelope;
    message.envelope.qos = std::min(scan.qos, message.envelope.qos);
    text = node.retained->view(message.type);
  } else {
    pugi::xml_document item;
    if (!service_.last_item(node.host, node.name, client.account, item)) return false;
    const pugi::xml_node element = item.document_element();
    message.type = type.value_or(payload::natural_type(element));
    text = payload::to_mqtt(message.type, element);
  }
  // An empty retained message is none [MQTT-3.3.1-11].
  if (text && !text->empty()) {
    client.subscriber->retained_bytes += text->size();
    message.payload = std::move(*text);
    client.subscriber->retained.push_back(std::move(message));
  }
  return !node.retained;
}

}  // namespace pubsub_mqtt::hub
