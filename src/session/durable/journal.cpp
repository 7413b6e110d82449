#include "durable/journal.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <variant>

#include "durable/stored_rows.h"
#include "protocol/session.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/random_ids.h"
#include "routing/audiences.h"
#include "routing/shared_groups.h"

namespace pubsub_mqtt::session {
namespace {

// When so many messages have left a session's memory it is looked which rows nobody needs any more.
constexpr std::uint32_t many_left = 256;

// What is passed on of a session that is over, at a time.
constexpr std::size_t estate_page = 500;
constexpr std::size_t estate_page_bytes = MiB;

// A group that nobody is a member of any more has no filter: this is one that no group has.
constexpr std::string_view no_filter = "$share/";

store::WallTime stored_expiry(const Journal& journal, const Message& message) {
  if (!message.expires()) return store::MessageRow::never;
  return message.expires_at_once() ? store::WallTime(0) : journal.stored_time(message.envelope().expires_at);
}

// So that so many more do not fail.
template <typename Item>
void prepare(std::vector<Item>& items, std::size_t more) {
  if (items.capacity() - items.size() < more) items.reserve(2 * items.size() + more);
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
  begun.last_message = begun.loaded_up_to = 0;
  by_number_.emplace(begun.row.number, place);
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

void Journal::disconnected(Session& session) {
  const SessionRecord& record = session.record();
  Kept& now = kept(record.outgoing.kept());
  if (now.row.offline_since) return;
  now.row.expiry = record.expiry;
  now.row.offline_since = stored_time(record.since);
  if (now.left > 0) sweep_audiences_of(now);
  put(now, false);
  if (!record.will) remove_will(now);
}

// All memory first, here and below.
void Journal::end(Session& session) {
  Outgoing& outgoing = session.record().outgoing;
  const KeptSession ended = outgoing.kept();
  if (ended == 0) return;
  Kept& over = kept(ended);
  const bool leaves_estate = outgoing.is_paged() && has_more_of_groups(over);
  promise(session.id());
  if (!session.key().client_identifier.empty()) ending_.insert_or_assign(session.key(), session.id());
  prepare_to_drop(outgoing.in_memory());
  if (leaves_estate) {
    leave_estate(over);
  } else {
    prepare_to_remove();
  }
  outgoing.for_each_message(
      [&](Message& message, const Selected& selected) { let_go(over, message, selected.group != 0); });
  if (!leaves_estate) remove(ended);
  outgoing.set_kept(0);
}

SessionId Journal::ending(const SessionKey& key) const {
  const auto found = ending_.find(key);
  return found == ending_.end() || promises_.owed(found->second) == 0 ? 0 : found->second;
}

// Where there may be many of them.
void Journal::forget_ended() {
  if (ending_.size() < 2 * most_ending_ + 64) return;
  std::erase_if(ending_, [&](const auto& each) { return promises_.owed(each.second) == 0; });
  most_ending_ = ending_.size();
}

// What its groups gave it, others of them may still have (MQTT 5.0, 4.8.2).
bool Journal::has_more_of_groups(const Kept& kept) const {
  const auto is_of_group = [&](std::string_view members) {
    const auto member = find_member(kept.row.number, members);
    return member && !member->shared_filter.empty();
  };
  return std::ranges::any_of(kept.audiences,
                             [&](const StoredAudience* audience) {
                               return audience->last_message > kept.loaded_up_to &&
                                      is_of_group(*audience->members_as_stored);
                             }) ||
         std::ranges::any_of(new_messages_,
                             [&](const NewMessage& added) { return is_of_group(added.members); });
}

// A session that is stored with an expiry of 0, and away, is over, in a later process, too.
void Journal::leave_estate(Kept& over) {
  over.row.expiry = decltype(over.row.expiry)(0);
  over.row.offline_since = store_.now();
  put(over, false);
  change(store::CursorRow{.session = over.row.number, .message = over.loaded_up_to});
  ask_for_page(by_number_.find(over.row.number)->second, estate_page, estate_page_bytes);
  over.session = nullptr;
  over.session_id = 0;
}

void Journal::passed_on(KeptSession ended, store::RowNumber up_to) {
  if (loaded(ended, up_to)) return remove(ended);
  change(store::CursorRow{.session = kept(ended).row.number, .message = up_to});
  ask_for_page(ended, estate_page, estate_page_bytes);
}

void Journal::prepare_to_remove() {
  prepare(free_, 1);
  prepare(changes_.changes, 1);
}

void Journal::remove(KeptSession session) {
  prepare_to_remove();
  Kept& over = kept(session);
  change(store::RemoveSession{.session = over.row.number});
  sweep_audiences_of(over);
  for (StoredAudience* audience : over.audiences) std::erase(audience->members, session);
  by_number_.erase(over.row.number);
  over = Kept();
  free_.push_back(session);
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

// As mod_pubsub, in whole seconds.
std::optional<std::string> Journal::store_item(const Route& route, Session& publisher, std::string element) {
  const auto now = std::chrono::system_clock::now();
  const auto at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string& account = publisher.account();
  const auto with = account.empty() ? std::nullopt : std::optional<std::string_view>(account);
  std::string id = item_id(random_, now);
  const auto appended = items_.append_by(route, id, static_cast<double>(at), with, std::move(element));
  if (appended == store::Appended::no) return std::nullopt;
  has_items_ = true;
  if (appended == store::Appended::and_is_crowded) {
    publisher.await_room();
    awaiting_room_.push_back(publisher.id());
  }
  return id;
}

void Journal::stored_in_vain(const Session& session, mqtt::PacketIdentifier packet_identifier,
                             std::string item) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr) publisher.intents = std::make_unique<Intents>();
  const auto [place, is_new] = publisher.intents->insert_or_assign(
      packet_identifier, StoredIntent{.item = std::move(item), .is_published = true});
  change(store::Put<store::IntentRow>{.row = {.session = publisher.row.number,
                                              .packet_identifier = packet_identifier,
                                              .item = place->second.item,
                                              .is_published = true},
                                      .is_new = is_new});
}

std::vector<SessionId> Journal::take_those_with_room() {
  if (awaiting_room_.empty() || !items_.has_room()) return {};
  return std::exchange(awaiting_room_, {});
}

// [MQTT-3.3.1-1]: what the client sends without DUP it has not sent before.
Intent Journal::intend(const Session& session, mqtt::PacketIdentifier packet_identifier, bool dup) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr) publisher.intents = std::make_unique<Intents>();
  held_requests_.prepare(session.id());
  const auto [place, is_new] = publisher.intents->try_emplace(packet_identifier);
  Intent intent{
      .session = publisher.row.number, .packet_identifier = packet_identifier, .is_again = dup && !is_new};
  StoredIntent& stored = place->second;
  if (intent.is_again) {
    intent.is_published = stored.is_published;
  } else {
    stored = {.item = item_id(random_, std::chrono::system_clock::now())};
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
// last would be taken for what has left its queue. What a group gives at QoS 2 has a row for itself, which goes in the
// unit in which another member gets it: of a row that others need a later process would give it a second time.
std::shared_ptr<Message> Journal::give(Kept& keeper, const std::shared_ptr<Message>& message,
                                       const Selected& selected) {
  auto kept_message = message;
  const StoredMessage& known = message->stored();
  const bool is_alone = selected.group != 0 && selected.qos == mqtt::QoS::exactly_once;
  const bool is_of_others = known.audience != nullptr || known.number <= keeper.last_message;
  if (is_alone || (known.number != 0 && is_of_others)) {
    kept_message = message->copy();
    number(kept_message);
  } else if (known.number == 0) {
    number(message);
  }
  promise(message->envelope().session);
  const StoredMessage& stored = kept_message->stored();
  append(member(keeper, selected), new_messages_[stored.place].members);
  keeper.last_message = stored.number;
  return kept_message;
}

std::shared_ptr<Message> Journal::keep(KeptSession session, const std::shared_ptr<Message>& message,
                                       const Selected& selected) {
  Kept& keeper = kept(session);
  auto kept_message = give(keeper, message, selected);
  count_in_memory(*kept_message);
  keeper.loaded_up_to = keeper.last_message;
  return kept_message;
}

void Journal::store(KeptSession session, const std::shared_ptr<Message>& message, const Selected& selected) {
  give(kept(session), message, selected)->stored().waits_in_store = true;
}

// What a message takes is its bytes and itself.
void Journal::count_in_memory(Message& message) {
  ++message.stored().sessions;
  bytes_in_memory_ += message.size() + sizeof(Message);
}

void Journal::uncount_in_memory(Message& message) noexcept {
  if (message.stored().sessions == 0) return;
  --message.stored().sessions;
  bytes_in_memory_ -= message.size() + sizeof(Message);
}

void Journal::forget_in_memory(Message& message) noexcept {
  uncount_in_memory(message);
  message.stored().waits_in_store = true;
}

void Journal::has_gone(KeptSession session, store::RowNumber first) noexcept {
  Kept& away = kept(session);
  away.page = 0;
  if (first != 0) away.loaded_up_to = first - 1;
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

void Journal::prepare_in_flight(KeptSession session, mqtt::QoS qos) {
  if (qos == mqtt::QoS::exactly_once) promise(kept(session).session_id);
  prepare(changes_.changes, 2);
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
  Kept& receiver = kept(session);
  change(store::RemoveInflight{.session = receiver.row.number, .packet_identifier = packet_identifier});
  let_go(receiver, message);
}

void Journal::received_by_client(KeptSession session, Message& message,
                                 mqtt::PacketIdentifier packet_identifier) {
  Kept& receiver = kept(session);
  change(store::Put<store::InflightRow>{.row = {.session = receiver.row.number,
                                                .packet_identifier = packet_identifier,
                                                .message = 0,
                                                .position = ++last_number_}});
  promise(receiver.session_id);
  let_go(receiver, message);
}

void Journal::completed(KeptSession session, mqtt::PacketIdentifier packet_identifier) {
  change(store::RemoveInflight{.session = kept(session).row.number, .packet_identifier = packet_identifier});
}

// The cursor stays: others that were queued before it may still be there. Where it stands for others, and the process
// ends, it comes again, and is dropped again.
void Journal::dropped(KeptSession session, Message& message, bool is_passed_on) {
  let_go(kept(session), message, is_passed_on);
}

void Journal::prepare_to_drop(std::size_t messages) { prepare(removed_messages_, messages); }

// Of a message that is new in this turn nothing is written, unless others have it in the store alone.
void Journal::let_go(Kept& from, Message& message, bool is_passed_on) {
  prepare_to_drop();
  StoredMessage& stored = message.stored();
  uncount_in_memory(message);
  if (stored.audience == nullptr) return;
  if (is_passed_on) stored.audience->passed_on_in = turn_;
  if (stored.waits_in_store && stored.audience->members.size() > 1) {
    if (++from.left >= many_left) sweep_audiences_of(from);
    return;
  }
  if (stored.sessions > 0) return;
  removed_messages_.push_back({.message = stored.number, .is_passed_on = is_passed_on});
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

void Journal::ask_for_page(KeptSession session, std::size_t messages, std::size_t bytes) {
  Kept& asks = kept(session);
  if (asks.page != 0) return;
  if (++last_page_ == 0) ++last_page_;
  asked_.push_back({.session = session, .page = last_page_, .messages = messages, .bytes = bytes});
  asks.page = last_page_;
}

// Each once, though memory may run out for one of them.
std::optional<store::Page> Journal::take_page() {
  if (taken_pages_ == pages_.size()) {
    pages_.clear();
    taken_pages_ = 0;
    store_.take_pages(pages_);
    if (pages_.empty()) return std::nullopt;
  }
  return std::move(pages_[taken_pages_++]);
}

bool Journal::loaded(KeptSession session, store::RowNumber up_to) {
  Kept& has = kept(session);
  has.loaded_up_to = std::max(has.loaded_up_to, up_to);
  return has.loaded_up_to >= has.last_message;
}

void Journal::restore(Session& session, store::IntentRow row) {
  Kept& publisher = kept(session.record().outgoing.kept());
  if (publisher.intents == nullptr) publisher.intents = std::make_unique<Intents>();
  publisher.intents->insert_or_assign(
      row.packet_identifier, StoredIntent{.item = std::move(row.item), .is_published = row.is_published});
}

std::pair<std::shared_ptr<Message>, Selected> Journal::PageRows::next(const store::MessageRow& row) {
  if (audience_ == nullptr || audience_->number != row.audience) {
    const auto found = std::ranges::find(kept_.audiences, row.audience, &StoredAudience::number);
    if (found == kept_.audiences.end()) return {};
    audience_ = *found;
    member_ = find_member(kept_.row.number, *audience_->members_as_stored);
  }
  if (!member_) return {};
  const StoredRows rows{.journal = journal_, .audiences = shared_.audiences, .groups = shared_.groups};
  auto message = rows.message(row);
  if (message == nullptr) return {};
  message->stored().audience = audience_;
  auto selected = rows.selected(*member_, kept_.row.account, *message);
  journal_.count_in_memory(*message);
  return {std::move(message), std::move(selected)};
}

void Journal::restore(Session& session, store::SessionRow row) {
  session.record().outgoing.set_kept(
      add({.row = std::move(row), .session = &session, .session_id = session.id()}));
}

KeptSession Journal::restore_ended(store::SessionRow row) { return add({.row = std::move(row)}); }

KeptSession Journal::add(Kept kept) {
  kept.last_message = kept.loaded_up_to = last_number_;
  const store::RowNumber number = kept.row.number;
  kept_.push_back(std::move(kept));
  const auto place = static_cast<KeptSession>(kept_.size());
  by_number_.emplace(number, place);
  return place;
}

StoredAudience& Journal::restore(const store::AudienceRow& row, const store::WaitingMessages& waiting) {
  StoredAudience& audience = add_audience(row.members, row.number);
  audience.last_place = waiting.last.place;
  audience.last_message = waiting.last.number;
  audience.removed_up_to = waiting.first.number - 1;
  to_be_swept(audience);
  return audience;
}

void Journal::restored_queue(KeptSession session, store::RowNumber cursor) {
  kept(session).loaded_up_to = cursor;
}

void Journal::forget(const store::AudienceRow& row) { change(store::RemoveAudience{.audience = row.number}); }

void Journal::forget(const store::WaitingMessages& messages) {
  change(store::RemoveMessagesUpTo{.audience = messages.audience, .message = messages.last.number});
}

void Journal::post() {
  post_new_messages();
  sweep();
  for (; !removed_messages_.empty(); removed_messages_.pop_back())
    change(store::RemoveMessage(removed_messages_.back()));
  if (stored_audiences_.size() > many_audiences_) forget_audiences();
  post_changes();
  post_page_requests();
}

void Journal::post_changes() {
  if (changes_.changes.empty() && !has_promised_ && !has_items_) return;
  changes_.last_number = last_number_;
  const auto number = items_.post(std::move(changes_));
  changes_ = {};
  posted_.push_back({.turn = turn_++, .number = number});
  has_promised_ = has_items_ = false;
}

// After what was posted before, which it has then.
void Journal::post_page_requests() {
  while (!asked_.empty()) {
    const auto [session, page, messages, bytes] = asked_.back();
    const Kept& asks = kept(session);
    if (asks.page == page) {
      store::PageRequest request{.number = std::uint64_t{session} << 32U | page,
                                 .audiences = {},
                                 .after = asks.loaded_up_to,
                                 .up_to = asks.last_message,
                                 .messages = messages,
                                 .bytes = bytes};
      for (const StoredAudience* audience : asks.audiences) {
        if (audience->last_message > asks.loaded_up_to) request.audiences.push_back(audience->number);
      }
      store_.ask(std::move(request));
    }
    asked_.pop_back();
  }
}

// Memory may run out at any of them: those before it have their rows, and the others get them when this is called
// again. Meanwhile they keep their places.
void Journal::post_new_messages() {
  for (; put_messages_ < new_messages_.size(); ++put_messages_) {
    NewMessage& added = new_messages_[put_messages_];
    const StoredMessage& stored = added.message->stored();
    if (stored.sessions > 0 || stored.waits_in_store) {
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
  row.expires_at = stored_expiry(*this, message);
  ++receivers.last_place.messages;
  if (!message.is_retained()) receivers.last_place.bytes += message.size();
  row.place = receivers.last_place;
  receivers.last_message = stored.number;
  stored.audience = &receivers;
}

// Its row first: one that no message needs is removed when the store is read next.
StoredAudience& Journal::audience(const std::string& members) {
  const auto found = stored_audiences_.find(members);
  if (found != stored_audiences_.end()) return found->second;
  store::AudienceRow row{.number = ++last_number_};
  row.members = members;
  change(store::Put<store::AudienceRow>{.row = std::move(row), .is_new = true});
  return add_audience(members, last_number_);
}

// All memory first: a member that is not known to be one might lose what it needs.
StoredAudience& Journal::add_audience(const std::string& members, store::RowNumber number) {
  StoredAudience added{.number = number};
  std::string_view left = members;
  while (const auto member = take_member(left)) {
    const auto known = by_number_.find(member->session);
    if (known == by_number_.end()) continue;
    auto& audiences = kept(known->second).audiences;
    if (audiences.size() == audiences.capacity()) audiences.reserve(2 * audiences.size() + 1);
    added.members.push_back(known->second);
  }
  const std::size_t audiences = stored_audiences_.size() + 1;
  if (to_be_swept_.capacity() < audiences) to_be_swept_.reserve(2 * audiences);
  const auto place = stored_audiences_.emplace(members, std::move(added)).first;
  StoredAudience& audience = place->second;
  audience.members_as_stored = &place->first;
  for (const KeptSession member : audience.members) kept(member).audiences.push_back(&audience);
  if (audience.members.empty()) to_be_swept(audience);
  return audience;
}

store::RowNumber Journal::needless_up_to(const Kept& kept) const {
  const store::RowNumber first =
      kept.session == nullptr ? 0 : kept.session->record().outgoing.first_in_memory();
  return first == 0 ? kept.loaded_up_to : first - 1;
}

store::RowNumber Journal::needless_up_to(const StoredAudience& audience) const {
  store::RowNumber up_to = audience.last_message;
  for (const KeptSession member : audience.members)
    up_to = std::min(up_to, needless_up_to(kept_[member - 1]));
  return up_to;
}

void Journal::to_be_swept(StoredAudience& audience) {
  if (audience.is_to_be_swept) return;
  to_be_swept_.push_back(&audience);
  audience.is_to_be_swept = true;
}

void Journal::sweep_audiences_of(Kept& kept) {
  for (StoredAudience* audience : kept.audiences) to_be_swept(*audience);
  kept.left = 0;
}

void Journal::sweep_all() {
  for (auto& each : kept_) {
    if (each.left > 0) sweep_audiences_of(each);
    const bool is_left = each.session == nullptr && each.row.number != 0 && each.page == 0;
    if (is_left) passed_on(by_number_.find(each.row.number)->second, each.loaded_up_to);
  }
}

store::RemoveMessagesUpTo Journal::removal(const StoredAudience& audience, store::RowNumber up_to) const {
  return {.audience = audience.number,
          .message = up_to,
          .is_passed_on = !promises_.is_committed(audience.passed_on_in)};
}

void Journal::sweep() {
  for (; !to_be_swept_.empty(); to_be_swept_.pop_back()) {
    StoredAudience& audience = *to_be_swept_.back();
    const store::RowNumber up_to = needless_up_to(audience);
    if (up_to > audience.removed_up_to) {
      change(removal(audience, up_to));
      audience.removed_up_to = up_to;
    }
    audience.is_to_be_swept = false;
  }
}

// Those whose messages nobody needs any more; what is left of these is removed as well.
void Journal::forget_audiences() {
  for (auto& [members, audience] : stored_audiences_) {
    if (needless_up_to(audience) < audience.last_message) continue;
    change(removal(audience, audience.last_message));
    change(store::RemoveAudience{.audience = audience.number});
    audience.is_unused = true;
  }
  for (auto& each : kept_)
    std::erase_if(each.audiences, [](const auto* audience) { return audience->is_unused; });
  std::erase_if(stored_audiences_, [](const auto& each) { return each.second.is_unused; });
  many_audiences_ = 2 * stored_audiences_.size() + least_many_audiences;
}

void Journal::look() {
  const auto committed = store_.committed();
  while (!posted_.empty() && posted_.front().number <= committed) {
    promises_.committed(posted_.front().turn);
    posted_.pop_front();
  }
  forget_ended();
}

}  // namespace pubsub_mqtt::session
