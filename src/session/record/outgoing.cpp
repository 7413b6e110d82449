#include "record/outgoing.h"

#include <algorithm>
#include <utility>

#include "protocol/write_packet.h"

namespace pubsub_mqtt::session {

Added Outgoing::add(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain, Outbox* outbox,
                    Shared& shared) {
  // What waits is not overtaken: a reload may have made the window larger.
  if (outbox != nullptr && queue_.empty() && !window_is_full(shared.limits)) {
    send(std::move(message), qos, retain, *outbox);
    return Added::yes;
  }
  const Added added = has_place_for(*message, shared);
  if (added == Added::yes) add_beyond_limits(std::move(message), qos, retain, shared);
  return added;
}

void Outgoing::add_beyond_limits(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain,
                                 Shared& shared) {
  queue_.push_back({.message = std::move(message), .qos = qos, .retain = retain});
  count(*queue_.back().message, shared);
}

bool Outgoing::keeps_to_limits(const Shared& shared) const {
  if (counted() == 0) return true;
  const bool all_do = shared.queued_bytes <= shared.limits.max_total_queued_bytes;
  // One is always admitted, whatever its size.
  return all_do && (counted() == 1 || (counted() <= shared.limits.max_queued_messages &&
                                       queued_bytes_ <= shared.limits.max_queued_bytes));
}

bool Outgoing::is_half_empty(const Limits& limits) const {
  return counted() == 0 ||
         (counted() <= limits.max_queued_messages / 2 && queued_bytes_ <= limits.max_queued_bytes / 2);
}

Added Outgoing::has_place_for(const Message& message, const Shared& shared) const {
  if (message.is_retained()) return Added::yes;
  // A message is always admitted to an empty queue, whatever its size (docs/mapping.md, "Sessions"): but not
  // to ten thousand of them.
  if (counted() > 0 && (counted() >= shared.limits.max_queued_messages ||
                        queued_bytes_ + message.size() > shared.limits.max_queued_bytes)) {
    return Added::queue_is_full;
  }
  return shared.queued_bytes + message.size() > shared.limits.max_total_queued_bytes
             ? Added::all_queues_are_full
             : Added::yes;
}

void Outgoing::count(const Message& message, Shared& shared) {
  if (message.is_retained()) {
    ++queued_retained_;
  } else {
    queued_bytes_ += message.size();
    shared.queued_bytes += message.size();
  }
}

void Outgoing::uncount(const Message& message, Shared& shared) {
  if (message.is_retained()) {
    --queued_retained_;
  } else {
    queued_bytes_ -= message.size();
    shared.queued_bytes -= message.size();
  }
}

// In flight before it is written: where memory runs out, it is sent again on the next connection.
void Outgoing::send(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain, Outbox& outbox) {
  put_in_flight(std::move(message), qos, retain).write(outbox, false);
}

void Outgoing::Sent::write(Outbox& outbox, bool dup) const {
  message->write(outbox, {.qos = qos, .retain = retain, .dup = dup, .packet_identifier = packet_identifier});
}

const Outgoing::Sent& Outgoing::put_in_flight(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain) {
  sent_.push_back(
      {.message = std::move(message), .packet_identifier = next_identifier(), .qos = qos, .retain = retain});
  const Sent& sent = sent_.back();
  sent_bytes_ += sent.message->size();
  return sent;
}

void Outgoing::fill_window(Outbox& outbox, Shared& shared) {
  while (!queue_.empty() && !window_is_full(shared.limits)) {
    const auto [message, qos, retain] = queue_.front();
    const Sent& sent = put_in_flight(message, qos, retain);
    queue_.pop_front();
    uncount(*message, shared);
    sent.write(outbox, false);
  }
}

// One that is not in use [MQTT-2.3.1-4]. The window has a place, so fewer than 65,535 are; and it is the one
// that was used the longest time ago, so that a late acknowledgement meets nothing.
mqtt::PacketIdentifier Outgoing::next_identifier() {
  do {
    ++last_identifier_;
  } while (last_identifier_ == 0 || find_sent(last_identifier_) != sent_.end() ||
           find_released(last_identifier_) != released_.end());
  return last_identifier_;
}

void Outgoing::forget_sent(Fifo<Sent>::Iterator sent) {
  sent_bytes_ -= sent->message->size();
  sent_.erase(sent);
}

Fifo<Outgoing::Sent>::Iterator Outgoing::find_sent(mqtt::PacketIdentifier packet_identifier) {
  return std::find_if(sent_.begin(), sent_.end(),
                      [&](const Sent& sent) { return sent.packet_identifier == packet_identifier; });
}

Fifo<mqtt::PacketIdentifier>::Iterator Outgoing::find_released(mqtt::PacketIdentifier packet_identifier) {
  return std::find(released_.begin(), released_.end(), packet_identifier);
}

Acknowledged Outgoing::acknowledge(const mqtt::Puback& puback, Outbox& outbox, Shared& shared) {
  const auto sent = find_sent(puback.packet_identifier);
  if (sent == sent_.end()) {
    return find_released(puback.packet_identifier) == released_.end() ? Acknowledged::unknown
                                                                      : Acknowledged::violation;
  }
  if (sent->qos != mqtt::QoS::at_least_once) return Acknowledged::violation;
  forget_sent(sent);
  fill_window(outbox, shared);
  return Acknowledged::expected;
}

// Whatever it is for, PUBREL follows [MQTT-4.3.3-1]: a client that kept a flow which we do not know could not
// end it otherwise.
Acknowledged Outgoing::acknowledge(const mqtt::Pubrec& pubrec, Outbox& outbox, Shared& shared) {
  auto result = Acknowledged::expected;
  const auto sent = find_sent(pubrec.packet_identifier);
  if (sent != sent_.end()) {
    if (sent->qos != mqtt::QoS::exactly_once) return Acknowledged::violation;
    released_.push_back(pubrec.packet_identifier);
    forget_sent(sent);
  } else if (find_released(pubrec.packet_identifier) == released_.end()) {
    result = Acknowledged::unknown;
  }
  write_packet(mqtt::Pubrel{.packet_identifier = pubrec.packet_identifier}, outbox);
  fill_window(outbox, shared);
  return result;
}

Acknowledged Outgoing::acknowledge(const mqtt::Pubcomp& pubcomp, Outbox& outbox, Shared& shared) {
  const auto released = find_released(pubcomp.packet_identifier);
  if (released == released_.end()) {
    return find_sent(pubcomp.packet_identifier) == sent_.end() ? Acknowledged::unknown
                                                               : Acknowledged::violation;
  }
  released_.erase(released);
  fill_window(outbox, shared);
  return Acknowledged::expected;
}

void Outgoing::resume(Outbox& outbox, Shared& shared, const May& may_again, const May& may) {
  sent_.erase_if([&](const Sent& sent) {
    if (may_again(*sent.message)) return false;
    sent_bytes_ -= sent.message->size();
    return true;
  });
  for (const auto packet_identifier : released_) {
    write_packet(mqtt::Pubrel{.packet_identifier = packet_identifier}, outbox);
  }
  for (const auto& sent : sent_) sent.write(outbox, true);
  queue_.erase_if([&](const Queued& queued) {
    if (may(*queued.message)) return false;
    uncount(*queued.message, shared);
    return true;
  });
  fill_window(outbox, shared);
}

}  // namespace pubsub_mqtt::session
