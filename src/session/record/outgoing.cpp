#include "record/outgoing.h"

#include <algorithm>
#include <new>
#include <utility>

#include "durable/journal.h"
#include "protocol/write_packet.h"
#include "routing/audiences.h"

namespace pubsub_mqtt::session {
namespace {

// What a session that is stored has in memory of its queue: as much as is sent while a page is read, or, while all
// together have much there, a window or two.
constexpr std::size_t most_in_memory = 1000;
constexpr std::size_t least_in_memory = 40;
constexpr std::size_t most_bytes_in_memory = MiB;
constexpr std::size_t least_bytes_in_memory = 64 * KiB;

std::size_t messages_in_memory(const Shared& shared) {
  return shared.journal->has_much_in_memory() ? least_in_memory : most_in_memory;
}

std::size_t bytes_in_memory(const Shared& shared) {
  return shared.journal->has_much_in_memory() ? least_bytes_in_memory : most_bytes_in_memory;
}

// Bytes that are about to be another session's, which they are not to be in the way of.
struct NotCounted {
  NotCounted(std::size_t& in, std::size_t of) : total(in), bytes(of) { total -= bytes; }
  ~NotCounted() { total += bytes; }
  NotCounted(const NotCounted&) = delete;
  NotCounted& operator=(const NotCounted&) = delete;

  std::size_t& total;
  std::size_t bytes;
};

}  // namespace

Added Outgoing::add(const std::shared_ptr<Message>& message, const Selected& selected, Recipient& recipient,
                    Shared& shared) {
  // What waits is not overtaken: a reload may have made the window larger.
  if (has_place(recipient, shared.limits)) {
    send(message, selected, recipient, shared);
    return Added::yes;
  }
  const Added added = has_place_for(*message, shared);
  if (added == Added::yes) add_beyond_limits(message, selected, recipient, shared);
  return added;
}

// All memory first, here and below: what the store has for the session is in its queue or in flight.
void Outgoing::add_beyond_limits(const std::shared_ptr<Message>& message, const Selected& selected,
                                 const Recipient& recipient, Shared& shared) {
  std::size_t& all = total(shared);
  if (kept_ == 0) return queue_.push_back({.message = message, .selected = selected}, all);
  if (has_room_in_memory(recipient, shared)) {
    queue_.prepare();
    auto kept = shared.journal->keep(kept_, message, selected);
    return queue_.push_back({.message = std::move(kept), .selected = selected}, all);
  }
  queue_.prepare_to_page();
  shared.journal->store(kept_, message, selected);
  queue_.page(*message, all);
}

// What comes is behind what waits in the store.
bool Outgoing::has_room_in_memory(const Recipient& recipient, const Shared& shared) const {
  return recipient.is_connected() && !queue_.is_paged() &&
         queue_.in_memory().messages < messages_in_memory(shared) &&
         queue_.in_memory().bytes < bytes_in_memory(shared);
}

// One page is read while the one before is sent.
void Outgoing::ask_for_page(const Recipient& recipient, Shared& shared) const {
  if (!recipient.is_connected()) return;
  const auto& [messages, retained, bytes] = queue_.in_memory();
  const std::size_t most = messages_in_memory(shared);
  const std::size_t most_bytes = bytes_in_memory(shared);
  if (messages > most / 2 || bytes > most_bytes / 2) return;
  shared.journal->ask_for_page(kept_, most - messages, most_bytes - bytes);
}

void Outgoing::page_all(Shared& shared) noexcept {
  if (kept_ == 0) return;
  store::RowNumber first = 0;
  if (queue_.has_in_memory()) first = queue_.front().message->stored().number;
  shared.journal->has_gone(kept_, first);
  queue_.page_all([&](const Queue::Queued& queued) { shared.journal->forget_in_memory(*queued.message); });
}

void Outgoing::load(std::shared_ptr<Message> message, Selected selected, Shared& shared) {
  queue_.prepare();
  queue_.unpage(*message, total(shared));
  queue_.push_back({.message = std::move(message), .selected = std::move(selected)}, total(shared));
}

void Outgoing::loaded(bool is_last, Recipient& recipient, Shared& shared) {
  if (is_last) queue_.set_paged(false, {}, total(shared));
  fill_window(recipient, shared);
}

store::RowNumber Outgoing::first_in_memory() const {
  if (window_ != nullptr && !window_->sent.empty()) return window_->sent.front().message->stored().number;
  return queue_.has_in_memory() ? queue_.front().message->stored().number : 0;
}

void Outgoing::drop_expired(Shared& shared) {
  queue_.drop_expired(shared.now, total(shared), [&](const Queue::Queued& queued) {
    shared.counters.drop(Dropped::expired);
    if (kept_ != 0) shared.journal->dropped(kept_, *queued.message);
  });
}

bool Outgoing::keeps_to_limits(const Shared& shared) const {
  const std::size_t counted = queue_.counted();
  if (counted == 0) return true;
  const QueueLimits most = limits(shared.limits);
  // One is always admitted, whatever its size.
  return total(shared) <= most.total_bytes &&
         (counted == 1 || (counted <= most.messages && queue_.bytes() <= most.bytes));
}

bool Outgoing::is_half_empty(const Limits& all_limits) const {
  const std::size_t counted = queue_.counted();
  const QueueLimits most = limits(all_limits);
  return counted == 0 || (counted <= most.messages / 2 && queue_.bytes() <= most.bytes / 2);
}

Added Outgoing::has_place_for(const Message& message, const Shared& shared) const {
  if (message.is_retained()) return Added::yes;
  // A message is always admitted to an empty queue, whatever its size (docs/mapping.md, "Sessions"): but not
  // to ten thousand of them.
  const std::size_t counted = queue_.counted();
  const QueueLimits most = limits(shared.limits);
  if (counted > 0 && (counted >= most.messages || queue_.bytes() + message.size() > most.bytes)) {
    return Added::queue_is_full;
  }
  return total(shared) + message.size() > most.total_bytes ? Added::all_queues_are_full : Added::yes;
}

// In flight before it is written: where memory runs out, it is sent again on the next connection.
void Outgoing::send(const std::shared_ptr<Message>& message, const Selected& selected, Recipient& recipient,
                    Shared& shared) {
  if (!recipient.takes(*message, selected)) return;
  prepare_in_flight(selected, shared);
  auto kept = kept_ == 0 ? message : shared.journal->keep(kept_, message, selected);
  send(put_in_flight(std::move(kept), selected, shared), false, recipient, shared);
}

// At QoS 2, that its packet identifier is stored comes first: else one message could have two of them.
void Outgoing::send(const Sent& sent, bool dup, Recipient& recipient, Shared& shared) const {
  const auto& [message, selected, packet_identifier] = sent;
  if (kept_ != 0 && shared.journal->must_hold_publish(kept_, selected.qos)) {
    return shared.journal->hold(
        kept_,
        HeldPublish{
            .message = message, .selected = selected, .packet_identifier = packet_identifier, .dup = dup});
  }
  recipient.send(*message, selected, packet_identifier, dup, shared);
}

void Outgoing::send(const mqtt::Pubrel& pubrel, Recipient& recipient, Shared& shared) const {
  if (kept_ != 0 && shared.journal->must_hold(kept_)) return shared.journal->hold(kept_, pubrel);
  write_packet(pubrel, *recipient.outbox(), recipient.level());
}

void Outgoing::prepare_in_flight(const Selected& selected, Shared& shared) {
  window().sent.prepare();
  if (kept_ != 0) shared.journal->prepare_in_flight(kept_, selected.qos);
}

const Outgoing::Sent& Outgoing::put_in_flight(std::shared_ptr<Message> message, const Selected& selected,
                                              Shared& shared) {
  Window& into = window();
  into.sent.push_back(
      {.message = std::move(message), .selected = selected, .packet_identifier = into.next_identifier()});
  const Sent& sent = into.sent.back();
  into.sent_bytes += sent.message->size();
  if (kept_ != 0) shared.journal->in_flight(kept_, *sent.message, selected, sent.packet_identifier);
  return sent;
}

// What was in flight before goes first, however large it is together.
void Outgoing::fill_window(Recipient& recipient, Shared& shared) {
  if (window_ != nullptr && window_->waits_again > 0) send_again(recipient, shared);
  if (queue_.has_in_memory()) send_queued(recipient, shared);
  if (queue_.is_paged()) ask_for_page(recipient, shared);
}

void Outgoing::send_again(Recipient& recipient, Shared& shared) {
  Window& again = *window_;
  const auto on_the_wire = [&] { return again.size() - again.waits_again; };
  while (again.waits_again > 0 && on_the_wire() < recipient.receive_maximum()) {
    const auto sent = again.sent.end() - again.waits_again;
    if (recipient.takes(*sent->message, sent->selected)) {
      --again.waits_again;
      send(*sent, true, recipient, shared);
    } else {
      complete_sent(sent, shared);
    }
  }
}

void Outgoing::send_queued(Recipient& recipient, Shared& shared) {
  while (queue_.has_in_memory() && !window_is_full(recipient, shared.limits)) {
    const auto [message, selected] = queue_.front();
    const bool has_expired = message->has_expired(shared.now);
    if (has_expired) shared.counters.drop(Dropped::expired);
    if (has_expired || !recipient.takes(*message, selected)) {
      if (kept_ != 0) shared.journal->dropped(kept_, *message);
      queue_.pop_front(total(shared));
    } else {
      prepare_in_flight(selected, shared);
      const Sent& sent = put_in_flight(message, selected, shared);
      queue_.pop_front(total(shared));
      send(sent, false, recipient, shared);
    }
  }
}

// One that is not in use [MQTT-2.3.1-4]. The window has a place, so fewer than 65,535 are; and it is the one
// that was used the longest time ago, so that a late acknowledgement meets nothing.
mqtt::PacketIdentifier Outgoing::Window::next_identifier() {
  do {
    ++last_identifier;
  } while (last_identifier == 0 || find_sent(last_identifier) != sent.end() ||
           find_released(last_identifier) != released.end());
  return last_identifier;
}

void Outgoing::Window::forget_sent(Fifo<Sent>::Iterator one) {
  if (sent.end() - one <= waits_again) --waits_again;
  sent_bytes -= one->message->size();
  sent.erase(one);
}

Outgoing::Window& Outgoing::window() {
  if (window_ == nullptr) window_ = std::make_unique<Window>();
  return *window_;
}

// The client has it, or does not get it again.
void Outgoing::complete_sent(Fifo<Sent>::Iterator sent, Shared& shared) {
  if (kept_ != 0) shared.journal->acknowledged(kept_, *sent->message, sent->packet_identifier);
  window_->forget_sent(sent);
}

void Outgoing::complete_released(Fifo<mqtt::PacketIdentifier>::Iterator released, Shared& shared) {
  if (kept_ != 0) shared.journal->completed(kept_, *released);
  window_->released.erase(released);
}

Fifo<Outgoing::Sent>::Iterator Outgoing::Window::find_sent(mqtt::PacketIdentifier packet_identifier) {
  return std::find_if(sent.begin(), sent.end(),
                      [&](const Sent& each) { return each.packet_identifier == packet_identifier; });
}

Fifo<mqtt::PacketIdentifier>::Iterator Outgoing::Window::find_released(
    mqtt::PacketIdentifier packet_identifier) {
  return std::find(released.begin(), released.end(), packet_identifier);
}

Acknowledged Outgoing::acknowledge(const mqtt::Puback& puback, Recipient& recipient, Shared& shared) {
  Window& from = window();
  const auto sent = from.find_sent(puback.packet_identifier);
  if (sent == from.sent.end()) {
    return from.find_released(puback.packet_identifier) == from.released.end() ? Acknowledged::unknown
                                                                               : Acknowledged::violation;
  }
  if (sent->selected.qos != mqtt::QoS::at_least_once) return Acknowledged::violation;
  complete_sent(sent, shared);
  fill_window(recipient, shared);
  return Acknowledged::expected;
}

// Whatever it is for, PUBREL follows [MQTT-4.3.3-1]: a client that kept a flow which we do not know could not
// end it otherwise. Unless the client says that it does not take the message: then there is nothing to release
// [MQTT5-4.3.3-4].
Acknowledged Outgoing::acknowledge(const mqtt::Pubrec& pubrec, Recipient& recipient, Shared& shared) {
  Window& from = window();
  auto result = Acknowledged::expected;
  const bool is_refused = mqtt::is_error(pubrec.reason);
  mqtt::Pubrel pubrel{.packet_identifier = pubrec.packet_identifier};
  const auto sent = from.find_sent(pubrec.packet_identifier);
  if (sent != from.sent.end()) {
    if (sent->selected.qos != mqtt::QoS::exactly_once) return Acknowledged::violation;
    if (is_refused) {
      complete_sent(sent, shared);
    } else {
      from.released.push_back(pubrec.packet_identifier);
      if (kept_ != 0) shared.journal->received_by_client(kept_, *sent->message, pubrec.packet_identifier);
      from.forget_sent(sent);
    }
  } else if (const auto released = from.find_released(pubrec.packet_identifier);
             released == from.released.end()) {
    result = Acknowledged::unknown;
    pubrel.reason = mqtt::Reason::packet_identifier_not_found;
  } else if (is_refused) {
    complete_released(released, shared);
  }
  if (!is_refused) send(pubrel, recipient, shared);
  fill_window(recipient, shared);
  return result;
}

// Also where the client says that it does not know the packet identifier.
Acknowledged Outgoing::acknowledge(const mqtt::Pubcomp& pubcomp, Recipient& recipient, Shared& shared) {
  Window& from = window();
  const auto released = from.find_released(pubcomp.packet_identifier);
  if (released == from.released.end()) {
    return from.find_sent(pubcomp.packet_identifier) == from.sent.end() ? Acknowledged::unknown
                                                                        : Acknowledged::violation;
  }
  complete_released(released, shared);
  fill_window(recipient, shared);
  return Acknowledged::expected;
}

// Another member has it before this session has it no more, and nothing that may lack memory is in between.
void Outgoing::pass_on(const std::shared_ptr<Message>& message, GroupNumber group, Shared& shared) const {
  if (kept_ != 0) shared.journal->prepare_to_drop();
  if (group != 0 && !shared.audiences.give(group, message)) throw std::bad_alloc();
}

void Outgoing::leave_to_groups(Shared& shared) {
  NotCounted own(total(shared), queue_.bytes());
  const auto leave = [&](const auto& each) {
    pass_on(each.message, each.selected.group, shared);
    if (kept_ != 0) shared.journal->dropped(kept_, *each.message, true);
    return true;
  };
  if (window_ != nullptr) {
    window_->sent.erase_if([&](const Sent& sent) {
      const bool is_left = sent.selected.group != 0 && sent.selected.qos == mqtt::QoS::at_least_once;
      return is_left && leave(sent);
    });
  }
  queue_.erase_if([&](const Queue::Queued& queued) { return queued.selected.group != 0 && leave(queued); },
                  own.bytes);
}

void Outgoing::resume_window(Recipient& recipient, Shared& shared, const May& may_again) {
  Window& again = *window_;
  again.sent.erase_if([&](const Sent& each) {
    if (may_again(each.message, each.selected)) return false;
    again.sent_bytes -= each.message->size();
    if (kept_ != 0) shared.journal->acknowledged(kept_, *each.message, each.packet_identifier);
    return true;
  });
  again.waits_again = static_cast<std::uint16_t>(again.sent.size());
  for (const auto packet_identifier : again.released) {
    send(mqtt::Pubrel{.packet_identifier = packet_identifier}, recipient, shared);
  }
}

void Outgoing::resume(Recipient& recipient, Shared& shared, const May& may_again, const May& may) {
  if (window_ != nullptr) resume_window(recipient, shared, may_again);
  queue_.erase_if(
      [&](const Queue::Queued& queued) {
        if (may(queued.message, queued.selected)) return false;
        {
          const NotCounted own(total(shared), queued.message->size());
          pass_on(queued.message, queued.selected.group, shared);
        }
        if (kept_ != 0) shared.journal->dropped(kept_, *queued.message, queued.selected.group != 0);
        return true;
      },
      total(shared));
  fill_window(recipient, shared);
}

void Outgoing::restore_sent(std::shared_ptr<Message> message, Selected selected,
                            mqtt::PacketIdentifier packet_identifier) {
  Window& into = window();
  into.sent_bytes += message->size();
  into.sent.push_back({.message = std::move(message),
                       .selected = std::move(selected),
                       .packet_identifier = packet_identifier});
  into.last_identifier = packet_identifier;
}

void Outgoing::restore_released(mqtt::PacketIdentifier packet_identifier) {
  window().released.push_back(packet_identifier);
}

}  // namespace pubsub_mqtt::session
