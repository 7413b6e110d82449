#include "protocol/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/prepared_item.h"
#include "routing/audiences.h"
#include "routing/session_table.h"

namespace pubsub_mqtt::session {
namespace {

// Of all queues, with what stands in them since its publishers wait.
std::size_t most_queued_bytes(const Outgoing& outgoing, const Limits& limits) {
  return outgoing.limits(limits).total_bytes + 2 * limits.max_pending_bytes;
}

}  // namespace

void GoOn::operator()(SessionId publisher) const noexcept {
  Session* session = sessions.find(publisher);
  if (session != nullptr) session->guard([&] { session->go_on(); });
}

void ReadOn::operator()(SessionId publisher) const noexcept {
  Session* session = sessions.find(publisher);
  if (session == nullptr || !session->is_connected()) return;
  session->guard([&] { session->outbox()->resume_reading(); });
}

Session::Session(SessionId id, SessionRecord&& record, Shared& shared)
    : id_(id),
      shared_(shared),
      publisher_(record.key.client_identifier.empty() ? id : publisher_id(record.key)),
      record_(std::move(record)),
      incoming_(*this) {
  record_.outgoing.total(shared_) += record_.outgoing.queued_bytes();
  record_.subscriptions.begin_again();
  subscriptions_changed();
}

Session::~Session() { record_.outgoing.total(shared_) -= record_.outgoing.queued_bytes(); }

void Session::attach(Attachment&& attachment) noexcept {
  recipient_.attach(*attachment.outbox, std::move(attachment.client_limits));
  connection_ = attachment.connection;
  address_ = std::move(attachment.address);
  party_ = std::move(attachment.party);
  record_.level = attachment.level;
  record_.is_bridge = attachment.is_bridge;
  record_.will = std::move(attachment.will);
  record_.transport = attachment.transport;
  record_.since = shared_.now;
  opens_at_next_ = true;
  incoming_.attach();
}

void Session::detach() noexcept {
  if (is_connected()) record_.since = shared_.now;
  leave_waiting();
  recipient_.detach();
  record_.outgoing.page_all(shared_);
  connection_ = 0;
  incoming_.detach();
  record_.received.orphan_pending();
}

Time Session::ends_at() const {
  return record_.since + std::min<Time>(record_.expiry, shared_.limits.session_expiry);
}

Time Session::will_is_due_at() const {
  return std::min(record_.since + Time(record_.will->delay), ends_at());
}

// Those who wait for it go on: what it misses from now on is its queue's, which has limits.
void Session::leave_waiting() noexcept {
  if (!shared_.waiting.empty()) {
    shared_.waiting.leave(id_, incoming_.withheld(), GoOn{shared_.sessions});
  }
  if (!shared_.pauses.empty()) shared_.pauses.leave(id_, ReadOn{shared_.sessions});
}

std::optional<Time> Session::look_at() const {
  const auto read_again = shared_.pauses.deadline(id_);
  if (incoming_.withheld() == 0 || !shared_.waiting.waits(id_)) return read_again;
  return std::min(read_again.value_or(Time::max()), shared_.waiting.look_at());
}

// Messages have left its queue.
void Session::took_from_queue(std::size_t messages, std::size_t bytes) {
  if (shared_.waiting.empty()) return;
  const Outgoing& outgoing = record_.outgoing;
  shared_.waiting.took(id_, messages, bytes,
                       {.messages = outgoing.queued(),
                        .keeps_to_limits = outgoing.keeps_to_limits(shared_),
                        .is_half_empty = outgoing.is_half_empty(shared_.limits)},
                       GoOn{shared_.sessions});
}

void Session::fail() noexcept {
  if (!is_connected()) return;
  ++shared_.lacked_memory;
  try {
    say_goodbye(mqtt::Reason::server_busy, "the server has too little memory");
  } catch (const std::exception&) {
    // Then the client is not told.
  }
  outbox()->close();
  forget_expected();
  detach();
  shared_.has_unfinished = true;
}

void Session::say_goodbye(mqtt::Reason reason, std::string_view why) {
  if (client_limits() != nullptr) write(mqtt::Disconnect{.reason = reason}, why);
}

Envelope Session::envelope(const mqtt::Publish& packet) const {
  Envelope envelope{.qos = packet.qos, .retain = packet.retain, .publisher = publisher_, .session = id_};
  if (packet.properties.empty()) return envelope;
  if (auto forwarded = mqtt::forwarded(packet.properties); !forwarded.empty()) {
    envelope.properties = std::make_shared<const std::string>(std::move(forwarded));
  }
  if (const auto expiry = packet.properties.integer(mqtt::PropertyIdentifier::message_expiry_interval)) {
    envelope.expires_at = *expiry == 0 ? Envelope::at_once : shared_.now + std::chrono::seconds(*expiry);
  }
  return envelope;
}

void Session::resume() {
  announce_will();
  record_.outgoing.resume(
      recipient_, shared_,
      [&](const auto& message, const Selected& selected) { return may_have_again(*message, selected); },
      [&](const auto& message, const Selected& selected) { return may_have(*message, selected); });
  log_too_large();
  ask_for_retained();
}

bool Session::is_member(GroupNumber group) const {
  const SharedGroup* found = shared_.groups.find(group);
  return found != nullptr && found->has(id_);
}

// Whether the session has the right to a message that has waited for it, and still wants it.
bool Session::may_have(const Message& message, const Selected& selected) const {
  if (selected.group == 0) return shared_.audiences.may_have(*this, message);
  return is_member(selected.group) && shared_.audiences.may_share(*this, message);
}

// What the client itself has unsubscribed from is completed all the same [MQTT-3.10.4-3].
bool Session::may_have_again(const Message& message, const Selected& selected) const {
  if (may_have(message, selected)) return true;
  return selected.group == 0 ? !record_.subscriptions.select(message.form(), message.topic())
                             : !is_member(selected.group);
}

Backlog::Asker Session::asker() const {
  if (!account().empty()) return {.session = id_, .party = account()};
  if (party_ == nullptr) return {.session = id_};
  return {.session = id_, .party = *party_};
}

Ticket Session::ticket(mqtt::PacketIdentifier packet_identifier) const {
  return {.session = id_, .connection = connection_, .packet_identifier = packet_identifier};
}

void Session::prepare_to_ask() {
  auto& requests = shared_.requests;
  if (opens_at_next_) {
    requests.emplace_back(OpenSession{.session = id_,
                                      .client = client(),
                                      .account = account(),
                                      .party = party_ == nullptr ? std::string() : *party_});
    opens_at_next_ = false;
    opened_ = true;
  }
  if (requests.size() == requests.capacity()) requests.reserve(2 * requests.size() + 1);
  if (shared_.journal != nullptr && shared_.journal->holds_requests(id_))
    shared_.journal->prepare_request(id_);
}

void Session::ask(Request&& request) {
  if (shared_.journal != nullptr && shared_.journal->holds_requests(id_)) {
    shared_.journal->hold_request(id_, std::move(request));
  } else {
    shared_.requests.emplace_back(std::move(request));
  }
}

void Session::forget_will() {
  if (has_will() && shared_.journal != nullptr) shared_.journal->forget_will(*record_.will);
  record_.will.reset();
}

void Session::announce_will() {
  if (!has_will()) return;
  AnnounceWill request{.session = id_, .will = record_.will->publication};
  auto [topic, mounted_at] = meaning(request.will.topic);
  request.will.topic = std::move(topic);
  request.mounted_at = mounted_at;
  prepare_to_ask();
  ask(std::move(request));
}

void Session::publish_will() {
  if (!has_will()) return;
  // The record and the store have what the client named.
  if (shared_.journal != nullptr && (journal() != nullptr || record_.will->stored != 0)) {
    shared_.journal->publishes_will(*this, *record_.will);
  }
  auto& [publication, delay, expiry, stored] = *record_.will;
  auto [topic, mounted_at] = meaning(publication.topic);
  publication.topic = std::move(topic);
  auto prepared = prepare(publication, shared_.limits);
  prepare_to_ask();
  const std::size_t bytes = publication.size() + (prepared.base64 ? prepared.base64->size() : 0);
  shared_.backlog.add_publish(asker(), publication.topic, bytes, shared_.limits);
  if (expiry) {
    publication.envelope.expires_at = expiry->count() == 0 ? Envelope::at_once : shared_.now + *expiry;
  }
  PublishRequest request{.ticket = ticket(0),
                         .publication = std::move(publication),
                         .prepared = std::move(prepared),
                         .mounted_at = mounted_at};
  record_.will.reset();
  request.ticket.qos = request.publication.envelope.qos;
  request.ticket.will = true;
  request.ticket.bytes = bytes;
  ask(std::move(request));
}

// An unknown packet identifier may come from a client that kept a session which we have not; it does no harm.
// One that is in use, in another flow than the client thinks, means that the two no longer agree on what was
// delivered: closed, as mosquitto does.
template <typename Packet>
Violation Session::receive_acknowledgement(const Packet& packet, const BrokenRule& violation) {
  Outgoing& outgoing = record_.outgoing;
  const std::size_t queued = outgoing.queued();
  const std::size_t queued_bytes = outgoing.queued_bytes();
  const auto result = outgoing.acknowledge(packet, recipient_, shared_);
  log_too_large();
  took_from_queue(queued - outgoing.queued(), queued_bytes - outgoing.queued_bytes());
  if (result == Acknowledged::violation) return violation;
  if (result == Acknowledged::unknown) {
    log_once(Grievance::unknown_identifier, LogLevel::debug,
             "acknowledges packet identifiers that are not in use");
  }
  ask_for_retained();
  return std::nullopt;
}

Violation Session::receive(const mqtt::Puback& packet) {
  return receive_acknowledgement(packet, {"a PUBACK for a message at QoS 2 [MQTT-4.3.3-2]"});
}

Violation Session::receive(const mqtt::Pubrec& packet) {
  return receive_acknowledgement(packet, {"a PUBREC for a message at QoS 1 [MQTT-4.3.2-2]"});
}

Violation Session::receive(const mqtt::Pubcomp& packet) {
  return receive_acknowledgement(packet, {"a PUBCOMP before PUBREL [MQTT-4.3.3-2]"});
}

void Session::deliver_system(Message& message) {
  if (!is_connected()) return;
  const auto match = record_.subscriptions.match_of_server(message.topic());
  if (!match) return;
  deliver_qos_0(message, {.retain = message.is_retained() || record_.is_bridge || match->retain_as_published,
                          .identifiers = match->identifiers});
}

Session::Responded Session::deliver_response(Publication&& response) {
  const auto match = record_.subscriptions.match_of_server(response.topic);
  if (!match) return Responded::not_subscribed;
  // Of no node: the hub numbers them from 1.
  const auto message =
      std::make_shared<Message>(Message::Kind::response, NodeId{0}, topic::Form(), std::move(response));
  const bool is_sent = deliver_qos_0(*message, {.identifiers = match->identifiers});
  log_too_large();
  return is_sent ? Responded::yes : Responded::dropped;
}

bool Session::deliver(const std::shared_ptr<Message>& message, mqtt::QoS qos, bool is_natural) {
  // RETAIN tells a retained message from a live one [MQTT-3.3.1-8, MQTT-3.3.1-9].
  Selected selected{.qos = qos, .retain = message->is_retained()};
  if (has_options() && !select(*message, is_natural, selected)) return false;
  give(message, selected);
  return true;
}

void Session::give(const std::shared_ptr<Message>& message, const Selected& selected) {
  if (message->has_expired(shared_.now) && !(message->expires_at_once() && is_connected())) {
    return shared_.counters.drop(Dropped::expired);
  }
  if (selected.qos == mqtt::QoS::at_most_once) {
    deliver_qos_0(*message, selected);
  } else {
    queue(message, selected);
  }
  if (recipient_.has_too_large()) log_too_large();
}

// A copy for a group bears what the shared subscription says, and nothing of the session's others.
Selected Session::selected_by(const SharedGroup& group, const Match& match, const Message& message) const {
  const Envelope& envelope = message.envelope();
  return {.qos = std::min(match.qos, envelope.qos),
          .retain = envelope.retain && (record_.is_bridge || match.retain_as_published),
          .group = group.number(),
          .identifiers = match.identifiers};
}

std::optional<Standing> Session::standing(const Message& message, const Selected& selected) const {
  using State = Standing::State;
  if (record_.is_bridge && message.envelope().publisher == publisher_) return std::nullopt;
  const Outgoing& outgoing = record_.outgoing;
  if (!is_connected()) {
    if (selected.qos == mqtt::QoS::at_most_once) return std::nullopt;
    return Standing{.state = State::is_away, .queued = outgoing.queued()};
  }
  if (!recipient_.would_take(message, selected)) return std::nullopt;
  const std::size_t waiting = outbox()->waiting_bytes();
  const bool has_place =
      selected.qos == mqtt::QoS::at_most_once
          ? waiting == 0 || waiting + message.size() <= shared_.limits.max_outbound_bytes / 2
          : outgoing.has_place(recipient_, shared_.limits);
  return Standing{.state = has_place ? State::has_place : State::is_full,
                  .queued = outgoing.queued(),
                  .waiting_bytes = waiting};
}

// One that has expired meanwhile is sent all the same: it is in flight.
void Session::tell(const HeldPublish& held) {
  recipient_.send(*held.message, held.selected, held.packet_identifier, held.dup, shared_);
}

void Session::leave_groups() noexcept {
  record_.subscriptions.for_each([&](const Subscription& subscription) {
    shared_.groups.leave(id_, account(), subscription.topic_filter);
  });
}

// What the options of its subscriptions say of a message. A bridge has No Local and Retain As Published on everything
// (docs/mapping.md, "Bridges").
bool Session::select(const Message& message, bool is_natural, Selected& selected) const {
  const Envelope& envelope = message.envelope();
  const bool is_its_own = envelope.publisher == publisher_;
  if (record_.is_bridge) {
    if (is_its_own) return false;
    selected.retain = selected.retain || envelope.retain;
  }
  // Asked of the subscriptions themselves: where memory ran out in a change, the flag may be behind.
  if (!record_.subscriptions.have_options()) return true;
  const Matches& matches =
      record_.subscriptions.match(message.node(), message.form(), is_natural, message.topic());
  // Its filters have changed, of which the hub has not heard yet.
  if (!matches.is_selected) return true;
  const auto& match = is_its_own ? matches.of_its_own : matches.of_others;
  if (!match) return false;
  selected.identifiers = match->identifiers;
  // A SUBSCRIBE brings retained messages at its own QoS [MQTT-3.3.1-6].
  if (message.is_retained()) return true;
  selected.qos = std::min(match->qos, envelope.qos);
  selected.retain = selected.retain || (match->retain_as_published && envelope.retain);
  return true;
}

void Session::queue(const std::shared_ptr<Message>& message, const Selected& selected) {
  Outgoing& outgoing = record_.outgoing;
  Added added = outgoing.add(message, selected, recipient_, shared_);
  if (added != Added::yes) {
    drop_expired();
    added = outgoing.add(message, selected, recipient_, shared_);
  }
  if (added == Added::yes) return incoming_.owes();
  if (publisher_waits(*message)) return outgoing.add_beyond_limits(message, selected, recipient_, shared_);
  count_dropped(added == Added::all_queues_are_full ? Dropped::all_queues_full : Dropped::queue_full);
  const std::string cause = is_connected() ? "does not take messages at QoS 1 and 2 as fast as they come"
                                           : "is away, and messages at QoS 1 and 2 wait for it";
  const std::string where = journal() == nullptr ? "_in_memory" : "";
  if (added == Added::all_queues_are_full) {
    return log_once(Grievance::all_queues, LogLevel::warn,
                    cause +
                        ": they are dropped while those of all clients together are as many as "
                        "mqtt_max_total_queued_bytes" +
                        where + " allows");
  }
  log_once(Grievance::queue, LogLevel::warn,
           cause + ": those beyond mqtt_max_queued_messages" + where + " or mqtt_max_queued_bytes" + where +
               " are dropped");
}

void Session::drop_expired() {
  Outgoing& outgoing = record_.outgoing;
  const std::size_t queued = outgoing.queued();
  const std::size_t queued_bytes = outgoing.queued_bytes();
  outgoing.drop_expired(shared_);
  if (outgoing.queued() < queued) {
    took_from_queue(queued - outgoing.queued(), queued_bytes - outgoing.queued_bytes());
  }
}

// What was not for the session any more when it resumed is passed on, or dropped, and so is what it has waited for
// in the store. What another member does not get for lack of memory is read again.
void Session::load(store::Page&& page) {
  Outgoing& outgoing = record_.outgoing;
  Journal& stores = *shared_.journal;
  const std::size_t queued = outgoing.queued();
  const std::size_t queued_bytes = outgoing.queued_bytes();
  store::RowNumber up_to = page.complete_up_to;
  Journal::PageRows rows(stores, outgoing.kept(), shared_);
  for (const auto& row : page.messages) {
    stores.prepare_to_drop();
    auto [message, selected] = rows.next(row);
    if (message == nullptr) continue;
    const bool has_expired = message->has_expired(shared_.now);
    if (!has_expired && may_have(*message, selected)) {
      outgoing.load(std::move(message), std::move(selected), shared_);
      continue;
    }
    const bool is_of_group = selected.group != 0;
    outgoing.skip(*message, shared_);
    if (is_of_group && !has_expired && !shared_.audiences.give(selected.group, message)) {
      outgoing.unskip(*message, shared_);
      stores.forget_in_memory(*message);
      up_to = row.number - 1;
      break;
    }
    if (has_expired) shared_.counters.drop(Dropped::expired);
    stores.loaded(outgoing.kept(), row.number);
    stores.dropped(outgoing.kept(), *message, is_of_group);
  }
  outgoing.loaded(stores.loaded(outgoing.kept(), up_to), recipient_, shared_);
  log_too_large();
  took_from_queue(queued - outgoing.queued(), queued_bytes - outgoing.queued_bytes());
  ask_for_retained();
}

void Session::count_dropped(Dropped why, std::uint32_t messages) {
  shared_.counters.drop(why, messages);
  dropped_ += std::min(messages, std::numeric_limits<std::uint32_t>::max() - dropped_);
}

void Session::log_too_large() {
  if (!recipient_.has_too_large()) return;
  const auto [size, messages] = recipient_.take_too_large();
  count_dropped(Dropped::too_large, messages);
  log_once(Grievance::too_large, LogLevel::info,
           "messages are dropped for it, since it takes packets of at most " +
               std::to_string(client_limits()->max_packet_size) +
               " bytes (its Maximum Packet Size) and one has " + std::to_string(size) +
               ": have it take larger ones, or subscribe to less");
}

// Whether the message goes beyond the limits. While memory lasts: publishers that have left have put something beyond
// those of many queues, too.
bool Session::publisher_waits(const Message& message) const {
  const Outgoing& outgoing = record_.outgoing;
  if (!is_connected() || outgoing.total(shared_) > most_queued_bytes(outgoing, shared_.limits)) return false;
  const Session* publisher = shared_.sessions.find(message.envelope().session);
  if (publisher == nullptr) return false;
  const Waiting::FullQueue queue{.messages = outgoing.queued(),
                                 .most = outgoing.limits(shared_.limits).messages};
  if (publisher->is_connected()) return shared_.waiting.wait(publisher->id(), id_, queue);
  // Where pubsub has answered all, it is the will.
  return publisher->awaits_answers() && shared_.waiting.leave_behind(id_, queue);
}

bool Session::publisher_pauses(const Message& message, std::size_t waiting_bytes) const {
  const Session* publisher = shared_.sessions.find(message.envelope().session);
  return publisher != nullptr && publisher->is_connected() &&
         shared_.pauses.pause(publisher->id(), id_, waiting_bytes);
}

// Whether a message at QoS 0 goes to a client that has more than half of what it may have before it.
bool Session::admits(const Message& message, std::size_t waiting) const {
  // These come no faster than the client asks, and no request is read while its outbox is full.
  if (message.is_asked_for()) return true;
  const std::size_t most = shared_.limits.max_outbound_bytes;
  if (publisher_pauses(message, waiting)) {
    return waiting <= 2 * most || shared_.pauses.waiting_bytes() <= shared_.limits.max_pending_bytes;
  }
  // A message is always admitted to an empty queue, whatever its size (docs/mapping.md, "Sessions").
  return waiting == 0 || waiting + message.size() <= most;
}

// Returns false where the client does not get it.
bool Session::deliver_qos_0(Message& message, const Selected& selected) {
  if (!is_connected() || !recipient_.takes(message, selected)) return false;
  const std::size_t waiting = outbox()->waiting_bytes();
  const bool is_crowded = waiting + message.size() > shared_.limits.max_outbound_bytes / 2;
  if (is_crowded && !admits(message, waiting)) {
    count_dropped(Dropped::too_slow);
    log_once(
        Grievance::outbound_bytes, LogLevel::warn,
        "reads more slowly than its subscriptions deliver: QoS 0 messages beyond mqtt_max_outbound_bytes "
        "are dropped until it catches up");
    return false;
  }
  recipient_.send(message, selected, 0, false, shared_);
  if (!shared_.pauses.empty()) shared_.pauses.wrote(id_, outbox()->waiting_bytes());
  return true;
}

void Session::drained() {
  if (!shared_.pauses.empty()) shared_.pauses.drained(id_, ReadOn{shared_.sessions});
  ask_for_retained();
}

void Session::delivered_retained() {
  more_retained_ = true;
  ask_for_retained();
}

// When the last batch has gone, as far as the client takes it.
void Session::ask_for_retained() {
  if (!more_retained_ || !is_connected() || record_.outgoing.queued_retained() > 0) return;
  if (outbox()->waiting_bytes() > shared_.limits.max_outbound_bytes / 2) return;
  prepare_to_ask();
  more_retained_ = false;
  ask(RetainedRequest{.session = id_});
}

void Session::was_too_fast(std::string_view setting) {
  log_once(Grievance::too_fast, LogLevel::info,
           "sends more than " + std::string(setting) + " allows: it is read from more slowly");
}

void Session::log(LogLevel level, std::string_view text) {
  shared_.log.emplace_back(LogLine{.level = level, .text = client() + ": " + std::string(text)});
}

void Session::log_once(Grievance grievance, LogLevel level, std::string_view text) {
  const auto bit = static_cast<std::uint8_t>(grievance);
  if ((logged_ & bit) != 0) return;
  shared_.repeated_lines.log(level, client(), text);
  logged_ |= bit;
}

}  // namespace pubsub_mqtt::session
