#include "pubsub_mqtt/session/sessions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "printable.h"

namespace pubsub_mqtt::session {

// Who receives what of one node, sorted by session: walked once an item, changed seldom.
struct Sessions::Audience {
  struct Member {
    SessionId session = 0;
    Selection selection;
  };
  std::string host;
  std::string node;
  std::vector<Member> members;

  std::string topic(payload::Type type) const {
    std::string topic = host;
    topic += '/';
    topic += payload::name(type);
    topic += '/';
    topic += node;
    return topic;
  }
};

Sessions::Sessions(const Limits& limits, std::vector<Request>& requests) : limits_(limits), requests_(requests) {}
Sessions::~Sessions() = default;

SessionId Sessions::take_slot() {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return SessionId{++slots_[slot].uses} << 32U | slot;
}

Session* Sessions::find(SessionId id) const {
  const std::size_t slot = id & 0xFFFFFFFFU;
  if (slot >= slots_.size()) return nullptr;
  Session* session = slots_[slot].session.get();
  return session != nullptr && session->id() == id ? session : nullptr;
}

Session& Sessions::open(std::string_view client_identifier, ConnectionId connection, std::string_view address,
                        Outbox& outbox) {
  const SessionId id = take_slot();
  std::string identifier(client_identifier);
  if (identifier.empty()) identifier = "auto-" + std::to_string(id);
  if (const auto found = by_client_identifier_.find(identifier); found != by_client_identifier_.end()) {
    Session& older = *found->second;
    requests_.emplace_back(
        LogLine{.level = LogLevel::info, .text = older.client() + ": closed, its client identifier connected again"});
    older.outbox().close();
    close(older);
  }
  std::string client = std::string(address) + " \"" + printable(identifier) + '"';
  requests_.emplace_back(OpenSession{.session = id, .client = client});
  auto& session = slots_[id & 0xFFFFFFFFU].session;
  session = std::make_unique<Session>(id, connection, std::move(identifier), std::move(client), limits_, outbox,
                                      requests_);
  by_client_identifier_.emplace(session->client_identifier(), session.get());
  return *session;
}

void Sessions::close(Session& session) {
  if (session.dropped() > 0) {
    requests_.emplace_back(
        LogLine{.level = LogLevel::info,
                .text = session.client() + ": " + std::to_string(session.dropped()) + " messages were dropped"});
  }
  requests_.emplace_back(CloseSession{.session = session.id()});
  by_client_identifier_.erase(session.client_identifier());
  const auto slot = static_cast<std::uint32_t>(session.id() & 0xFFFFFFFFU);
  free_slots_.push_back(slot);
  slots_[slot].session.reset();
}

void Sessions::handle(const Delivery& delivery) {
  std::visit([this](const auto& each) { carry_out(each); }, delivery);
}

void Sessions::carry_out(const NodeOpened& opened) {
  audiences_.emplace(opened.node, Audience{.host = opened.host, .node = opened.name, .members = {}});
}

void Sessions::carry_out(const NodeClosed& closed) { audiences_.erase(closed.node); }

void Sessions::carry_out(const AudienceChange& change) {
  const auto audience = audiences_.find(change.node);
  if (audience == audiences_.end()) return;
  auto& members = audience->second.members;
  const auto place = std::lower_bound(
      members.begin(), members.end(), change.session,
      [](const Audience::Member& member, SessionId session) { return member.session < session; });
  const bool present = place != members.end() && place->session == change.session;
  if (change.selection.empty()) {
    if (present) members.erase(place);
  } else if (present) {
    place->selection = change.selection;
  } else {
    members.insert(place, {.session = change.session, .selection = change.selection});
  }
}

void Sessions::carry_out(const ItemPublished& item) {
  const auto found = audiences_.find(item.node);
  if (found == audiences_.end()) return;
  const Audience& audience = found->second;

  // Encoded once a topic, whoever receives it.
  std::array<std::optional<Message>, payload::type_count> messages;
  for (std::size_t type = 0; type < payload::type_count; ++type) {
    if (!item.payloads[type]) continue;
    messages[type].emplace(audience.topic(static_cast<payload::Type>(type)), *item.payloads[type], item.qos);
  }
  for (const auto& member : audience.members) {
    Session* session = find(member.session);
    if (session == nullptr) continue;
    for (std::size_t type = 0; type < payload::type_count; ++type) {
      if (messages[type] && member.selection.by_type[type]) session->deliver(*messages[type]);
    }
  }
}

void Sessions::carry_out(const SubscribeReply& reply) {
  if (Session* session = find(reply.session)) session->reply(reply);
}

void Sessions::carry_out(const UnsubscribeReply& reply) {
  if (Session* session = find(reply.session)) session->reply(reply);
}

void Sessions::carry_out(const PublishReply& reply) {
  if (Session* session = find(reply.session)) session->reply(reply);
}

}  // namespace pubsub_mqtt::session
