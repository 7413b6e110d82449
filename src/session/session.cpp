#include "session.h"

#include <algorithm>
#include <utility>

#include "pubsub_mqtt/session/backlog.h"
#include "write_packet.h"

namespace pubsub_mqtt::session {
namespace {

// SUBSCRIBEs and UNSUBSCRIBEs that may wait for pubsub: they can be as large as a packet.
constexpr std::uint32_t max_pending_subscribes = 16;

std::size_t size_of(const PublishRequest& request) { return request.topic.size() + request.payload.size(); }

}  // namespace

Session::Session(SessionId id, SessionKey key, bool clean, Shared& shared)
    : id_(id), key_(std::move(key)), shared_(shared), outgoing_(shared), clean_(clean) {}

void Session::attach(const mqtt::Connect& connect, ConnectionId connection, std::string address,
                     Outbox& outbox) {
  outbox_ = &outbox;
  connection_ = connection;
  address_ = std::move(address);
  opens_at_next_ = true;
  offline_since.reset();
  speaks_3_1_ = connect.level == mqtt::ProtocolLevel::mqtt_3_1;
  reading_paused_ = has_asked_too_much();
  if (!connect.will) return;
  will_ = std::make_unique<PublishRequest>(PublishRequest{.session = id_,
                                                          .connection = connection,
                                                          .topic = std::string(connect.will->topic),
                                                          .payload = std::string(connect.will->message),
                                                          .qos = connect.will->qos,
                                                          .retain = connect.will->retain,
                                                          .will = true,
                                                          .node_key = node_key(connect.will->topic)});
  ask(AnnounceWill{
      .session = id_, .topic = will_->topic, .payload = will_->payload, .retain = will_->retain});
}

// Whatever it asks of Prosody's thread.
template <typename Request>
void Session::ask(Request&& request) {
  if (std::exchange(opens_at_next_, false)) {
    opened_ = true;
    shared_.requests.emplace_back(OpenSession{.session = id_, .client = client(), .account = account()});
  }
  shared_.requests.emplace_back(std::forward<Request>(request));
}

void Session::detach() {
  outbox_ = nullptr;
  connection_ = 0;
  asked_.clear();
  routes_.reset();
  published_.clear();
  awaited_publishes_ = answered_publishes_;
  awaits_all_answers_ = false;
  received_.orphan_pending();
}

void Session::resume(const std::function<bool(const Message&)>& may) {
  outgoing_.resume(*outbox_, may);
  ask_for_retained();
}

void Session::receive(const mqtt::Subscribe& packet) {
  SubscribeRequest request{.session = id_,
                           .connection = connection_,
                           .packet_identifier = packet.packet_identifier,
                           .filters = {}};
  request.filters.reserve(packet.subscriptions.size());
  for (const auto& subscription : packet.subscriptions) {
    request.bytes += sizeof(SubscribeRequest::Filter) + subscription.topic_filter.size();
    request.filters.push_back(
        {.topic_filter = std::string(subscription.topic_filter), .qos = subscription.qos});
  }
  if (speaks_3_1_) {
    AskedQoS asked{.packet_identifier = packet.packet_identifier, .return_codes = {}};
    for (const auto& filter : request.filters) {
      asked.return_codes.push_back(static_cast<mqtt::SubackReturnCode>(filter.qos));
    }
    asked_.push_back(std::move(asked));
  }
  note_subscribe(request.bytes);
  ask(std::move(request));
}

// Or UNSUBSCRIBE.
void Session::note_subscribe(std::size_t bytes) {
  ++pending_subscribes_;
  pending_bytes_ += bytes;
  shared_.backlog.add(bytes, shared_.limits);
  reading_paused_ = has_asked_too_much();
}

void Session::receive(const mqtt::Unsubscribe& packet) {
  UnsubscribeRequest request{.session = id_,
                             .connection = connection_,
                             .packet_identifier = packet.packet_identifier,
                             .topic_filters = {packet.topic_filters.begin(), packet.topic_filters.end()}};
  for (const auto& filter : request.topic_filters) request.bytes += sizeof(std::string) + filter.size();
  note_subscribe(request.bytes);
  ask(std::move(request));
}

bool Session::has_received(const mqtt::Publish& packet) {
  if (packet.qos != mqtt::QoS::exactly_once) return false;
  const auto state = received_.find(packet.packet_identifier);
  if (state == ReceivedIdentifiers::State::received) {
    published(packet);
  } else {
    received_.set(packet.packet_identifier, ReceivedIdentifiers::State::pending);
    if (state) awaited_publishes_ = answered_publishes_ + pending_publishes_;
  }
  return state.has_value();
}

const Routes::Way* Session::way(const mqtt::Publish& packet) {
  // A SUBSCRIBE that it sent before comes first: the message may be for itself.
  if (routes_ == nullptr || packet.retain || pending_subscribes_ > 0) return nullptr;
  const Routes::Way* way = routes_->find(packet.topic);
  if (way == nullptr || packet.payload.size() > way->route->max_payload_size()) return nullptr;
  if (!shared_.backlog.has_publish(way->node_key)) return way;
  // It must not overtake them. So that there is an end of them, no more is read until they are answered.
  awaits_all_answers_ = true;
  return nullptr;
}

void Session::published(const mqtt::Publish& packet) {
  if (packet.qos == mqtt::QoS::at_most_once) return;
  if (packet.qos == mqtt::QoS::exactly_once) {
    received_.set(packet.packet_identifier, ReceivedIdentifiers::State::received);
  }
  if (has_answered(awaited_publishes_)) return acknowledge(packet.qos, packet.packet_identifier);
  published_.push_back(
      {.after = awaited_publishes_, .qos = packet.qos, .packet_identifier = packet.packet_identifier});
  reading_paused_ = has_asked_too_much();
}

void Session::publish(const mqtt::Publish& packet) {
  PublishRequest request{.session = id_,
                         .connection = connection_,
                         .topic = std::string(packet.topic),
                         .payload = std::string(packet.payload),
                         .qos = packet.qos,
                         .retain = packet.retain,
                         .packet_identifier = packet.packet_identifier,
                         .node_key = node_key(packet.topic)};
  shared_.backlog.add_publish(request.node_key);
  ++pending_publishes_;
  awaited_publishes_ = answered_publishes_ + pending_publishes_;
  pending_bytes_ += size_of(request);
  shared_.backlog.add(size_of(request), shared_.limits);
  reading_paused_ = has_asked_too_much();
  ask(std::move(request));
}

Session::Violation Session::receive(const mqtt::Pubrel& packet) {
  const auto state = received_.find(packet.packet_identifier);
  if (state && state != ReceivedIdentifiers::State::received) return "a PUBREL before PUBREC [MQTT-4.3.3-1]";
  // Unknown: released already, and the PUBCOMP was lost with a connection.
  received_.erase(packet.packet_identifier);
  // A second PUBREC that is still to come would meet the next message with this identifier.
  published_.erase_if([&](const Published& published) {
    return published.qos == mqtt::QoS::exactly_once &&
           published.packet_identifier == packet.packet_identifier;
  });
  write_packet(mqtt::Pubcomp{.packet_identifier = packet.packet_identifier}, *outbox_);
  return std::nullopt;
}

// An unknown packet identifier may come from a client that kept a session which we have not; it does no harm.
// One that is in use, in another flow than the client thinks, means that the two no longer agree on what was
// delivered: closed, as mosquitto does.
template <typename Packet>
Session::Violation Session::receive_acknowledgement(const Packet& packet, std::string_view violation) {
  const auto result = outgoing_.acknowledge(packet, *outbox_);
  if (result == Acknowledged::violation) return violation;
  if (result == Acknowledged::unknown) {
    log_once(Grievance::unknown_identifier, LogLevel::debug,
             "acknowledges packet identifiers that are not in use");
  }
  ask_for_retained();
  return std::nullopt;
}

Session::Violation Session::receive(const mqtt::Puback& packet) {
  return receive_acknowledgement(packet, "a PUBACK for a message at QoS 2 [MQTT-4.3.3-2]");
}

Session::Violation Session::receive(const mqtt::Pubrec& packet) {
  return receive_acknowledgement(packet, "a PUBREC for a message at QoS 1 [MQTT-4.3.2-2]");
}

Session::Violation Session::receive(const mqtt::Pubcomp& packet) {
  return receive_acknowledgement(packet, "a PUBCOMP before PUBREL [MQTT-4.3.3-2]");
}

bool Session::has_asked_too_much() const {
  if (awaits_all_answers_ && pending_publishes_ > 0) return true;
  return pending_publishes_ + published_.size() >= shared_.limits.max_pending_publishes ||
         pending_bytes_ >= shared_.limits.max_pending_publish_bytes ||
         pending_subscribes_ >= max_pending_subscribes;
}

void Session::publish_will() {
  if (will_ == nullptr) return;
  shared_.backlog.add(size_of(*will_), shared_.limits);
  shared_.backlog.add_publish(will_->node_key);
  ask(std::move(*std::exchange(will_, nullptr)));
}

void Session::request_was_answered() {
  if (pending_publishes_ == 0) {
    awaits_all_answers_ = false;
  } else if (awaits_all_answers_) {
    return;
  }
  // Half empty before we read on: a resume per message would be a system call per message.
  if (reading_paused_ && pending_publishes_ + published_.size() <= shared_.limits.max_pending_publishes / 2 &&
      pending_bytes_ <= shared_.limits.max_pending_publish_bytes / 2 &&
      pending_subscribes_ <= max_pending_subscribes / 2) {
    reading_paused_ = false;
    if (outbox_ != nullptr) outbox_->resume_reading();
  }
}

void Session::reply(const SubscribeReply& reply) {
  --pending_subscribes_;
  pending_bytes_ -= reply.bytes;
  request_was_answered();
  if (!is_here(reply.connection)) return;
  auto return_codes = reply.return_codes;
  if (speaks_3_1_) {
    const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const AskedQoS& each) {
      return each.packet_identifier == reply.packet_identifier;
    });
    if (asked != asked_.end()) {
      if (std::count(return_codes.begin(), return_codes.end(), mqtt::SubackReturnCode::failure) > 0) {
        return_codes = std::move(asked->return_codes);
        log_once(Grievance::refused_filter, LogLevel::info,
                 "was refused a filter, which its MQTT 3.1 has no words for");
      }
      asked_.erase(asked);
    }
  }
  write_packet(
      mqtt::Suback{.packet_identifier = reply.packet_identifier, .return_codes = std::move(return_codes)},
      *outbox_);
}

void Session::reply(const UnsubscribeReply& reply) {
  --pending_subscribes_;
  pending_bytes_ -= reply.bytes;
  request_was_answered();
  if (!is_here(reply.connection)) return;
  write_packet(mqtt::Unsuback{.packet_identifier = reply.packet_identifier}, *outbox_);
}

bool Session::reply(PublishReply& reply) {
  --pending_publishes_;
  ++answered_publishes_;
  pending_bytes_ -= reply.bytes;
  if (!acknowledge(reply)) return false;
  acknowledge_published();
  if (reply.route != nullptr && is_here(reply.connection)) {
    if (routes_ == nullptr) routes_ = std::make_unique<Routes>();
    routes_->add(std::move(reply.topic), std::move(reply.route));
  }
  request_was_answered();
  return true;
}

// What may go now, since all before it has gone.
void Session::acknowledge_published() {
  while (!published_.empty() && has_answered(published_.front().after)) {
    acknowledge(published_.front().qos, published_.front().packet_identifier);
    published_.pop_front();
  }
}

bool Session::acknowledge(const PublishReply& reply) {
  const bool failed = reply.outcome == PublishReply::Outcome::failed;
  const bool is_awaited =
      reply.qos == mqtt::QoS::exactly_once ? finish_qos_2(reply) : is_here(reply.connection);
  // The client sends again on each new connection, and then it gets its answer: an earlier one could meet
  // another message with the same packet identifier.
  if (!is_awaited) return true;
  if (failed) {  // [MQTT-4.8.0-2]
    log(LogLevel::warn, "closed: a message could not be published now; the client must send it again");
    return false;
  }
  acknowledge(reply.qos, reply.packet_identifier);
  return true;
}

void Session::acknowledge(mqtt::QoS qos, mqtt::PacketIdentifier packet_identifier) {
  if (qos == mqtt::QoS::at_least_once) {
    write_packet(mqtt::Puback{.packet_identifier = packet_identifier}, *outbox_);
  } else if (qos == mqtt::QoS::exactly_once) {
    write_packet(mqtt::Pubrec{.packet_identifier = packet_identifier}, *outbox_);
  }
}

// Whether PUBREC is due.
bool Session::finish_qos_2(const PublishReply& reply) {
  const bool is_awaited = received_.find(reply.packet_identifier) == ReceivedIdentifiers::State::pending;
  if (reply.outcome == PublishReply::Outcome::failed) {
    received_.erase(reply.packet_identifier);
  } else {
    received_.set(reply.packet_identifier, ReceivedIdentifiers::State::received);
  }
  return is_awaited;
}

void Session::deliver(const std::shared_ptr<Message>& message, mqtt::QoS qos) {
  if (qos == mqtt::QoS::at_most_once) return deliver_qos_0(*message);
  const Added added = outgoing_.add(message, qos, outbox_);
  if (added == Added::yes) return;
  ++dropped_;
  if (added == Added::all_queues_are_full) {
    return log_once(
        Grievance::all_queues, LogLevel::warn,
        "does not acknowledge messages at QoS 1 and 2: they are dropped while those of all clients "
        "together are as many as mqtt_max_total_queued_bytes allows");
  }
  log_once(Grievance::queue, LogLevel::warn,
           "does not acknowledge messages at QoS 1 and 2: those beyond mqtt_max_queued_messages or "
           "mqtt_max_queued_bytes are dropped");
}

void Session::deliver_qos_0(Message& message) {
  if (outbox_ == nullptr) return;
  const std::size_t waiting = outbox_->waiting_bytes();
  // A message is always admitted to an empty queue, whatever its size (docs/mapping.md, "Sessions"). Retained
  // ones come no faster than they are asked for.
  if (!message.retain() && waiting > 0 && waiting + message.size() > shared_.limits.max_outbound_bytes) {
    ++dropped_;
    return log_once(
        Grievance::outbound_bytes, LogLevel::warn,
        "reads more slowly than its subscriptions deliver: QoS 0 messages beyond mqtt_max_outbound_bytes "
        "are dropped until it catches up");
  }
  message.write(*outbox_, mqtt::QoS::at_most_once);
}

void Session::delivered_retained() {
  more_retained_ = true;
  ask_for_retained();
}

// When the last batch has gone, as far as the client takes it.
void Session::ask_for_retained() {
  if (!more_retained_ || outbox_ == nullptr || outgoing_.queued_retained() > 0) return;
  if (outbox_->waiting_bytes() > shared_.limits.max_outbound_bytes / 2) return;
  more_retained_ = false;
  ask(RetainedRequest{.session = id_});
}

void Session::was_too_fast(std::string_view setting) {
  log_once(Grievance::too_fast, LogLevel::info,
           "sends more than " + std::string(setting) + " allows: it is read from more slowly");
}

void Session::log(LogLevel level, std::string_view text) {
  shared_.requests.emplace_back(LogLine{.level = level, .text = client() + ": " + std::string(text)});
}

void Session::log_once(Grievance grievance, LogLevel level, std::string_view text) {
  const auto bit = static_cast<std::uint8_t>(grievance);
  if ((logged_ & bit) != 0) return;
  logged_ |= bit;
  log(level, text);
}

}  // namespace pubsub_mqtt::session
