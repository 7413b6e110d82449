#include "durable/journal.h"

#include <optional>

#include "protocol/session.h"
#include "pubsub_mqtt/base/random_ids.h"
#include "routing/audiences.h"
#include "routing/shared_groups.h"

namespace pubsub_mqtt::session {
namespace {

// Those that no message needs any more are kept for the next ones, so many of them.
constexpr std::size_t most_unused_audiences = 1000;

// A group that nobody is a member of any more has no filter: this is one that no group has.
constexpr std::string_view no_filter = "$share/";

store::WallTime wall_expiry(const Journal& journal, const Message& message) {
  if (!message.expires()) return store::MessageRow::never;
  return message.expires_at_once() ? store::WallTime(0) : journal.wall(message.envelope().expires_at);
}

}  // namespace

void Journal::promise(SessionId session) {
  if (session == 0) return;
  has_promised_ = true;
  promises_.promise(session, turn_);
}

Journal::Kept& Journal::begin(Session& session) {
  if (free_.empty()) {
    kept_.emplace_back();
    free_.push_back(static_cast<KeptSession>(kept_.size()));
  }
  const KeptSession place = free_.back();
  free_.pop_back();
  session.record().outgoing.set_kept(place);
  Kept& begun = kept(place);
  begun.session = &session;
  begun.session_id = session.id();
  begun.row = {.number = ++last_number_};
  begun.row.account = session.account();
  begun.row.client_identifier = session.key().client_identifier;
  begun.last_message = 0;
  return begun;
}

void Journal::put(const Kept& kept, bool is_new) {
  change(store::Put<store::SessionRow>{.row = kept.row, .is_new = is_new});
}

void Journal::connected(Session& session, std::chrono::duration<std::uint16_t> keep_alive) {
  const KeptSession known = session.record().outgoing.kept();
  Kept& now = known == 0 ? begin(session) : kept(known);
  const SessionRecord& record = session.record();
  now.row.level = record.level;
  now.row.is_bridge = record.is_bridge;
  now.row.expiry = record.expiry;
  now.row.keep_alive = keep_alive;
  now.row.offline_since.reset();
  put(now, known == 0);
  if (record.will) {
    put(now, *record.will);
  } else {
    remove_will(now);
  }
}

void Journal::put(Kept& kept, const Will& will) {
  change(store::Put<store::WillRow>{.row = {.session = kept.row.number,
                                            .delay = will.delay,
                                            .expiry = will.expiry,
                                            .publication = will.publication}});
  kept.has_will = true;
  kept.publishes_will = false;
}

void Journal::remove_will(Kept& kept) {
  if (kept.has_will) change(store::RemoveWill{.session = kept.row.number});
  kept.has_will = kept.publishes_will = false;
}

void Journal::publishes_will(Session& session) {
  kept(session.record().outgoing.kept()).publishes_will = true;
}

// A client that has come back meanwhile may have another one.
void Journal::published_will(Session& session) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.publishes_will) remove_will(publisher);
}

void Journal::restored_will(Session& session) { kept(session.record().outgoing.kept()).has_will = true; }

void Journal::disconnected(Session& session) {
  const SessionRecord& record = session.record();
  Kept& now = kept(record.outgoing.kept());
  if (now.row.offline_since) return;
  now.row.expiry = record.expiry;
  now.row.offline_since = wall(record.offline_since);
  put(now, false);
  if (!record.will && !now.publishes_will) remove_will(now);
}

void Journal::end(Session& session) {
  Outgoing& outgoing = session.record().outgoing;
  const KeptSession ended = outgoing.kept();
  if (ended == 0) return;
  outgoing.for_each_message([this](Message& message) { let_go(message); });
  change(store::RemoveSession{.session = kept(ended).row.number});
  promise(session.id());
  kept(ended) = Kept();
  free_.push_back(ended);
  outgoing.set_kept(0);
}

void Journal::subscribed(Session& session, const Subscription& subscription) {
  const Kept& subscriber = kept(session.record().outgoing.kept());
  change(
      store::Put<store::FilterRow>{.row = {.session = subscriber.row.number, .subscription = subscription}});
  promise(session.id());
}

void Journal::unsubscribed(Session& session, const TopicFilter& topic_filter) {
  const Kept& subscriber = kept(session.record().outgoing.kept());
  change(store::RemoveFilter{.session = subscriber.row.number, .topic_filter = topic_filter});
  promise(session.id());
}

void Journal::received(Session& session, mqtt::PacketIdentifier packet_identifier) {
  const Kept& publisher = kept(session.record().outgoing.kept());
  change(store::Put<store::ReceivedRow>{
      .row = {.session = publisher.row.number, .packet_identifier = packet_identifier}, .is_new = true});
  promise(session.id());
}

void Journal::released(Session& session, mqtt::PacketIdentifier packet_identifier) {
  const Kept& publisher = kept(session.record().outgoing.kept());
  change(store::RemoveReceived{.session = publisher.row.number, .packet_identifier = packet_identifier});
  promise(session.id());
}

// As mod_pubsub, in whole seconds.
bool Journal::store_item(const Route& route, Session& publisher, std::string element) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto at = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const std::string& account = publisher.account();
  const auto with = account.empty() ? std::nullopt : std::optional<std::string_view>(account);
  const auto appended =
      items_.append_by(route, random_item_id(random_), static_cast<double>(at), with, std::move(element));
  if (appended == store::Appended::no) return false;
  has_items_ = true;
  if (appended == store::Appended::and_is_crowded) {
    publisher.await_room();
    awaiting_room_.push_back(publisher.id());
  }
  return true;
}

std::vector<SessionId> Journal::take_those_with_room() {
  if (awaiting_room_.empty() || !items_.has_room()) return {};
  return std::exchange(awaiting_room_, {});
}

void Journal::await_commit(const Session& session) { promise(session.id()); }

void Journal::number(const std::shared_ptr<Message>& message) {
  message->stored() = {.number = ++last_number_, .turn = turn_, .place = new_messages_.size()};
  new_messages_.push_back(
      {.message = message,
       .full_topic = message->form().is_mounted ? audiences_.full_topic(*message) : std::string()});
}

// One that was numbered in an earlier turn has its audience already, and one with a lower number than the session's
// last would be taken for what has left its queue.
std::shared_ptr<Message> Journal::keep(KeptSession session, const std::shared_ptr<Message>& message,
                                       const Selected& selected) {
  Kept& keeper = kept(session);
  auto kept_message = message;
  const StoredMessage& known = message->stored();
  if (known.number != 0 && (known.turn != turn_ || known.number <= keeper.last_message)) {
    kept_message = message->copy();
    number(kept_message);
  } else if (known.number == 0) {
    number(message);
  }
  StoredMessage& stored = kept_message->stored();
  append(member(keeper, selected), new_messages_[stored.place].members);
  ++stored.sessions;
  keeper.last_message = stored.number;
  promise(message->envelope().session);
  return kept_message;
}

Member Journal::member(const Kept& kept, const Selected& selected) const {
  Member member{.session = kept.row.number, .qos = selected.qos, .retain = selected.retain};
  if (selected.identifiers != nullptr) member.identifiers = *selected.identifiers;
  if (selected.group != 0) {
    const SharedGroup* group = groups_.find(selected.group);
    member.shared_filter = no_filter;
    if (group != nullptr) member.shared_filter = group->filter();
  }
  return member;
}

void Journal::in_flight(KeptSession session, const Message& message, const Selected& selected,
                        mqtt::PacketIdentifier packet_identifier) {
  const Kept& receiver = kept(session);
  const store::RowNumber sender = receiver.row.number;
  change(store::Put<store::InflightRow>{.row = {.session = sender,
                                                .packet_identifier = packet_identifier,
                                                .message = message.stored().number,
                                                .position = ++last_number_},
                                        .is_new = true});
  change(store::CursorRow{.session = sender, .message = message.stored().number});
  if (selected.qos == mqtt::QoS::exactly_once) promise(receiver.session_id);
}

void Journal::acknowledged(KeptSession session, Message& message, mqtt::PacketIdentifier packet_identifier) {
  change(store::RemoveInflight{.session = kept(session).row.number, .packet_identifier = packet_identifier});
  let_go(message);
}

void Journal::received_by_client(KeptSession session, Message& message,
                                 mqtt::PacketIdentifier packet_identifier) {
  const Kept& receiver = kept(session);
  change(store::Put<store::InflightRow>{.row = {.session = receiver.row.number,
                                                .packet_identifier = packet_identifier,
                                                .message = 0,
                                                .position = ++last_number_}});
  promise(receiver.session_id);
  let_go(message);
}

void Journal::completed(KeptSession session, mqtt::PacketIdentifier packet_identifier) {
  change(store::RemoveInflight{.session = kept(session).row.number, .packet_identifier = packet_identifier});
}

// The cursor stays: others that were queued before it may still be there. Where it stands for others, and the process
// ends, it comes again, and is dropped again.
void Journal::dropped(Message& message) { let_go(message); }

// Of a message that is new in this turn nothing is written.
void Journal::let_go(Message& message) {
  StoredMessage& stored = message.stored();
  if (--stored.sessions > 0 || stored.audience == nullptr) return;
  change(store::RemoveMessage{.message = stored.number});
  if (--stored.audience->messages == 0) ++unused_audiences_;
  stored = {};
}

bool Journal::must_hold_publish(KeptSession session, mqtt::QoS qos) const {
  const Kept& receiver = kept_[session - 1];
  return qos == mqtt::QoS::exactly_once ? promises_.owed(receiver.session_id) != 0
                                        : !promises_.is_committed(receiver.held_before_publish);
}

void Journal::hold(KeptSession session, Held held) {
  Kept& receiver = kept(session);
  const bool is_before_publish =
      std::holds_alternative<HeldPublish>(held) || std::holds_alternative<HeldSuback>(held);
  promises_.hold(receiver.session_id, receiver.session->connection(), std::move(held));
  if (is_before_publish) receiver.held_before_publish = promises_.owed(receiver.session_id);
}

void Journal::restore(Session& session, store::SessionRow row, store::RowNumber last_message) {
  kept_.push_back(
      {.row = std::move(row), .session = &session, .session_id = session.id(), .last_message = last_message});
  session.record().outgoing.set_kept(static_cast<KeptSession>(kept_.size()));
}

StoredAudience& Journal::restore(const store::AudienceRow& row) {
  const auto [place, is_new] =
      stored_audiences_.try_emplace(row.members, StoredAudience{.number = row.number});
  if (is_new) ++unused_audiences_;
  return place->second;
}

void Journal::restore(Message& message, store::RowNumber number, StoredAudience& audience) {
  message.stored() = {.number = number, .audience = &audience};
  if (audience.messages++ == 0) --unused_audiences_;
}

void Journal::forget(const store::MessageRow& row) { change(store::RemoveMessage{.message = row.number}); }

void Journal::post() {
  post_new_messages();
  if (changes_.empty() && !has_promised_ && !has_items_) return;
  if (unused_audiences_ > most_unused_audiences) forget_audiences();
  const auto number = items_.post({.changes = std::exchange(changes_, {}), .last_number = last_number_});
  posted_.push_back({.turn = turn_++, .number = number});
  has_promised_ = has_items_ = false;
}

void Journal::post_new_messages() {
  for (auto& added : new_messages_) {
    if (added.message->stored().sessions > 0) {
      put(added);
    } else {
      added.message->stored() = {};
    }
  }
  new_messages_.clear();
}

void Journal::put(NewMessage& added) {
  Message& message = *added.message;
  StoredMessage& stored = message.stored();
  stored.audience = &audience(added.members);
  if (stored.audience->messages++ == 0) --unused_audiences_;
  store::MessageRow row{
      .number = stored.number, .audience = stored.audience->number, .is_retained = message.is_retained()};
  row.full_topic = std::move(added.full_topic);
  row.publication = message.publication();
  row.expires_at = wall_expiry(*this, message);
  change(store::Put<store::MessageRow>{.row = std::move(row), .is_new = true});
}

StoredAudience& Journal::audience(const std::string& members) {
  const auto [place, is_new] = stored_audiences_.try_emplace(members);
  StoredAudience& audience = place->second;
  if (!is_new) return audience;
  audience.number = ++last_number_;
  ++unused_audiences_;
  store::AudienceRow row{.number = audience.number};
  row.members = members;
  change(store::Put<store::AudienceRow>{.row = std::move(row), .is_new = true});
  return audience;
}

void Journal::forget_audiences() {
  for (auto place = stored_audiences_.begin(); place != stored_audiences_.end();) {
    if (place->second.messages > 0) {
      ++place;
      continue;
    }
    change(store::RemoveAudience{.audience = place->second.number});
    place = stored_audiences_.erase(place);
  }
  unused_audiences_ = 0;
}

void Journal::look() {
  const auto committed = store_.committed();
  while (!posted_.empty() && posted_.front().number <= committed) {
    promises_.committed(posted_.front().turn);
    posted_.pop_front();
  }
}

}  // namespace pubsub_mqtt::session
