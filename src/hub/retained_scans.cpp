#include "retained_scans.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "item_properties.h"
#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::hub {
namespace {

// As much as goes out before the session asks for more. Prosody waits while it is gathered, and each session has a
// copy until its client has read it: so bytes count, too.
bool has_batch(const Subscriber& subscriber) {
  constexpr std::size_t messages = 20;
  constexpr std::size_t bytes = 65536;
  return subscriber.retained.size() >= messages || subscriber.retained_bytes >= bytes;
}

}  // namespace

void RetainedScans::start(Client& client, const Subscription& filter, bool is_new) const {
  Subscriber& subscriber = *client.subscriber;
  // Others bring nothing: $SYS/..., which nothing counts, and shared ones (MQTT 5.0, 4.8.2).
  const auto wanted = filter.topic_filter.split();
  if (!wanted || wanted->is_shared() || !subscriber.has(*wanted)) return;
  if (!filter.brings_retained(is_new)) {
    // What an earlier SUBSCRIBE still has to bring is brought, at the new QoS.
    for (Scan& scan : subscriber.scans) {
      if (scan.topic_filter == filter.topic_filter) scan.qos = filter.qos;
    }
    return;
  }
  stop(client, filter.topic_filter);
  // Not earlier: while the SUBSCRIBE was carried out, the session was not in every audience yet.
  subscriber.scans.push_back(
      {.topic_filter = filter.topic_filter, .qos = filter.qos, .since = store_.last()});
  if (std::exchange(subscriber.may_send_retained, false))
    client.waiting.push_back(RetainedRequest{.session = client.session});
}

void RetainedScans::stop(Client& client, const TopicFilter& topic_filter) const {
  std::erase_if(client.subscriber->scans,
                [&](const Scan& scan) { return scan.topic_filter == topic_filter; });
}

// One filter a turn, so that none of them costs more than a step may. What it brings goes at once: by the
// next turn something newer may have gone out live.
bool RetainedScans::carry_out(Client& client) {
  if (client.subscriber == nullptr) return true;
  Subscriber& subscriber = *client.subscriber;
  if (!subscriber.scans.empty()) {
    const bool done = scan(client, subscriber.scans.front());
    if (done && !has_batch(subscriber)) subscriber.scans.pop_front();
    if (!subscriber.scans.empty() && subscriber.retained.empty()) return false;
  }
  if (subscriber.retained.empty()) {
    subscriber.may_send_retained = true;
  } else {
    subscriber.retained_bytes = 0;
    shared_.deliveries.emplace_back(
        RetainedMessages{.session = client.session, .messages = std::exchange(subscriber.retained, {})});
  }
  return true;
}

// Goes through some of the nodes. True: the scan is done, or the batch is full.
bool RetainedScans::scan(const Client& client, Scan& scan) {
  const auto parsed = topic::parse_filter(scan.topic_filter.text);
  const bool is_mounted = scan.topic_filter.is_mounted();
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) {
    Node* node = nodes_.find(topic->host, topic->node);
    if (node != nullptr && !std::exchange(scan.is_read, true))
      read(client, *node, scan, topic::Form(topic->type, is_mounted));
    return true;
  }
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  if (pattern == nullptr) return true;
  const Subscriber& subscriber = *client.subscriber;
  const auto form = pattern->form(is_mounted);
  const bool is_done = nodes_.walk(*pattern, scan.position, [&](Node& node) {
    const bool read_item = read(client, node, scan, form);
    return !read_item && !has_batch(subscriber);
  });
  return is_done || has_batch(subscriber);
}

// True: it has asked Prosody's storage for an item, which may take as long as a step should.
bool RetainedScans::read(const Client& client, Node& node, const Scan& scan,
                         std::optional<topic::Form> form) {
  const auto member = node.member(client.number);
  if (!member || !member->may_receive || node.retained_at() > scan.since) return false;
  if (form && form->is_mounted && form != node.mounted) return false;
  const bool was_unknown = store_.know(node);
  // Nothing older is sent in place of one that has ended.
  if (node.has_ended || (node.retained && store_.has_expired(*node.retained))) return was_unknown;
  if (!node.retained) return read_item(client, node, scan, form) || was_unknown;
  read_retained(client, node, scan, form);
  return was_unknown;
}

void RetainedScans::read_retained(const Client& client, const Node& node, const Scan& scan,
                                  std::optional<topic::Form> form) {
  shared_.work += work::question;
  if (!shared_.service.may_read(node.host(), node.name(), client.account)) return;
  const Retained& retained = *node.retained;
  RetainedMessages::Message message{.node = node.id,
                                    .form = form.value_or(retained.natural_type),
                                    .payload = {},
                                    .envelope = retained.envelope};
  message.is_natural = message.form == retained.natural_type;
  message.envelope.properties = retained.properties(message.form.type);
  message.envelope.qos = std::min(scan.qos, message.envelope.qos);
  auto payload = retained.view(message.form.type);
  add(*client.subscriber, std::move(message), std::move(payload));
}

// The newest item, where the node sends that. Returns false where it does not.
bool RetainedScans::read_item(const Client& client, const Node& node, const Scan& scan,
                              std::optional<topic::Form> form) {
  shared_.work += work::question;
  const auto item = shared_.service.last_item(node.host(), node.name(), client.account);
  if (!item) return false;
  shared_.work += work::item;
  const pugi::xml_node element = item->payload.document_element();
  auto natural = payload::natural_payload(element);
  RetainedMessages::Message message{.node = node.id,
                                    .form = form.value_or(natural.type),
                                    .payload = {},
                                    .envelope = {.qos = scan.qos, .retain = true}};
  message.is_natural = message.form == natural.type;
  const auto type = concrete(message.form.type, natural.type);
  message.envelope.properties = item_properties(item->id, item->publisher, type, element);
  auto payload =
      type == natural.type && natural.payload ? std::move(natural.payload) : payload::to_mqtt(type, element);
  add(*client.subscriber, std::move(message), std::move(payload));
  return true;
}

// An empty retained message is none [MQTT-3.3.1-11].
void RetainedScans::add(Subscriber& subscriber, RetainedMessages::Message message,
                        std::optional<std::string> payload) {
  if (!payload || payload->empty()) return;
  const auto& properties = message.envelope.properties;
  const std::size_t bytes = payload->size() + (properties ? properties->size() : 0);
  subscriber.retained_bytes += bytes;
  shared_.work += bytes / work::bytes_of_message;
  message.payload = std::move(*payload);
  subscriber.retained.push_back(std::move(message));
}

}  // namespace pubsub_mqtt::hub
