#include "subscriptions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace pubsub_mqtt::hub {
namespace {

// Nodes that a wildcard looks at in one step.
constexpr std::size_t nodes_a_step = 100;
constexpr int filters_a_step = 100;

constexpr std::string_view unknown_host = "no pubsub component of that name is configured";
constexpr std::string_view too_many = "the client has as many subscriptions as mqtt_max_subscriptions allows";
constexpr std::string_view too_many_wildcards =
    "the client has as many subscriptions with a wildcard as mqtt_max_wildcard_subscriptions allows";
constexpr std::string_view may_not_read =
    "the client may not read the node: give its account an affiliation, or set access_model to \"open\"";

Subscriber& subscriber_of(Client& client) {
  if (client.subscriber == nullptr) client.subscriber = std::make_unique<Subscriber>();
  return *client.subscriber;
}

}  // namespace

bool Subscriptions::carry_out(Client& client, SubscribeRequest& request) {
  auto& results = subscriber_of(client).results;
  const auto& filter = request.subscriptions[results.size()];
  const Progress progress = subscribe(client, filter);
  if (progress == Progress::unfinished) return false;
  if (progress == Progress::granted) {
    results.push_back(filter.qos);
  } else {
    results.push_back(mqtt::Reason::not_authorized);
  }
  if (results.size() < request.subscriptions.size()) return false;
  for (std::size_t i = 0; i < request.subscriptions.size(); ++i) {
    if (std::holds_alternative<mqtt::QoS>(results[i])) scans_.start(client, request.subscriptions[i]);
  }
  shared_.deliveries.emplace_back(SubscribeReply{.ticket = request.ticket,
                                                 .subscriptions = std::move(request.subscriptions),
                                                 .results = std::exchange(results, {})});
  return true;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& filter) {
  if (topic::count_levels(filter.topic_filter) > shared_.limits.max_topic_levels) {
    return refuse(client, filter.topic_filter, topic::too_many_levels);
  }
  const auto parsed = topic::parse_filter(filter.topic_filter);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) return subscribe(client, filter, *topic);
  if (const auto* pattern = std::get_if<topic::NodePattern>(&parsed)) {
    return subscribe(client, filter, *pattern);
  }
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) {
    return refuse(client, filter.topic_filter, none->reason);
  }
  return Progress::granted;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& filter,
                                                 const topic::NodeTopic& topic) {
  const auto status = shared_.service.host_status(topic.host);
  if (status == PubsubService::HostStatus::unknown) return refuse(client, filter.topic_filter, unknown_host);
  // Before pubsub is asked, which may create the node.
  auto& filters = client.subscriber->filters;
  if (!filters.contains(filter.topic_filter) && has_all_filters(client)) {
    return refuse(client, filter.topic_filter, too_many);
  }
  // On a host that is configured only it is granted, and waits.
  if (status == PubsubService::HostStatus::enabled &&
      shared_.service.subscribe(topic.host, topic.node, client.account) ==
          PubsubService::Subscribed::refused) {
    return refuse(client, filter.topic_filter, may_not_read);
  }
  filters.insert_or_assign(filter.topic_filter, filter.qos);
  audiences_.update(nodes_.open(topic.host, topic.node), client);
  return Progress::granted;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& filter,
                                                 const topic::NodePattern& pattern) {
  if (pattern.host != "+" &&
      shared_.service.host_status(pattern.host) == PubsubService::HostStatus::unknown) {
    return refuse(client, filter.topic_filter, unknown_host);
  }
  auto& patterns = client.subscriber->patterns;
  const auto known = patterns.find(filter.topic_filter);
  if (known != patterns.end()) {
    known->second.qos = filter.qos;
  } else if (has_all_filters(client)) {
    return refuse(client, filter.topic_filter, too_many);
  } else if (patterns.size() >= shared_.limits.max_wildcard_subscriptions) {
    return refuse(client, filter.topic_filter, too_many_wildcards);
  } else {
    const auto place = patterns.try_emplace(filter.topic_filter).first;
    place->second = {.pattern = std::get<topic::NodePattern>(topic::parse_filter(place->first)),
                     .qos = filter.qos};
    audiences_.patterns().insert(filter.topic_filter, client.session);
  }
  return walk(client, pattern) ? Progress::granted : Progress::unfinished;
}

// A filter that was subscribed and is refused now is removed.
Subscriptions::Progress Subscriptions::refuse(Client& client, std::string_view filter,
                                              std::string_view reason) {
  if (!unsubscribe(client, filter)) return Progress::unfinished;
  log_refusal(shared_.service, client, "SUBSCRIBE", filter, reason);
  return Progress::refused;
}

bool Subscriptions::has_all_filters(const Client& client) const {
  return client.subscriber->count() >= shared_.limits.max_subscriptions;
}

bool Subscriptions::carry_out(Client& client, UnsubscribeRequest& request) {
  auto& filters_done = subscriber_of(client).filters_done;
  if (!unsubscribe(client, request.topic_filters[filters_done])) return false;
  if (++filters_done < request.topic_filters.size()) return false;
  filters_done = 0;
  shared_.deliveries.emplace_back(
      UnsubscribeReply{.ticket = request.ticket, .topic_filters = std::move(request.topic_filters)});
  return true;
}

bool Subscriptions::unsubscribe(Client& client, std::string_view topic_filter) {
  scans_.stop(client, topic_filter);
  auto& filters = client.subscriber->filters;
  auto& patterns = client.subscriber->patterns;
  if (const auto filter = filters.find(topic_filter); filter != filters.end()) {
    const auto topic = std::get<topic::NodeTopic>(topic::parse_topic(topic_filter));
    Node* node = nodes_.find(topic.host, topic.node);
    filters.erase(filter);
    audiences_.update(*node, client);
    nodes_.forget_if_unused(*node);
    return true;
  }
  const auto pattern = patterns.find(topic_filter);
  if (pattern == patterns.end() && !client.subscriber->walked) return true;
  if (pattern != patterns.end()) {
    audiences_.patterns().erase(topic_filter, client.session);
    patterns.erase(pattern);
  }
  return walk(client, std::get<topic::NodePattern>(topic::parse_filter(topic_filter)));
}

bool Subscriptions::end(Client& client) {
  if (client.subscriber == nullptr) return true;
  Subscriber& subscriber = *client.subscriber;
  subscriber.scans.clear();
  if (!subscriber.patterns.empty()) {
    for (const auto& [text, pattern] : subscriber.patterns) audiences_.patterns().erase(text, client.session);
    subscriber.patterns.clear();
    subscriber.walked = 0;
  }
  if (subscriber.walked && !walk(client, {.host = "+", .type = {}, .node = "#"})) return false;
  for (int i = 0; i < filters_a_step && !subscriber.filters.empty(); ++i) {
    unsubscribe(client, std::string(subscriber.filters.begin()->first));
  }
  return subscriber.filters.empty();
}

bool Subscriptions::walk(Client& client, const topic::NodePattern& pattern) {
  auto& walked = client.subscriber->walked;
  NodeId position = walked.value_or(0);
  // Each node is held against each of the client's patterns.
  const std::size_t nodes = std::max<std::size_t>(1, nodes_a_step / (client.subscriber->patterns.size() + 1));
  for (std::size_t i = 0; i < nodes; ++i) {
    Node* node = nodes_.next(position);
    if (node == nullptr) {
      walked.reset();
      return true;
    }
    position = node->id;
    const bool concerned = node->exists || node->members.contains(client.session);
    if (concerned && pattern.selects(node->host, node->name)) audiences_.update(*node, client);
    nodes_.forget_if_unused(*node);
  }
  walked = position;
  return false;
}

}  // namespace pubsub_mqtt::hub
