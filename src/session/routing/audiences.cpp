#include "routing/audiences.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "protocol/session.h"
#include "record/message.h"
#include "routing/direct_item.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {

void Audiences::carry_out(NodeOpened& opened) {
  by_node_.try_emplace(opened.node, std::move(opened.host), std::move(opened.name));
}

void Audiences::carry_out(const AudienceChange& change) {
  const auto audience = by_node_.find(change.node);
  if (audience != by_node_.end()) audience->second.change(change);
}

void Audiences::carry_out(const NodeClosed& closed) { by_node_.erase(closed.node); }

void Audiences::carry_out(ItemPublished& item) {
  const auto audience = by_node_.find(item.node);
  if (audience != by_node_.end()) send(audience->second, item);
}

bool Audiences::publish(const DirectWay& way, const mqtt::Publish& packet, const Envelope& envelope) {
  const NodeId node = way.route->node();
  const auto found = by_node_.find(node);
  const Audience nobody({}, {});
  const Audience& audience = found == by_node_.end() ? nobody : found->second;
  auto item = direct_item(node, way.type, packet, envelope, audience, limits_.max_xml_elements);
  if (!item) return false;
  send(audience, *item);
  return true;
}

void Audiences::send(const Audience& audience, ItemPublished& item) {
  // One a topic, made when the first session wants it, whoever receives it.
  std::array<std::shared_ptr<Message>, topic::type_count> messages;
  for (const auto& [selection, shared, sessions] : audience.groups()) {
    for (const SessionId member : sessions) {
      Session* session = sessions_.find(member);
      if (session == nullptr || !session->takes(item.envelope)) continue;
      for (std::size_t i = 0; i < topic::type_count; ++i) {
        if (!item.payloads[i]) continue;
        const auto type = static_cast<topic::Type>(i);
        const auto selected = selection.qos(type, item.natural_type);
        if (!selected) continue;
        if (messages[i] == nullptr) {
          messages[i] = std::make_shared<Message>(Message::Kind::live, item.node, type,
                                                  Publication{.topic = audience.topic(type),
                                                              .payload = std::move(*item.payloads[i]),
                                                              .envelope = item.envelope});
        }
        session->guard([&] { session->deliver(messages[i], std::min(item.envelope.qos, *selected)); });
      }
    }
  }
}

void Audiences::carry_out(RetainedMessages& retained) {
  Session* session = sessions_.find(retained.session);
  if (session == nullptr) return;
  session->guard([&] { send(*session, retained); });
}

void Audiences::send(Session& session, RetainedMessages& retained) const {
  for (auto& each : retained.messages) {
    const auto audience = by_node_.find(each.node);
    // The right may have gone while the batch was gathered.
    if (audience == by_node_.end() || !audience->second.receives(session.id(), each.type)) continue;
    if (!session.takes(each.envelope)) continue;
    session.deliver(std::make_shared<Message>(Message::Kind::retained, each.node, each.type,
                                              Publication{.topic = audience->second.topic(each.type),
                                                          .payload = std::move(each.payload),
                                                          .envelope = each.envelope}),
                    each.envelope.qos);
  }
  session.delivered_retained();
}

bool Audiences::may_have(const Session& session, const Message& message) const {
  const auto audience = by_node_.find(message.node());
  return audience != by_node_.end() && audience->second.receives(session.id(), message.type());
}

}  // namespace pubsub_mqtt::session
