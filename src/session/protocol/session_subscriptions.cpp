// What a session subscribes to: SUBSCRIBE and UNSUBSCRIBE, and Prosody's thread's answers.
#include <utility>
#include <vector>

#include "protocol/session.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {

// SUBACK and UNSUBACK of 5.0 have a byte for each filter. What could not be answered, since the client takes no packet
// of that size [MQTT5-3.1.2-24], is not carried out either.
bool Session::takes_answer_for(std::size_t filters) const {
  if (client_limits() == nullptr) return true;
  std::string bytes;
  mqtt::write(mqtt::Suback{.reasons = std::vector<mqtt::Reason>(filters)}, bytes,
              mqtt::ProtocolLevel::mqtt_5);
  return bytes.size() <= client_limits()->max_packet_size;
}

Violation Session::receive(const mqtt::Subscribe& packet) {
  if (!takes_answer_for(packet.subscriptions.size())) {
    return BrokenRule{"a SUBSCRIBE whose SUBACK would be larger than its Maximum Packet Size",
                      mqtt::Reason::packet_too_large};
  }
  SubscribeRequest request{.ticket = ticket(packet.packet_identifier), .subscriptions = {}};
  request.subscriptions.reserve(packet.subscriptions.size());
  const auto identifier = packet.properties.integer(mqtt::PropertyIdentifier::subscription_identifier);
  for (const auto& wanted : packet.subscriptions) {
    request.subscriptions.push_back({.topic_filter = meaning_of_filter(wanted.topic_filter),
                                     .qos = wanted.qos,
                                     .no_local = wanted.no_local,
                                     .retain_as_published = wanted.retain_as_published,
                                     .retain_handling = wanted.retain_handling,
                                     .identifier = identifier.value_or(0)});
  }
  subscribe(std::move(request));
  return std::nullopt;
}

void Session::subscribe(SubscribeRequest&& request) {
  for (const auto& each : request.subscriptions) {
    request.ticket.bytes += sizeof(Subscription) + each.topic_filter.text.size();
  }
  prepare_to_ask();
  try {
    expect(request.subscriptions);
    incoming_.asked(request.ticket.bytes);
  } catch (...) {
    forget_expected();
    throw;
  }
  ask(std::move(request));
}

// It has had what was retained.
void Session::subscribe_again(std::vector<Subscription> subscriptions) {
  SubscribeRequest request{.ticket = ticket(0), .subscriptions = std::move(subscriptions)};
  for (auto& subscription : request.subscriptions) {
    subscription.retain_handling = mqtt::RetainHandling::never;
    request.ticket.bytes += sizeof(Subscription) + subscription.topic_filter.text.size();
  }
  prepare_to_ask();
  incoming_.asked(request.ticket.bytes);
  ask(std::move(request));
}

// Where a client asks for more than it may have, options hold from SUBACK on: else each message before that would look
// at all that is asked for.
void Session::expect(const std::vector<Subscription>& asked) {
  if (!recipient_.speaks_5() || asked.size() > shared_.limits.max_subscriptions) return;
  for (const auto& subscription : asked) record_.subscriptions.expect(subscription);
  subscriptions_changed();
}

void Session::forget_expected() noexcept {
  record_.subscriptions.begin_again();
  subscriptions_changed();
}

Violation Session::receive(const mqtt::Unsubscribe& packet) {
  if (!takes_answer_for(packet.topic_filters.size())) {
    return BrokenRule{"an UNSUBSCRIBE whose UNSUBACK would be larger than its Maximum Packet Size",
                      mqtt::Reason::packet_too_large};
  }
  UnsubscribeRequest request{.ticket = ticket(packet.packet_identifier), .topic_filters = {}};
  request.topic_filters.reserve(packet.topic_filters.size());
  for (const auto filter : packet.topic_filters) request.topic_filters.push_back(meaning_of_filter(filter));
  unsubscribe(std::move(request));
  return std::nullopt;
}

void Session::unsubscribe(UnsubscribeRequest&& request) {
  for (const auto& filter : request.topic_filters) {
    request.ticket.bytes += sizeof(TopicFilter) + filter.text.size();
  }
  prepare_to_ask();
  incoming_.asked(request.ticket.bytes);
  ask(std::move(request));
}

// The client has named the filter when it meant something else.
bool Session::is_outdated(const TopicFilter& filter) const {
  if (shared_.mountpoint == nullptr && !filter.is_mounted()) return false;
  return meaning_of_filter(filter.named()) != filter;
}

void Session::follow_mountpoint() {
  std::vector<Subscription> outdated;
  record_.subscriptions.for_each([&](const Subscription& each) {
    if (is_outdated(each.topic_filter)) outdated.push_back(each);
  });
  subscribe_anew(outdated);
}

// No client waits for the answers.
void Session::subscribe_anew(const std::vector<Subscription>& outdated) {
  if (outdated.empty()) return;
  UnsubscribeRequest before{.ticket = {.session = id_}, .topic_filters = {}};
  SubscribeRequest now{.ticket = {.session = id_}, .subscriptions = outdated};
  for (auto& each : now.subscriptions) {
    before.topic_filters.push_back(each.topic_filter);
    each.topic_filter = meaning_of_filter(each.topic_filter.named());
  }
  unsubscribe(std::move(before));
  subscribe(std::move(now));
}

// The hub counts what may select nodes, and grants the rest, `$SYS/...` and `$pubsub/reply/...`, however many these are.
bool Session::is_one_too_many(const Subscription& subscription) const {
  const auto& filter = subscription.topic_filter;
  return record_.subscriptions.size() >= shared_.limits.max_subscriptions &&
         record_.subscriptions.find(filter) == nullptr && topic::is_of_server(filter.text);
}

// Answers are for clients of 5.0, which alone can ask. What a session is subscribed to since before stays.
bool Session::is_for_5_alone(const TopicFilter& filter) const {
  return !speaks_5() && topic::is_response(filter.text);
}

void Session::reply(SubscribeReply& reply) {
  incoming_.answered(reply.ticket.bytes);
  mqtt::Suback suback{.packet_identifier = reply.ticket.packet_identifier, .reasons = {}};
  bool any_refused = false;
  std::vector<Subscription> outdated;
  std::vector<std::string> system_filters;  // of which it is to get what is retained
  for (std::size_t i = 0; i < reply.results.size(); ++i) {
    mqtt::Reason reason = reply.results[i];
    if (is_one_too_many(reply.subscriptions[i])) reason = mqtt::Reason::quota_exceeded;
    if (reply.ticket.is_of_client() && is_for_5_alone(reply.subscriptions[i].topic_filter))
      reason = mqtt::Reason::topic_filter_invalid;
    if (mqtt::is_error(reason)) {
      any_refused = true;
      // MQTT 3.1 has no word for a refusal (its section 3.9): the client is told the QoS that it asked for.
      if (record_.level == mqtt::ProtocolLevel::mqtt_3_1) reason = mqtt::granted(reply.subscriptions[i].qos);
      refused(reply.subscriptions[i], reply.ticket.is_of_client());
    } else {
      if (is_outdated(reply.subscriptions[i].topic_filter)) outdated.push_back(reply.subscriptions[i]);
      if (brings_system_topics(reply.subscriptions[i]))
        system_filters.push_back(reply.subscriptions[i].topic_filter.text);
      granted(std::move(reply.subscriptions[i]));
    }
    suback.reasons.push_back(reason);
  }
  subscriptions_changed();
  subscribe_anew(outdated);
  if (!is_here(reply.ticket.connection)) return;
  if (any_refused && record_.level == mqtt::ProtocolLevel::mqtt_3_1) {
    log_once(Grievance::refused_filter, LogLevel::info,
             "was refused a filter, which its MQTT 3.1 has no words for");
  }
  write_when_stored(HeldSuback{.packet = std::move(suback), .why = std::move(reply.reason_string)});
  if (!reply.may_read_system && !is_anonymous_from_loopback()) return;
  for (const auto& filter : system_filters) shared_.system.send_retained(*this, filter);
}

// Before it is granted.
bool Session::brings_system_topics(const Subscription& subscription) const {
  return topic::is_system(subscription.topic_filter.text) &&
         subscription.brings_retained(record_.subscriptions.find(subscription.topic_filter) == nullptr);
}

// What is stored already is so, perhaps by an earlier process.
void Session::granted(Subscription&& subscription) {
  shared_.groups.join(id_, account(), subscription, shared_.limits.shared_groups);
  if (journal() != nullptr && !is_known(subscription)) journal()->subscribed(*this, subscription);
  record_.subscriptions.set(std::move(subscription));
}

// What it brings of retained messages is brought once.
bool Session::is_known(Subscription subscription) const {
  const Subscription* known = record_.subscriptions.find(subscription.topic_filter);
  if (known == nullptr) return false;
  subscription.retain_handling = known->retain_handling;
  return subscription == *known;
}

// One that cannot be had since a restart may be had after the next one.
void Session::refused(const Subscription& subscription, bool is_of_client) {
  shared_.groups.leave(id_, account(), subscription.topic_filter);
  if (is_of_client && journal() != nullptr) journal()->unsubscribed(*this, subscription.topic_filter);
  record_.subscriptions.refuse(subscription);
}

void Session::reply(UnsubscribeReply& reply) {
  incoming_.answered(reply.ticket.bytes);
  mqtt::Unsuback unsuback{.packet_identifier = reply.ticket.packet_identifier, .reasons = {}};
  for (const auto& filter : reply.topic_filters) {
    const bool existed = record_.subscriptions.find(filter) != nullptr;
    shared_.groups.leave(id_, account(), filter);
    record_.subscriptions.erase(filter);
    if (existed && journal() != nullptr) journal()->unsubscribed(*this, filter);
    unsuback.reasons.push_back(existed ? mqtt::Reason::success : mqtt::Reason::no_subscription_existed);
  }
  subscriptions_changed();
  if (is_here(reply.ticket.connection)) write_when_stored(unsuback);
}

}  // namespace pubsub_mqtt::session
