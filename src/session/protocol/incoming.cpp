#include "protocol/incoming.h"

#include <string>
#include <string_view>
#include <utility>

#include "durable/journal.h"
#include "protocol/prepared_item.h"
#include "protocol/session.h"
#include "pubsub_mqtt/topic/topic.h"
#include "routing/audiences.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {
namespace {

// SUBSCRIBEs and UNSUBSCRIBEs that may wait for pubsub: they can be as large as a packet.
constexpr std::uint8_t max_pending_subscribes = 16;

// A refusal says so, also where nobody has said why.
mqtt::Reason reason_of(const PublishReply& reply) {
  const bool is_refused = reply.outcome == PublishReply::Outcome::refused;
  if (is_refused == mqtt::is_error(reply.reason)) return reply.reason;
  return is_refused ? mqtt::Reason::unspecified_error : mqtt::Reason::success;
}

}  // namespace

Violation Incoming::receive(mqtt::Publish packet) {
  session_.shared().counters.received.add(packet.qos, packet.payload.size());
  if (session_.speaks_5()) {
    if (const auto violation = admit(packet)) return violation;
  }
  if (is_duplicate(packet)) return std::nullopt;
  try {
    publish(packet);
  } catch (...) {
    // Out of memory: the one that is sent again is no duplicate, whether or not the session has lost its connection
    // meanwhile, as a subscriber.
    auto& received = session_.record().received;
    if (packet.qos == mqtt::QoS::exactly_once &&
        received.find(packet.packet_identifier) != ReceivedIdentifiers::State::received) {
      received.erase(packet.packet_identifier);
    }
    throw;
  }
  return std::nullopt;
}

// What 5.0 demands of a PUBLISH, beyond what its bytes show.
Violation Incoming::admit(mqtt::Publish& packet) {
  const Limits& limits = session_.shared().limits;
  if (!packet.properties.empty()) {
    if (packet.properties.integer(mqtt::PropertyIdentifier::subscription_identifier)) {
      return BrokenRule{"a PUBLISH with a subscription identifier, which only servers send [MQTT5-3.3.4-6]"};
    }
    const auto maximum = session_.client_limits()->server_topic_alias_maximum;
    if (const auto violation = aliases_.resolve(packet, maximum)) return violation;
  }
  if (packet.qos == mqtt::QoS::at_most_once) return std::nullopt;
  if (held_places_ >= limits.max_pending_publishes) {
    return BrokenRule{"more PUBLISHes unacknowledged than Receive Maximum allows [MQTT5-3.3.4-7]",
                      mqtt::Reason::receive_maximum_exceeded};
  }
  ++held_places_;
  return std::nullopt;
}

void Incoming::free_place() {
  if (held_places_ > 0) --held_places_;
}

void Incoming::publish(const mqtt::Publish& packet) {
  if (const auto reason = publish_directly(packet)) {
    acknowledge_in_turn(packet, *reason);
  } else {
    ask_pubsub(packet);
  }
}

// A duplicate is not published again [MQTT-4.3.3-2], and answered when all before it is.
bool Incoming::is_duplicate(const mqtt::Publish& packet) {
  if (packet.qos != mqtt::QoS::exactly_once) return false;
  auto& received = session_.record().received;
  const auto state = received.find(packet.packet_identifier);
  if (state == ReceivedIdentifiers::State::received) {
    acknowledge_in_turn(packet, mqtt::Reason::success);
  } else {
    received.set(packet.packet_identifier, ReceivedIdentifiers::State::pending);
    if (state) awaited_publishes_ = answered_publishes_ + pending_publishes_;
  }
  return state.has_value();
}

// Returns nullptr where the publish goes to pubsub.
const DirectWay* Incoming::way(const mqtt::Publish& packet) {
  // A SUBSCRIBE that the client sent before comes first: the message may be for the client itself.
  if (ways_ == nullptr || packet.retain || pending_subscribes_ > 0) return nullptr;
  // It may be published already, before a crash, which Prosody's side finds out.
  if (packet.dup && packet.qos == mqtt::QoS::exactly_once) return nullptr;
  // The hub refuses it.
  if (packet.properties.encoded().size() > max_properties_size) return nullptr;
  const DirectWay* way = ways_->find(packet.topic);
  if (way == nullptr || packet.payload.size() > way->route->max_payload_size()) return nullptr;
  if (!session_.shared().backlog.has_publish(way->meaning(packet.topic))) return way;
  // What waits for pubsub must not be overtaken. So that there is an end of it, no more is read until all is
  // answered.
  awaits_all_answers_ = true;
  return nullptr;
}

// Returns nullopt where the publish goes to pubsub. Else the store and subscribers have it, if there are any: on the
// direct way neither pubsub nor XMPP would have it otherwise.
std::optional<mqtt::Reason> Incoming::publish_directly(const mqtt::Publish& packet) {
  const DirectWay* direct = way(packet);
  if (direct == nullptr) return std::nullopt;
  const bool is_stored = direct->route->items() != 0;
  if (const auto sessions =
          session_.shared().audiences.publish(*direct, packet, session_.envelope(packet), &session_)) {
    ++session_.shared().counters.published_directly;
    if (is_stored && packet.qos != mqtt::QoS::at_most_once) await_commit();
    return is_stored || *sessions > 0 ? mqtt::Reason::success : mqtt::Reason::no_matching_subscribers;
  }
  ways_->erase(packet.topic);  // until an answer of pubsub's gives the client another
  return std::nullopt;
}

// Pubsub or subscribers have the message.
void Incoming::set_received(mqtt::PacketIdentifier packet_identifier) {
  using State = ReceivedIdentifiers::State;
  auto& received = session_.record().received;
  Journal* journal = session_.journal();
  if (journal != nullptr && received.find(packet_identifier) != State::received) {
    journal->received(session_, packet_identifier);
  }
  received.set(packet_identifier, State::received);
}

// Subscribers have the message.
void Incoming::acknowledge_in_turn(const mqtt::Publish& packet, mqtt::Reason reason) {
  if (packet.qos == mqtt::QoS::at_most_once) return;
  if (packet.qos == mqtt::QoS::exactly_once) set_received(packet.packet_identifier);
  // Memory ran out where the message was for the client itself.
  if (!session_.is_connected()) return;
  const std::size_t bytes = packet.topic.size() + packet.payload.size() + packet.properties.encoded().size();
  if (has_answered(awaited_publishes_)) {
    return acknowledge(
        {.qos = packet.qos, .reason = reason, .packet_identifier = packet.packet_identifier, .bytes = bytes});
  }
  published_.push_back({.after = awaited_publishes_,
                        .qos = packet.qos,
                        .reason = reason,
                        .packet_identifier = packet.packet_identifier,
                        .bytes = static_cast<std::uint32_t>(bytes)});
  reading_paused_ = has_asked_too_much();
}

void Incoming::ask_pubsub(const mqtt::Publish& packet) {
  Shared& shared = session_.shared();
  auto [topic, mounted_at] = session_.meaning(packet.topic);
  PublishRequest request{.ticket = session_.ticket(packet.packet_identifier),
                         .publication = {.topic = std::move(topic),
                                         .payload = std::string(packet.payload),
                                         .envelope = session_.envelope(packet)},
                         .mounted_at = mounted_at};
  request.prepared = prepare(request.publication, shared.limits);
  if (packet.topic.starts_with(topic::request_prefix) && session_.client_limits() != nullptr)
    request.max_packet_size = session_.client_limits()->max_packet_size;
  if (Journal* journal = session_.journal(); journal != nullptr && packet.qos == mqtt::QoS::exactly_once) {
    request.intent = journal->intend(session_, packet.packet_identifier, packet.dup);
  }
  request.ticket.qos = packet.qos;
  request.ticket.bytes = request.size();
  session_.prepare_to_ask();
  shared.backlog.add_publish(session_.asker(), request.publication.topic, request.ticket.bytes,
                             shared.limits);
  ++pending_publishes_;
  awaited_publishes_ = answered_publishes_ + pending_publishes_;
  pending_bytes_ += request.ticket.bytes;
  reading_paused_ = has_asked_too_much();
  session_.ask(std::move(request));
}

Violation Incoming::receive(const mqtt::Pubrel& packet) {
  auto& received = session_.record().received;
  const auto state = received.find(packet.packet_identifier);
  if (state && state != ReceivedIdentifiers::State::received)
    return BrokenRule{"a PUBREL before PUBREC [MQTT-4.3.3-1]"};
  // Unknown: released already, and the PUBCOMP was lost with a connection.
  received.erase(packet.packet_identifier);
  if (Journal* journal = session_.journal(); journal != nullptr && state) {
    journal->released(session_, packet.packet_identifier);
  }
  // A second PUBREC that is still to come would meet the next message with this identifier.
  published_.erase_if([&](const Published& published) {
    return published.qos == mqtt::QoS::exactly_once &&
           published.packet_identifier == packet.packet_identifier;
  });
  release(withheld_.forget_pubrec(packet.packet_identifier));
  free_place();
  session_.write_when_stored(
      mqtt::Pubcomp{.packet_identifier = packet.packet_identifier,
                    .reason = state ? mqtt::Reason::success : mqtt::Reason::packet_identifier_not_found});
  return std::nullopt;
}

void Incoming::asked(std::size_t bytes) {
  Shared& shared = session_.shared();
  shared.backlog.add(session_.asker(), bytes, shared.limits);
  ++pending_subscribes_;
  pending_bytes_ += bytes;
  reading_paused_ = has_asked_too_much();
}

void Incoming::answered(std::size_t bytes) {
  --pending_subscribes_;
  pending_bytes_ -= bytes;
  read_on();
}

bool Incoming::owes_acknowledgements() const { return session_.record().outgoing.in_flight() > 0; }

// What the client itself has to acknowledge stands behind its publishes: it is read, however much is withheld from
// it, within its party's share of the Backlog.
std::size_t Incoming::unacknowledged_publishes() const {
  return pending_publishes_ + published_.size() + (owes_acknowledgements() ? 0 : withheld_.size());
}
std::size_t Incoming::unacknowledged_bytes() const {
  return pending_bytes_ + (owes_acknowledgements() ? 0 : withheld_.bytes());
}

bool Incoming::has_asked_too_much() const {
  const Limits& limits = session_.shared().limits;
  if (awaits_room_) return true;
  if (awaits_all_answers_ && pending_publishes_ > 0) return true;
  return unacknowledged_publishes() >= limits.max_pending_publishes ||
         unacknowledged_bytes() >= limits.max_pending_publish_bytes ||
         pending_subscribes_ >= max_pending_subscribes;
}

bool Incoming::may_ask_anything() {
  if (session_.shared().backlog.is_full()) return false;
  waits_for_share_ = false;
  return true;
}

bool Incoming::may_ask(std::size_t bytes) {
  const Shared& shared = session_.shared();
  waits_for_share_ = !shared.backlog.has_share(session_.asker(), bytes, shared.limits);
  return !waits_for_share_;
}

// A request was answered, or less is withheld, or that counts no more.
void Incoming::read_on() {
  const Limits& limits = session_.shared().limits;
  if (waits_for_share_ && session_.is_connected()) session_.outbox()->resume_reading();
  waits_for_share_ = false;
  if (pending_publishes_ == 0) awaits_all_answers_ = false;
  if (awaits_all_answers_ || awaits_room_) return;
  // Half empty before the client is read from again: a resume per message would be a system call per message.
  if (reading_paused_ && unacknowledged_publishes() <= limits.max_pending_publishes / 2 &&
      unacknowledged_bytes() <= limits.max_pending_publish_bytes / 2 &&
      pending_subscribes_ <= max_pending_subscribes / 2) {
    reading_paused_ = false;
    if (session_.is_connected()) session_.outbox()->resume_reading();
  }
}

bool Incoming::reply(PublishReply& reply) {
  --pending_publishes_;
  ++answered_publishes_;
  pending_bytes_ -= reply.ticket.bytes;
  if (Journal* journal = session_.shared().journal; journal != nullptr && reply.awaits_commit) {
    journal->await_posted(session_.id());
  }
  if (reply.response && session_.is_here(reply.ticket.connection)) respond(reply);
  if (!acknowledge(reply)) return false;
  acknowledge_published();
  if (reply.route != nullptr && session_.is_here(reply.ticket.connection)) {
    MeantTopic topic{.text = std::move(reply.topic), .mounted_at = reply.mounted_at};
    // The mount point may have changed since the client named it.
    const std::string_view text = topic.text;
    if (session_.meaning(text.substr(topic.mounted_at)) == topic) {
      if (ways_ == nullptr) ways_ = std::make_unique<DirectWays>();
      ways_->add(std::move(topic), std::move(reply.route));
    }
  }
  read_on();
  return true;
}

// The client's answer comes before it is told what became of its request.
void Incoming::respond(PublishReply& reply) {
  switch (session_.deliver_response(std::move(*reply.response))) {
    case Session::Responded::yes:
      break;
    case Session::Responded::not_subscribed:
      reply.reason = mqtt::Reason::no_matching_subscribers;
      break;
    case Session::Responded::dropped:
      reply.outcome = PublishReply::Outcome::refused;
      reply.reason = mqtt::Reason::quota_exceeded;
      reply.reason_string = "the client takes no packet as large as its answer";
  }
}

bool Incoming::acknowledge(const PublishReply& reply) {
  const bool is_awaited = reply.ticket.qos == mqtt::QoS::exactly_once
                              ? finish_qos_2(reply)
                              : session_.is_here(reply.ticket.connection);
  // The client sends again on each new connection, and then it gets its answer: an earlier one could meet
  // another message with the same packet identifier.
  if (!is_awaited) return true;
  if (reply.outcome == PublishReply::Outcome::failed) {  // [MQTT-4.8.0-2]
    constexpr std::string_view why = "a message could not be published now; the client must send it again";
    if (session_.shared().limits.log_connections) {
      session_.log(LogLevel::warn, "closed: " + std::string(why));
    } else {
      session_.shared().repeated_lines.log(LogLevel::warn, session_.client(), "closed: " + std::string(why));
    }
    session_.say_goodbye(reply.reason == mqtt::Reason::quota_exceeded
                             ? reply.reason
                             : mqtt::Reason::implementation_specific_error,
                         reply.reason_string.empty() ? why : reply.reason_string);
    return false;
  }
  Withheld::Acknowledgement due{.qos = reply.ticket.qos,
                                .reason = reason_of(reply),
                                .packet_identifier = reply.ticket.packet_identifier,
                                .bytes = reply.ticket.bytes};
  if (session_.speaks_5()) due.why = reply.reason_string;
  due.bytes += due.why.size();
  acknowledge(std::move(due));
  return true;
}

// Whether PUBREC is due.
bool Incoming::finish_qos_2(const PublishReply& reply) {
  auto& received = session_.record().received;
  const auto identifier = reply.ticket.packet_identifier;
  const bool is_awaited = received.find(identifier) == ReceivedIdentifiers::State::pending;
  // To a client of 5.0 a PUBREC that refuses is the end of it, and no PUBREL follows (5.0, 4.3.3).
  const bool is_over = reply.outcome == PublishReply::Outcome::refused && session_.speaks_5();
  if (is_over || reply.outcome == PublishReply::Outcome::failed) {
    received.erase(identifier);
    // One that failed may have been carried out all the same.
    if (Journal* journal = session_.journal(); journal != nullptr && is_over) {
      journal->forget_intent(session_, identifier);
    }
  } else {
    set_received(identifier);
  }
  return is_awaited;
}

bool Incoming::waits_for_subscriber() const { return session_.shared().waiting.waits(session_.id()); }

void Incoming::await_commit() {
  if (Journal* journal = session_.shared().journal) journal->await_posted(session_.id());
}

Turn Incoming::owed() const {
  Journal* journal = session_.shared().journal;
  return journal == nullptr ? 0 : journal->promises().owed(session_.id());
}

// Deliveries come in order: whom a message met at its subscribers is known by now.
void Incoming::acknowledge(Withheld::Acknowledgement acknowledgement) {
  if (acknowledgement.qos == mqtt::QoS::at_most_once) return;
  const Turn turn = owed();
  const bool waits = waits_for_subscriber();
  if (withheld_.empty() && turn == 0 && !waits) return write(acknowledgement);
  // Its connection looks at the clock from now on.
  if (withheld_.empty() && waits) session_.outbox()->resume_reading();
  Shared& shared = session_.shared();
  const std::size_t bytes = acknowledgement.bytes;
  shared.backlog.add(session_.asker(), bytes, shared.limits);
  try {
    if (turn > withheld_.last_turn()) {
      shared.journal->promises().hold(session_.id(), session_.connection(), HeldAcknowledgements());
    }
    acknowledgement.turn = turn;
    withheld_.push_back(std::move(acknowledgement));
  } catch (...) {
    release(bytes);
    throw;
  }
  reading_paused_ = reading_paused_ || has_asked_too_much();
}

void Incoming::release(std::size_t withheld_bytes) noexcept {
  Shared& shared = session_.shared();
  shared.backlog.remove(session_.id(), withheld_bytes, shared.limits);
}

void Incoming::go_on() {
  while (!withheld_.empty() && !waits_for_subscriber()) {
    const Turn turn = withheld_.front().turn;
    if (turn > 0 && !session_.shared().journal->promises().is_committed(turn)) break;
    const auto acknowledgement = withheld_.take_front();
    release(acknowledgement.bytes);
    write(acknowledgement);
  }
  read_on();
}

void Incoming::write(const Withheld::Acknowledgement& acknowledgement) {
  const auto& [qos, reason, packet_identifier, bytes, why, turn] = acknowledgement;
  if (qos == mqtt::QoS::at_least_once || mqtt::is_error(reason)) free_place();
  if (qos == mqtt::QoS::at_least_once) {
    session_.write(mqtt::Puback{.packet_identifier = packet_identifier, .reason = reason}, why);
  } else {
    session_.write(mqtt::Pubrec{.packet_identifier = packet_identifier, .reason = reason}, why);
  }
}

// What may go now, since all before it has gone.
void Incoming::acknowledge_published() {
  while (!published_.empty() && has_answered(published_.front().after)) {
    const Published first = published_.front();
    published_.pop_front();
    acknowledge({.qos = first.qos,
                 .reason = first.reason,
                 .packet_identifier = first.packet_identifier,
                 .bytes = first.bytes});
  }
}

void Incoming::detach() noexcept {
  waits_for_share_ = false;
  ways_.reset();
  aliases_.clear();
  published_.clear();
  release(withheld_.clear());
  awaited_publishes_ = answered_publishes_;
  awaits_all_answers_ = awaits_room_ = false;
}

}  // namespace pubsub_mqtt::session
