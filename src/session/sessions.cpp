#include "pubsub_mqtt/session/sessions.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "audience.h"
#include "direct_item.h"
#include "message.h"
#include "pubsub_mqtt/mqtt/printable.h"
#include "pubsub_mqtt/session/connection.h"
#include "session.h"

namespace pubsub_mqtt::session {

std::string client_name(std::string_view address, std::string_view client_identifier) {
  return std::string(address) + " \"" + mqtt::printable(client_identifier) + '"';
}

std::string client_name(std::string_view address, const SessionKey& key) {
  std::string name = client_name(address, key.client_identifier);
  if (!key.account.empty()) name += " (" + key.account + ')';
  return name;
}

std::size_t SessionKeyHash::operator()(const SessionKey& key) const {
  const std::hash<std::string> hash;
  return hash(key.account) * 31 + hash(key.client_identifier);
}
std::size_t SessionKeyHash::operator()(const Session* session) const { return (*this)(session->key()); }
bool SessionKeyEqual::operator()(const Session* session, const Session* other) const {
  return session == other;
}
bool SessionKeyEqual::operator()(const SessionKey& key, const Session* session) const {
  return key == session->key();
}

Sessions::Sessions(const Limits& limits, std::vector<Request>& requests)
    : shared_{.limits = limits, .requests = requests} {}
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

bool Sessions::has_place_for(const mqtt::Connect& connect, const std::string& account) const {
  if (connect.clean_session) return true;
  const auto known = by_key_.find(
      SessionKey{.account = account, .client_identifier = std::string(connect.client_identifier)});
  if (known != by_key_.end() && !(*known)->is_clean()) return true;
  const auto stored = stored_.find(account);
  return (stored == stored_.end() ? 0 : stored->second) <
         (account.empty() ? shared_.limits.max_anonymous_sessions : shared_.limits.max_sessions_per_account);
}

void Sessions::log_refusal(Time now, LogLevel level, const std::string& client, std::string_view reason) {
  auto refusal = refusals_.find(reason);
  if (refusal == refusals_.end()) {
    const std::string total = "CONNECTs were refused: " + std::string(reason);
    refusal =
        refusals_.try_emplace(std::string(reason), std::chrono::minutes(1), total, shared_.requests, level)
            .first;
  }
  const auto line = [&] { return client + ": closed: " + std::string(reason); };
  if (refusal->second.happens(now, line)) return;
  shared_.requests.emplace_back(LogLine{.level = LogLevel::debug, .text = line()});
}

Sessions::Opened Sessions::open(const mqtt::Connect& connect, std::string account, ConnectionId connection,
                                std::string address, Outbox& outbox) {
  SessionKey key{.account = std::move(account), .client_identifier = std::string(connect.client_identifier)};
  Session* session = take_over(key);
  if (session != nullptr && connect.clean_session) {
    close(*session);
    session = nullptr;
  }
  const bool present = session != nullptr;
  if (!present) session = &create(std::move(key), connect.clean_session);
  session->attach(connect, connection, std::move(address), outbox);
  return {.session = *session, .present = present};
}

// The session of the client, without a connection; nullptr if there is none.
Session* Sessions::take_over(const SessionKey& key) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (Session& session = **found; session.is_connected()) {
    disconnect(session, "closed, its client identifier connected again");
    found = by_key_.find(key);  // a clean session is over now
  }
  return found == by_key_.end() ? nullptr : *found;
}

Session& Sessions::create(SessionKey&& key, bool clean) {
  if (!clean) ++stored_[key.account];
  const SessionId id = take_slot();
  auto& session = slots_[id & 0xFFFFFFFFU].session;
  session = std::make_unique<Session>(id, std::move(key), clean, shared_);
  // One without a client identifier is nobody else's: unique, as [MQTT-3.1.3-6] wants it.
  if (!session->key().client_identifier.empty()) by_key_.insert(session.get());
  return *session;
}

void Sessions::resume(Session& session) {
  session.resume([&](const Message& message) { return may_have(session, message); });
}

bool Sessions::may_have(const Session& session, const Message& message) const {
  const auto audience = audiences_.find(message.node());
  return audience != audiences_.end() && audience->second.receives(session.id(), message.type());
}

void Sessions::detach(Session& session) {
  session.publish_will();
  session.detach();
  if (session.is_clean()) close(session);
}

void Sessions::close(Session& session) {
  if (session.dropped() > 0) {
    log(session, LogLevel::info, std::to_string(session.dropped()) + " messages were dropped");
  }
  if (session.is_opened()) shared_.requests.emplace_back(CloseSession{.session = session.id()});
  if (!session.is_clean()) {
    const auto stored = stored_.find(session.account());
    if (--stored->second == 0) stored_.erase(stored);
  }
  if (!session.key().client_identifier.empty()) by_key_.erase(&session);
  const auto slot = static_cast<std::uint32_t>(session.id() & 0xFFFFFFFFU);
  free_slots_.push_back(slot);
  slots_[slot].session.reset();
}

void Sessions::expire(Time now) {
  for (auto& [reason, refusal] : refusals_) refusal.expire(now);
  for (const auto& slot : slots_) {
    Session* session = slot.session.get();
    if (session == nullptr || session->is_connected()) continue;
    if (!session->offline_since) session->offline_since = now;
    if (now - *session->offline_since < shared_.limits.session_expiry) continue;
    log(*session, LogLevel::info, "its session ends, since it did not come back within mqtt_session_expiry");
    close(*session);
  }
}

std::vector<ClientView> Sessions::clients() const {
  std::vector<ClientView> views;
  views.reserve(size());
  for (const auto& slot : slots_) {
    const Session* session = slot.session.get();
    if (session == nullptr) continue;
    views.push_back(
        {.session = session->id(), .name = session->client(), .is_connected = session->is_connected()});
  }
  return views;
}

void Sessions::send_wills() {
  for (const auto& slot : slots_) {
    if (slot.session != nullptr && slot.session->has_retained_will()) slot.session->publish_will();
  }
  for (const auto& slot : slots_) {
    if (slot.session != nullptr) slot.session->publish_will();
  }
}

void Sessions::publish(Session& session, const mqtt::Publish& packet) {
  if (session.has_received(packet)) return;
  if (!publish_directly(session, packet)) return session.publish(packet);
  session.published(packet);
}

bool Sessions::publish_directly(Session& session, const mqtt::Publish& packet) {
  const Routes::Way* way = session.way(packet);
  if (way == nullptr) return false;
  const NodeId node = way->route->node();
  const auto audience = audiences_.find(node);
  auto item = audience == audiences_.end() ? direct_item(node, way->type, packet, Audience({}, {}))
                                           : direct_item(node, way->type, packet, audience->second);
  if (!item) {
    session.lose_way(packet.topic);
    return false;
  }
  carry_out(*item);
  return true;
}

void Sessions::handle(Delivery&& delivery) {
  std::visit([this](auto& each) { carry_out(each); }, delivery);
}

void Sessions::carry_out(const LoginReply& reply) {
  const auto found = logging_in_.find(reply.connection);
  if (found != logging_in_.end()) found->second->receive(reply);
}

void Sessions::carry_out(const CloseAccount& account) {
  for (const auto& slot : slots_) {
    Session* session = slot.session.get();
    if (session == nullptr || session->account() != account.account) continue;
    if (account.was_deleted) session->forget_will();
    const SessionId id = session->id();
    if (session->is_connected()) disconnect(*session, "closed, its account was changed");
    if (account.was_deleted && find(id) != nullptr) close(*session);
  }
}

void Sessions::carry_out(const CloseHost& host) {
  const std::string of_host = '@' + host.host;
  for (const auto& slot : slots_) {
    Session* session = slot.session.get();
    if (session == nullptr || !session->is_connected() || !session->account().ends_with(of_host)) continue;
    disconnect(*session, "closed, its account's host has gone");
  }
}

void Sessions::carry_out(const CloseConnection& connection) {
  Session* session = find(connection.session);
  if (session != nullptr && session->is_connected()) disconnect(*session, "closed by the administrator");
}

// The server closes the connection: the will goes out.
void Sessions::disconnect(Session& session, std::string_view why) {
  log(session, LogLevel::info, why);
  session.outbox()->close();
  detach(session);
}

void Sessions::carry_out(NodeOpened& opened) {
  audiences_.try_emplace(opened.node, std::move(opened.host), std::move(opened.name));
}

void Sessions::carry_out(const NodeClosed& closed) { audiences_.erase(closed.node); }

void Sessions::carry_out(const AudienceChange& change) {
  const auto audience = audiences_.find(change.node);
  if (audience != audiences_.end()) audience->second.change(change);
}

void Sessions::carry_out(ItemPublished& item) {
  const auto found = audiences_.find(item.node);
  if (found == audiences_.end()) return;
  const Audience& audience = found->second;

  // One a topic, made when the first session wants it, whoever receives it.
  std::array<std::shared_ptr<Message>, payload::type_count> messages;
  for (const auto& member : audience.members()) {
    Session* session = find(member.session);
    if (session == nullptr) continue;
    for (std::size_t i = 0; i < payload::type_count; ++i) {
      if (!item.payloads[i]) continue;
      const auto type = static_cast<payload::Type>(i);
      const auto selected = member.selection.qos(type, item.natural_type);
      if (!selected) continue;
      if (messages[i] == nullptr) {
        messages[i] = std::make_shared<Message>(item.node, type, audience.topic(type),
                                                std::move(*item.payloads[i]), false);
      }
      session->deliver(messages[i], std::min(item.qos, *selected));
    }
  }
}

void Sessions::carry_out(RetainedMessages& retained) {
  Session* session = find(retained.session);
  if (session == nullptr) return;
  for (auto& each : retained.messages) {
    const auto audience = audiences_.find(each.node);
    // The right may have gone while the batch was gathered.
    if (audience == audiences_.end() || !audience->second.receives(session->id(), each.type)) continue;
    session->deliver(std::make_shared<Message>(each.node, each.type, audience->second.topic(each.type),
                                               std::move(each.payload), true),
                     each.qos);
  }
  session->delivered_retained();
}

void Sessions::carry_out(const SubscribeReply& reply) {
  shared_.backlog.remove(reply.bytes, shared_.limits);
  if (Session* session = find(reply.session)) session->reply(reply);
}

void Sessions::carry_out(const UnsubscribeReply& reply) {
  shared_.backlog.remove(reply.bytes, shared_.limits);
  if (Session* session = find(reply.session)) session->reply(reply);
}

void Sessions::carry_out(PublishReply& reply) {
  shared_.backlog.remove(reply.bytes, shared_.limits);
  shared_.backlog.remove_publish(reply.node_key);
  Session* session = reply.will ? nullptr : find(reply.session);
  if (session == nullptr || session->reply(reply)) return;
  session->outbox()->close();
  detach(*session);
}

void Sessions::log(const Session& session, LogLevel level, std::string_view text) {
  shared_.requests.emplace_back(LogLine{.level = level, .text = session.client() + ": " + std::string(text)});
}

}  // namespace pubsub_mqtt::session
