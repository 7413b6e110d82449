#include "subscriptions.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace pubsub_mqtt::hub {
namespace {

constexpr Refusal never_matches(std::string_view text) { return {mqtt::Reason::topic_filter_invalid, text}; }
constexpr Refusal no_group = never_matches(
    "a shared subscription is $share/GROUP/FILTER, where GROUP is not empty and has no wildcard");
constexpr Refusal system_is_not_shared = never_matches("what $SYS says is not shared");
constexpr Refusal answers_are_not_shared = never_matches("answers are for the client that has asked");
constexpr Refusal unknown_host = never_matches("no pubsub component of that name is configured");
constexpr Refusal too_long = never_matches(NodeNames::too_long);
constexpr Refusal too_many{mqtt::Reason::quota_exceeded,
                           "the client has as many subscriptions as mqtt_max_subscriptions allows"};
constexpr Refusal too_many_wildcards{
    mqtt::Reason::quota_exceeded,
    "the client has as many subscriptions with a wildcard as mqtt_max_wildcard_subscriptions allows"};
constexpr Refusal too_many_memberships{
    mqtt::Reason::quota_exceeded,
    "the clients together receive as many nodes as mqtt_max_total_memberships allows: raise it, or subscribe "
    "to fewer nodes"};
constexpr Refusal may_not_read{
    mqtt::Reason::not_authorized,
    "the client may not read the node: give its account an affiliation, or set access_model to \"open\""};

// Of a filter that names the TYPE, or (nullopt) has a wildcard there.
FilterKind kind_of(const topic::GroupFilter& filter, std::optional<topic::Type> type) {
  FilterKind kind{.form = std::nullopt, .is_shared = filter.is_shared()};
  if (type) kind.form = topic::Form(*type, filter.is_mounted);
  return kind;
}

// What the client has sent, behind $share/GROUP/.
std::string_view named_part(const TopicFilter& asked, const topic::GroupFilter& filter) {
  const std::string_view text = asked.text;
  return asked.is_mounted() ? text.substr(asked.mounted_at) : filter.filter;
}

Subscriber& subscriber_of(Client& client) {
  if (client.subscriber == nullptr) client.subscriber = std::make_unique<Subscriber>();
  return *client.subscriber;
}

}  // namespace

bool Subscriptions::carry_out(Client& client, SubscribeRequest& request) {
  auto& progress = subscriber_of(client).progress;
  if (!judge_filters(client, request) || !follow_changed(client)) return false;
  if (!progress.beyond_limit.empty()) refuse_beyond_limit(client, request);
  for (std::size_t i = 0; i < request.subscriptions.size(); ++i) {
    if (mqtt::is_error(progress.results[i])) continue;
    scans_.start(client, request.subscriptions[i], progress.are_new[i]);
  }
  shared_.deliveries.emplace_back(
      SubscribeReply{.ticket = request.ticket,
                     .subscriptions = std::move(request.subscriptions),
                     .results = std::move(progress.results),
                     .reason_string = std::string(progress.reason_string),
                     .may_read_system = progress.has_system && system_.subscribe(client)});
  progress = {};
  return true;
}

bool Subscriptions::judge_filters(Client& client, const SubscribeRequest& request) {
  auto& results = client.subscriber->progress.results;
  while (results.size() < request.subscriptions.size()) {
    if (shared_.work >= work::a_step) return false;
    shared_.work += work::request;
    const auto& filter = request.subscriptions[results.size()];
    const auto wanted = filter.topic_filter.split();
    const bool is_new = !wanted || !client.subscriber->has(*wanted);
    switch (subscribe(client, filter)) {
      case Progress::granted:
        results.push_back(mqtt::granted(filter.qos));
        break;
      case Progress::refused:
        break;  // refuse() has said why
      case Progress::unfinished:
        return false;
    }
    client.subscriber->progress.are_new.push_back(is_new);
  }
  return true;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& asked) {
  const auto filter = asked.topic_filter.split();
  if (!filter) return refuse(client, asked.topic_filter, no_group);
  if (topic::count_levels(named_part(asked.topic_filter, *filter)) > shared_.limits.max_topic_levels) {
    return refuse(client, asked.topic_filter, never_matches(topic::too_many_levels));
  }
  // The session subscribes again to what it means now, when it hears of this.
  if (is_outdated(asked.topic_filter, *filter)) return Progress::granted;
  const auto parsed = topic::parse_filter(filter->filter);
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) {
    return subscribe(client, asked, *filter, *topic);
  }
  if (const auto* pattern = std::get_if<topic::NodePattern>(&parsed)) {
    return subscribe(client, asked, *filter, *pattern);
  }
  if (const auto* none = std::get_if<topic::NoNodeTopic>(&parsed)) {
    return refuse(client, asked.topic_filter, never_matches(none->reason));
  }
  const bool is_system = std::holds_alternative<topic::SystemFilter>(parsed);
  if (filter->is_shared())
    return refuse(client, asked.topic_filter, is_system ? system_is_not_shared : answers_are_not_shared);
  if (is_system) client.subscriber->progress.has_system = true;
  return Progress::granted;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& asked,
                                                 const topic::GroupFilter& filter,
                                                 const topic::NodeTopic& topic) {
  auto& filters = client.subscriber->filters;
  auto& pubsub_was_asked = client.subscriber->progress.asked;
  const auto status = shared_.service.host_status(topic.host);
  if (status == PubsubService::HostStatus::unknown) return refuse(client, asked.topic_filter, unknown_host);
  if (!shared_.names.are_short_enough(topic.host, topic.node))
    return refuse(client, asked.topic_filter, too_long);
  const auto known = filters.find(filter);
  // Before pubsub is asked, which may create the node.
  if (known == filters.end() && has_all_filters(client)) return refuse(client, asked.topic_filter, too_many);
  // On a host that is configured only it is granted, and waits.
  if (status == PubsubService::HostStatus::enabled && !pubsub_was_asked.contains(filter.filter)) {
    shared_.work += work::subscribe;
    if (shared_.service.subscribe(topic.host, topic.node, client.account) ==
        PubsubService::Subscribed::refused) {
      return refuse(client, asked.topic_filter, may_not_read);
    }
    pubsub_was_asked.emplace(filter.filter);
  }
  if (known != filters.end()) {
    known->second = asked.qos;
  } else {
    filters.emplace(filter, asked.qos);
  }
  audiences_.update(nodes_.open(topic.host, topic.node), client, kind_of(filter, topic.type));
  return Progress::granted;
}

Subscriptions::Progress Subscriptions::subscribe(Client& client, const Subscription& asked,
                                                 const topic::GroupFilter& filter,
                                                 const topic::NodePattern& pattern) {
  if (pattern.host != "+" &&
      shared_.service.host_status(pattern.host) == PubsubService::HostStatus::unknown) {
    return refuse(client, asked.topic_filter, unknown_host);
  }
  if (!shared_.names.are_short_enough(pattern.host, pattern.node))
    return refuse(client, asked.topic_filter, too_long);
  auto& patterns = client.subscriber->patterns;
  auto place = patterns.find(filter);
  if (place != patterns.end()) {
    // At which QoS it shares is not the hub's.
    if (asked.qos == place->second.qos || filter.is_shared()) return Progress::granted;
    place->second.was_lowered = place->second.was_lowered || asked.qos < place->second.qos;
    place->second.qos = asked.qos;
  } else if (has_all_filters(client)) {
    return refuse(client, asked.topic_filter, too_many);
  } else if (patterns.size() >= shared_.limits.max_wildcard_subscriptions) {
    return refuse(client, asked.topic_filter, too_many_wildcards);
  } else {
    place = patterns.try_emplace(StoredFilter(filter)).first;
    place->second = {.pattern = std::get<topic::NodePattern>(topic::parse_filter(place->first.filter)),
                     .qos = asked.qos};
    audiences_.patterns().insert(filter.filter, client.session);
  }
  place->second.is_followed = false;
  return Progress::granted;
}

// A filter that was subscribed and is refused now is removed.
Subscriptions::Progress Subscriptions::refuse(Client& client, const TopicFilter& filter,
                                              const Refusal& refusal) {
  if (!unsubscribe(client, filter)) return Progress::unfinished;
  auto& progress = client.subscriber->progress;
  progress.results.push_back(refusal.reason);
  shared_.metrics.refused_subscriptions.add(refusal.reason);
  if (progress.reason_string.empty()) progress.reason_string = refusal.text;
  log_refusal(shared_, client, "SUBSCRIBE", printable_filter(filter), refusal.text);
  return Progress::refused;
}

bool Subscriptions::has_all_filters(const Client& client) const {
  return client.subscriber->count() >= shared_.limits.max_subscriptions;
}

// Equal filters of a SUBSCRIBE are one pattern, which the nodes follow once.
bool Subscriptions::follow_changed(Client& client) {
  StoredFilter& filter = client.subscriber->progress.following;
  auto& patterns = client.subscriber->patterns;
  if (client.subscriber->progress.is_beyond_limit && !remove_followed(client)) return false;
  for (auto each = patterns.lower_bound(filter); each != patterns.end(); ++each) {
    if (each->second.is_followed) continue;
    filter = each->first;
    if (!follow(client, filter, each->second)) {
      // From the first node on.
      if (client.subscriber->progress.is_beyond_limit) client.subscriber->progress.position.reset();
      return false;
    }
    each->second.is_followed = true;
    each->second.was_lowered = false;
  }
  return true;
}

// Takes the client out of the nodes that it has just become a member of.
bool Subscriptions::remove_followed(Client& client) {
  auto& progress = client.subscriber->progress;
  if (!unsubscribe(client, progress.following)) return false;
  progress.beyond_limit.insert(progress.following);
  progress.is_beyond_limit = false;
  return true;
}

void Subscriptions::refuse_beyond_limit(Client& client, const SubscribeRequest& request) {
  auto& progress = client.subscriber->progress;
  for (std::size_t i = 0; i < request.subscriptions.size(); ++i) {
    const TopicFilter& asked = request.subscriptions[i].topic_filter;
    const auto filter = asked.split();
    if (!filter || !progress.beyond_limit.contains(*filter)) continue;
    progress.results[i] = too_many_memberships.reason;
    shared_.metrics.refused_subscriptions.add(too_many_memberships.reason);
    if (progress.reason_string.empty()) progress.reason_string = too_many_memberships.text;
    log_refusal(shared_, client, "SUBSCRIBE", printable_filter(asked), too_many_memberships.text);
  }
}

bool Subscriptions::follow(Client& client, const StoredFilter& filter, const Subscriber::Pattern& changed) {
  const FilterKind kind = kind_of(filter, changed.pattern.type);
  return walk(client, changed.pattern, [&](Node& node) {
    if (!node.exists || (filter.is_mounted && !node.mounted)) return true;
    if (nodes_.memberships() >= shared_.limits.max_total_memberships && !node.member(client.number)) {
      client.subscriber->progress.is_beyond_limit = true;
      return false;
    }
    if (!changed.was_lowered) {
      audiences_.raise(node, client, kind, changed.qos);
    } else {
      audiences_.update(node, client, kind);
      shared_.work += work::node * client.subscriber->count();
    }
    return true;
  });
}

bool Subscriptions::carry_out(Client& client, UnsubscribeRequest& request) {
  auto& done = subscriber_of(client).progress.unsubscribed;
  shared_.work += work::request;
  if (!unsubscribe(client, request.topic_filters[done])) return false;
  if (++done < request.topic_filters.size()) return false;
  done = 0;
  shared_.deliveries.emplace_back(
      UnsubscribeReply{.ticket = request.ticket, .topic_filters = std::move(request.topic_filters)});
  return true;
}

bool Subscriptions::unsubscribe(Client& client, const TopicFilter& topic_filter) {
  scans_.stop(client, topic_filter);
  const auto filter = topic_filter.split();
  return !filter || unsubscribe(client, *filter);
}

bool Subscriptions::unsubscribe(Client& client, const topic::GroupFilter& filter) {
  Subscriber& subscriber = *client.subscriber;
  if (const auto literal = subscriber.filters.find(filter); literal != subscriber.filters.end()) {
    subscriber.filters.erase(literal);
    unsubscribe_node(client, filter);
    return true;
  }
  const auto pattern = subscriber.patterns.find(filter);
  if (pattern == subscriber.patterns.end() && !subscriber.progress.position) return true;
  if (pattern != subscriber.patterns.end()) {
    audiences_.patterns().erase(filter.filter, client.session);
    subscriber.patterns.erase(pattern);
  }
  const auto parsed = std::get<topic::NodePattern>(topic::parse_filter(filter.filter));
  return walk(client, parsed, [&](Node& node) {
    audiences_.update(node, client, kind_of(filter, parsed.type));
    shared_.work += work::node * subscriber.count();
    nodes_.forget_if_unused(node);
    return true;
  });
}

void Subscriptions::unsubscribe_node(Client& client, const topic::GroupFilter& filter) {
  const auto [host, type, name] = std::get<topic::NodeTopic>(topic::parse_topic(filter.filter));
  Node* node = nodes_.find(host, name);
  if (node == nullptr) return;
  audiences_.update(*node, client, kind_of(filter, type));
  nodes_.forget_if_unused(*node);
}

// The mount point has changed, since the client named the filter.
bool Subscriptions::is_outdated(const TopicFilter& asked, const topic::GroupFilter& filter) const {
  if (!asked.is_mounted()) return false;
  const auto named = named_part(asked, filter);
  const auto before = filter.filter.substr(0, filter.filter.size() - named.size());
  const topic::Mountpoint* mountpoint = shared_.mountpoint.get();
  return mountpoint == nullptr || !mountpoint->is_like_before(before) || !mountpoint->takes(named);
}

void Subscriptions::forget_mounted() {
  clients_.for_each_subscriber([&](Client& client) {
    Subscriber& subscriber = *client.subscriber;
    const auto is_mounted = [](const auto& each) { return each.first.is_mounted; };
    for (const auto& [filter, pattern] : subscriber.patterns) {
      if (filter.is_mounted) audiences_.patterns().erase(filter.filter, client.session);
    }
    std::erase_if(subscriber.patterns, is_mounted);
    std::erase_if(subscriber.filters, is_mounted);
    std::erase_if(subscriber.scans, [](const Scan& scan) { return scan.topic_filter.is_mounted(); });
    // Whatever nodes were done: all forget it.
    if (subscriber.progress.following.is_mounted) subscriber.progress.position.reset();
  });
  audiences_.forget_mounted();
}

// One walk for all filters, which takes the client out of every node.
bool Subscriptions::end(Client& client) {
  system_.leave(client.session);
  if (client.subscriber == nullptr) return true;
  Subscriber& subscriber = *client.subscriber;
  auto& filters = subscriber.filters;
  auto& patterns = subscriber.patterns;
  subscriber.scans.clear();
  while (!filters.empty()) {
    if (shared_.work >= work::a_step) return false;
    shared_.work += work::request;
    const auto filter = filters.extract(filters.begin());
    unsubscribe_node(client, filter.key());
  }
  if (patterns.empty() && !subscriber.is_elsewhere) return true;
  const auto leave = [&](Node& node) {
    audiences_.leave(node, client);
    nodes_.forget_if_unused(node);
    return true;
  };
  const bool is_inside = patterns.size() == 1 && !subscriber.is_elsewhere;
  if (!walk(client, is_inside ? patterns.begin()->second.pattern : all_nodes, leave)) return false;
  for (const auto& [filter, pattern] : patterns) {
    audiences_.patterns().erase(filter.filter, client.session);
  }
  patterns.clear();
  return true;
}

template <typename Visit>
bool Subscriptions::walk(Client& client, const topic::NodePattern& pattern, Visit&& visit) {
  auto& position = client.subscriber->progress.position;
  if (!position) position.emplace();
  if (!nodes_.walk(pattern, *position, visit)) return false;
  position.reset();
  return true;
}

// One that is being carried out ends where it is.
void Subscriptions::interrupt(Client& client) {
  if (client.subscriber == nullptr) return;
  if (client.subscriber->progress.position) client.subscriber->is_elsewhere = true;
  client.subscriber->progress = {};
}

void Subscriptions::drop(Client& client, SubscribeRequest& request) {
  interrupt(client);
  shared_.deliveries.emplace_back(
      SubscribeReply{.ticket = request.ticket, .subscriptions = {}, .results = {}});
}

void Subscriptions::drop(Client& client, UnsubscribeRequest& request) {
  interrupt(client);
  shared_.deliveries.emplace_back(UnsubscribeReply{.ticket = request.ticket, .topic_filters = {}});
}

}  // namespace pubsub_mqtt::hub
