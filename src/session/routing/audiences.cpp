#include "routing/audiences.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/session.h"
#include "pubsub_mqtt/base/random_ids.h"
#include "pubsub_mqtt/mqtt/properties.h"
#include "pubsub_mqtt/topic/topic.h"
#include "record/message.h"
#include "routing/direct_item.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {
namespace {

// An item on one of its topics, as sessions with the same selection receive it.
struct Part {
  topic::Form form;
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool is_natural = false;
};

class Parts {
 public:
  Parts(const Audience& audience, const Selection& selection, const ItemPublished& item) {
    topic::for_each_form(audience.mounted(), [&](topic::Form form) {
      if (!item.payloads[form.index()]) return;
      const auto selected = selection.qos(form, item.natural_type);
      if (!selected) return;
      parts_[count_++] = {.form = form,
                          .qos = std::min(item.envelope.qos, *selected),
                          .is_natural = form == item.natural_type};
    });
  }

  bool empty() const { return count_ == 0; }
  const Part* begin() const { return parts_.data(); }
  const Part* end() const { return parts_.data() + count_; }

 private:
  std::array<Part, topic::form_count> parts_;
  std::size_t count_ = 0;
};

// What is said of the payload's form is left out where the topic has another one (docs/mapping.md, "MQTT 5.0").
Envelope envelope_for(topic::Form form, const ItemPublished& item) {
  Envelope envelope = item.envelope;
  const topic::Type type = concrete(form.type, item.natural_type);
  if (envelope.properties == nullptr || type == item.published_as.value_or(type)) return envelope;
  std::string properties = mqtt::forwarded(mqtt::Properties(*envelope.properties), false);
  envelope.properties =
      properties.empty() ? nullptr : std::make_shared<const std::string>(std::move(properties));
  return envelope;
}

std::string_view author(const DirectWay& way, const mqtt::Publish& packet, const Session* publisher) {
  const std::string_view topic = way.meaning(packet.topic);
  const std::string_view account = publisher == nullptr ? std::string_view() : publisher->account();
  return payload::atom_author(account, topic.substr(0, topic.find('/')), way.route->exposes_publisher());
}

// Neither has a NUL.
std::string name_of(std::string_view host, std::string_view node) {
  return std::string(host) + '\0' + std::string(node);
}

// Takes the payload of that form.
std::shared_ptr<Message> make_message(const Audience& audience, topic::Form form, ItemPublished& item) {
  return std::make_shared<Message>(Message::Kind::live, item.node, form,
                                   Publication{.topic = audience.topic(form),
                                               .payload = std::move(*item.payloads[form.index()]),
                                               .envelope = envelope_for(form, item)});
}

}  // namespace

void Audiences::set_node(std::string_view host, std::string_view node,
                         const std::shared_ptr<Message>& message) {
  const auto found = by_name_.find({host, node});
  if (found != by_name_.end()) return message->set_node(found->second);
  without_node_[name_of(host, node)].push_back(message);
}

void Audiences::follow_mountpoint(const topic::Mountpoint* mountpoint) {
  mountpoint_ = mountpoint;
  for (auto& [node, audience] : by_node_) audience.follow(mountpoint);
}

void Audiences::carry_out(NodeOpened& opened) {
  if (!without_node_.empty()) give_number(opened);
  const auto [place, is_new] =
      by_node_.try_emplace(opened.node, std::move(opened.host), std::move(opened.name), mountpoint_);
  if (!is_new) return;
  const Name name(place->second.host(), place->second.node());
  by_name_.erase(name);  // its key is another audience's
  by_name_.emplace(name, opened.node);
}

std::string Audiences::full_topic(const Message& message) const {
  const auto audience = by_node_.find(message.node());
  if (audience == by_node_.end()) return {};
  return topic::make_topic(audience->second.host(), message.form().type, audience->second.node());
}

void Audiences::give_number(const NodeOpened& opened) {
  const auto found = without_node_.find(name_of(opened.host, opened.name));
  if (found == without_node_.end()) return;
  for (const auto& each : found->second) {
    if (const auto message = each.lock()) message->set_node(opened.node);
  }
  without_node_.erase(found);
}

void Audiences::carry_out(const AudienceChange& change) {
  const auto audience = by_node_.find(change.node);
  if (audience != by_node_.end()) audience->second.change(change);
}

void Audiences::carry_out(const NodeClosed& closed) {
  groups_.forget(closed.node);
  const auto audience = by_node_.find(closed.node);
  if (audience == by_node_.end()) return;
  const auto named = by_name_.find(Name(audience->second.host(), audience->second.node()));
  if (named != by_name_.end() && named->second == closed.node) by_name_.erase(named);
  by_node_.erase(audience);
}

void Audiences::carry_out(ItemPublished& item) {
  const auto audience = by_node_.find(item.node);
  if (audience == by_node_.end()) return;
  if (!send(audience->second, item).is_lost) return;
  Session* publisher = sessions_.find(item.envelope.session);
  if (publisher == nullptr || item.envelope.qos == mqtt::QoS::at_most_once) throw std::bad_alloc();
  publisher->loses_publish();
}

std::optional<std::size_t> Audiences::publish(const DirectWay& way, const mqtt::Publish& packet,
                                              const Envelope& envelope, Session* publisher) {
  const Route& route = *way.route;
  const auto found = by_node_.find(route.node());
  const Audience nobody({}, {});
  const Audience& audience = found == by_node_.end() ? nobody : found->second;
  const bool is_entry = way.type == topic::Type::atom_title;
  const std::string entry_id = is_entry ? random_uuid_urn(random_) : std::string();
  const payload::AtomEntry atom{.id = entry_id,
                                .author = is_entry ? author(way, packet, publisher) : std::string_view(),
                                .updated = is_entry ? std::time(nullptr) : 0};
  auto item = direct_item(route, way.type, packet, envelope, atom, audience, limits_);
  if (!item) return std::nullopt;
  std::optional<std::string> stored;
  if (route.items() != 0) {
    stored = store(route, std::move(item->element), publisher);
    if (!stored) return std::nullopt;
  }
  const Sent sent = send(audience, item->published);
  if (!sent.is_lost) return sent.receivers;
  if (stored && packet.qos == mqtt::QoS::exactly_once && publisher->journal() != nullptr) {
    publisher->journal()->stored_in_vain(*publisher, packet.packet_identifier, *std::move(stored));
  }
  throw std::bad_alloc();
}

// Returns the item's id; nullopt where pubsub must see it.
std::optional<std::string> Audiences::store(const Route& route, std::string element, Session* publisher) {
  Journal* journal = publisher == nullptr ? nullptr : publisher->shared().journal;
  return journal == nullptr ? std::nullopt : journal->store_item(route, *publisher, std::move(element));
}

Audiences::Sent Audiences::send(const Audience& audience, ItemPublished& item) {
  Messages messages;
  Sent sent;
  try {
    if (audience.is_shared()) send_to_groups(audience, item, messages, sent);
    send_to_sessions(audience, item, messages, sent);
  } catch (const std::bad_alloc&) {  // some have not been looked at
    sent.is_lost = true;
  }
  return sent;
}

void Audiences::send_to_sessions(const Audience& audience, ItemPublished& item, Messages& messages,
                                 Sent& sent) {
  for (const auto& group : audience.groups()) {
    const Parts parts(audience, group.selection, item);
    if (parts.empty()) continue;
    for (const SessionId member : group.sessions) {
      Session* session = sessions_.find(member);
      if (session == nullptr) continue;
      bool is_for_it = false;
      for (const auto& part : parts) {
        auto& message = messages[part.form.index()];
        if (message == nullptr) message = make_message(audience, part.form, item);
        const auto deliver = [&] {
          is_for_it = session->deliver(message, part.qos, part.is_natural) || is_for_it;
        };
        if (part.qos == mqtt::QoS::at_most_once) {
          session->guard(deliver);
        } else if (!session->guard_delivery(deliver)) {
          sent.is_lost = true;
        }
      }
      if (is_for_it) ++sent.receivers;
    }
  }
}

void Audiences::send_to_groups(const Audience& audience, ItemPublished& item, Messages& messages,
                               Sent& sent) {
  for (SharedGroup* group : groups_.selecting(item.node, audience.host(), audience.node())) {
    const topic::Form form = group->form().value_or(item.natural_type);
    if (!item.payloads[form.index()] || (form.is_mounted && form != audience.mounted())) continue;
    auto& message = messages[form.index()];
    if (message == nullptr) message = make_message(audience, form, item);
    give(*group, audience, message, sent);
  }
}

void Audiences::give(SharedGroup& group, const Audience& audience, const std::shared_ptr<Message>& message,
                     Sent& sent) {
  bool is_for_anybody = false;
  const auto chosen = group.choose([&](const SharedGroup::Member& member) -> std::optional<Standing> {
    const Session* session = sessions_.find(member.session);
    if (session == nullptr || !audience.shares(member.session)) return std::nullopt;
    is_for_anybody = true;
    return session->standing(*message, session->selected_by(group, member.match, *message));
  });
  if (is_for_anybody) ++sent.receivers;
  if (!chosen) return;
  Session* session = sessions_.find(chosen->session);
  const Selected selected = session->selected_by(group, chosen->match, *message);
  const auto give = [&] { session->give(message, selected); };
  if (selected.qos == mqtt::QoS::at_most_once) return session->guard(give);
  if (!session->guard_delivery(give)) sent.is_lost = true;
}

bool Audiences::give(GroupNumber number, const std::shared_ptr<Message>& message) {
  SharedGroup* group = groups_.find(number);
  const auto audience = by_node_.find(message->node());
  Sent sent;
  if (group != nullptr && audience != by_node_.end()) give(*group, audience->second, message, sent);
  return !sent.is_lost;
}

void Audiences::carry_out(RetainedMessages& retained) {
  Session* session = sessions_.find(retained.session);
  if (session == nullptr) return;
  session->guard([&] { send(*session, retained); });
}

void Audiences::send(Session& session, RetainedMessages& retained) const {
  for (auto& each : retained.messages) {
    const auto audience = by_node_.find(each.node);
    // The right may have gone while the batch was gathered, or the mounted topic.
    if (audience == by_node_.end() || !audience->second.receives(session.id(), each.form)) continue;
    if (each.form.is_mounted && each.form != audience->second.mounted()) continue;
    session.deliver(std::make_shared<Message>(Message::Kind::retained, each.node, each.form,
                                              Publication{.topic = audience->second.topic(each.form),
                                                          .payload = std::move(each.payload),
                                                          .envelope = each.envelope}),
                    each.envelope.qos, each.is_natural);
  }
  session.delivered_retained();
}

bool Audiences::may_have(const Session& session, const Message& message) const {
  const auto audience = by_node_.find(message.node());
  return audience != by_node_.end() && audience->second.receives(session.id(), message.form());
}

bool Audiences::may_share(const Session& session, const Message& message) const {
  const auto audience = by_node_.find(message.node());
  return audience != by_node_.end() && audience->second.shares(session.id());
}

}  // namespace pubsub_mqtt::session
