#include "durable/journal.h"

#include <variant>

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
}

void Journal::remove_will(Kept& kept) {
  if (kept.has_will) change(store::RemoveWill{.session = kept.row.number});
  kept.has_will = false;
}

namespace {

store::CleanWillRow clean_will(const Session& session, const Will& will, store::RowNumber number) {
  store::CleanWillRow row{.number = number};
  row.account = session.account();
  row.client_identifier = session.key().client_identifier;
  row.level = session.record().level;
  row.will = {.delay = will.delay, .expiry = will.expiry, .publication = will.publication};
  return row;
}

}  // namespace

void Journal::keep_will(Session& session, std::chrono::duration<std::uint16_t> keep_alive) {
  Will& will = *session.record().will;
  will.stored = ++last_number_;
  auto row = clean_will(session, will, will.stored);
  row.keep_alive = keep_alive;
  change(store::Put<store::CleanWillRow>{.row = std::move(row), .is_new = true});
}

void Journal::forget_will(const Will& will) {
  if (will.stored != 0) change(store::RemoveCleanWill{.number = will.stored});
}

// From here on it does not depend on the session, which may be over before pubsub has answered.
void Journal::publishes_will(Session& session, Will& will) {
  const KeptSession known = session.record().outgoing.kept();
  if (known != 0) remove_will(kept(known));
  const bool is_new = will.stored == 0;
  if (is_new) will.stored = ++last_number_;
  auto row = clean_will(session, will, will.stored);
  row.is_due = true;
  change(store::Put<store::CleanWillRow>{.row = std::move(row), .is_new = is_new});
  published_wills_.emplace(session.id(), will.stored);
}

// The first of those that it has published.
void Journal::published_will(SessionId session) {
  const auto first = published_wills_.lower_bound({session, 0});
  if (first == published_wills_.end() || first->first != session) return;
  change(store::RemoveCleanWill{.number = first->second});
  published_wills_.erase(first);
}

void Journal::restored_will(Session& session) { kept(session.record().outgoing.kept()).has_will = true; }

void Journal::disconnected(Session& session) {
  const SessionRecord& record = session.record();
  Kept& now = kept(record.outgoing.kept());
  if (now.row.offline_since) return;
  now.row.expiry = record.expiry;
  now.row.offline_since = wall(record.offline_since);
  put(now, false);
  if (!record.will) remove_will(now);
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
  forget_intent(session, packet_identifier);
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

// [MQTT-3.3.1-1]: what the client sends without DUP it has not sent before.
Intent Journal::intend(const Session& session, mqtt::PacketIdentifier packet_identifier, bool dup) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr) publisher.intents = std::make_unique<Intents>();
  held_requests_.prepare(session.id());
  const auto [place, is_new] = publisher.intents->try_emplace(packet_identifier);
  Intent intent{.session = publisher.row.number, .is_again = dup && !is_new};
  StoredIntent& stored = place->second;
  if (intent.is_again) {
    intent.is_published = stored.is_published;
  } else {
    stored = {.item = random_item_id(random_)};
    change(store::Put<store::IntentRow>{
        .row = {.session = publisher.row.number, .packet_identifier = packet_identifier, .item = stored.item},
        .is_new = is_new});
  }
  intent.item = stored.item;
  turn_of_intents_ = turn_;
  has_promised_ = true;
  return intent;
}

void Journal::forget_intent(const Session& session, mqtt::PacketIdentifier packet_identifier) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr || publisher.intents->erase(packet_identifier) == 0) return;
  if (publisher.intents->empty()) publisher.intents.reset();
  change(store::RemoveIntent{.session = publisher.row.number, .packet_identifier = packet_identifier});
}

void Journal::hold_request(SessionId session, Request&& request) {
  held_requests_.prepare(session);
  held_requests_.hold(session, turn_of_intents_, std::move(request));
}

void Journal::number(const std::shared_ptr<Message>& message) {
  new_messages_.push_back(
      {.message = message,
       .full_topic = message->form().is_mounted ? audiences_.full_topic(*message) : std::string()});
  message->stored() = {.number = ++last_number_,
                       .place = static_cast<std::uint32_t>(new_messages_.size() - 1)};
}

// One that was numbered in an earlier turn has its audience already, and one with a lower number than the session's
// last would be taken for what has left its queue.
std::shared_ptr<Message> Journal::keep(KeptSession session, const std::shared_ptr<Message>& message,
                                       const Selected& selected) {
  Kept& keeper = kept(session);
  auto kept_message = message;
  const StoredMessage& known = message->stored();
  if (known.number != 0 && (known.audience != nullptr || known.number <= keeper.last_message)) {
    kept_message = message->copy();
    number(kept_message);
  } else if (known.number == 0) {
    number(message);
  }
  promise(message->envelope().session);
  StoredMessage& stored = kept_message->stored();
  append(member(keeper, selected), new_messages_[stored.place].members);
  ++stored.sessions;
  keeper.last_message = stored.number;
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

void Journal::restore(Session& session, store::IntentRow row) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr) publisher.intents = std::make_unique<Intents>();
  publisher.intents->insert_or_assign(
      row.packet_identifier, StoredIntent{.item = std::move(row.item), .is_published = row.is_published});
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
  if (changes_.changes.empty() && !has_promised_) return;
  if (unused_audiences_ > most_unused_audiences) forget_audiences();
  changes_.last_number = last_number_;
  const auto number = store_.post(std::move(changes_));
  changes_ = {};
  posted_.push_back({.turn = turn_++, .number = number});
  has_promised_ = false;
}

// Memory may run out at any of them: those before it have their rows, and the others get them when this is called
// again. Meanwhile they keep their places.
void Journal::post_new_messages() {
  for (; put_messages_ < new_messages_.size(); ++put_messages_) {
    NewMessage& added = new_messages_[put_messages_];
    if (added.message->stored().sessions > 0) {
      put(added);
    } else {
      added.message->stored() = {};
    }
  }
  new_messages_.clear();
  put_messages_ = 0;
}

// Nothing is counted before all memory is there.
void Journal::put(NewMessage& added) {
  Message& message = *added.message;
  StoredMessage& stored = message.stored();
  StoredAudience& receivers = audience(added.members);
  change(store::Put<store::MessageRow>{.row = {}, .is_new = true});
  auto& row = std::get<store::Put<store::MessageRow>>(changes_.changes.back()).row;
  row.number = stored.number;
  row.audience = receivers.number;
  row.is_retained = message.is_retained();
  row.full_topic = std::move(added.full_topic);
  row.publication = message.publication();
  row.expires_at = wall_expiry(*this, message);
  stored.audience = &receivers;
  if (receivers.messages++ == 0) --unused_audiences_;
}

// Its row first: one that no message needs is removed when the store is read next.
StoredAudience& Journal::audience(const std::string& members) {
  const auto found = stored_audiences_.find(members);
  if (found != stored_audiences_.end()) return found->second;
  store::AudienceRow row{.number = ++last_number_};
  row.members = members;
  change(store::Put<store::AudienceRow>{.row = std::move(row), .is_new = true});
  StoredAudience& audience =
      stored_audiences_.try_emplace(members, StoredAudience{.number = last_number_}).first->second;
  ++unused_audiences_;
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
