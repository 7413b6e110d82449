// Messages to one client at QoS 1 and 2 (MQTT 3.1.1, 4.3, 4.4 and 4.6; 5.0, 4.9): a window of messages in flight, and
// behind it a queue. Both outlive a connection.
//
// What is in flight is sent again when the client comes back and never before [MQTT-4.4.0-1], as far as its Receive
// Maximum lets it be at once, and is never dropped, unless the client takes no packet of its size any more. What was
// never sent may expire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "durable/stored_message.h"
#include "protocol/recipient.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/fifo.h"
#include "record/message.h"
#include "record/queue.h"
#include "record/selected.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {

enum class Acknowledged : std::uint8_t {
  expected,
  unknown,    // nothing in flight has that packet identifier
  violation,  // what has it waits for another packet
};

enum class Added : std::uint8_t {
  yes,
  queue_is_full,
  all_queues_are_full,  // of all sessions together
};

class Outgoing {
 public:
  // Sends, or queues while the window is full (of messages, or of Limits::max_outbound_bytes) or there is no
  // connection.
  Added add(const std::shared_ptr<Message>& message, const Selected& selected, Recipient& recipient,
            Shared& shared);

  // Queues what has just found no place, since its publisher waits (routing/waiting.h).
  void add_beyond_limits(const std::shared_ptr<Message>& message, const Selected& selected,
                         const Recipient& recipient, Shared& shared);
  // What is queued and has expired goes.
  void drop_expired(Shared& shared);
  // Whether all that is queued has its place within the limits.
  bool keeps_to_limits(const Shared& shared) const;
  bool is_half_empty(const Limits& limits) const;
  QueueLimits limits(const Limits& limits) const { return queue_limits(limits, is_stored_); }

  // Whether a message would be sent at once.
  bool has_place(const Recipient& recipient, const Limits& limits) const {
    return recipient.is_connected() && queue_.empty() && !window_is_full(recipient, limits);
  }

  Acknowledged acknowledge(const mqtt::Puback& puback, Recipient& recipient, Shared& shared);
  Acknowledged acknowledge(const mqtt::Pubrec& pubrec, Recipient& recipient, Shared& shared);
  Acknowledged acknowledge(const mqtt::Pubcomp& pubcomp, Recipient& recipient, Shared& shared);

  using May = std::function<bool(const std::shared_ptr<Message>&, const Selected&)>;

  // The client came back. What is in flight goes first, in its order, if it still `may_again` be sent; what was never
  // sent follows if it still `may` be [MQTT-4.6.0-1, MQTT-4.6.0-4]. Of what may not, another member gets what a group
  // gave to the session. Where memory runs out, what nobody else has got is still there.
  void resume(Recipient& recipient, Shared& shared, const May& may_again, const May& may);

  // The client has gone: what is queued and stored leaves memory.
  void page_all(Shared& shared) noexcept;
  // What is read from the store, in its order, and is to be sent; what is not, since it has expired, or is not for the
  // session any more; and when a page was read whole, `is_last` where nothing is behind it. Then as much as there is
  // place for is sent.
  void load(std::shared_ptr<Message> message, Selected selected, Shared& shared);
  void skip(const Message& message, Shared& shared) { queue_.unpage(message, total(shared)); }
  // One that was skipped is to be read again.
  void unskip(const Message& message, Shared& shared) { queue_.page(message, total(shared)); }
  void loaded(bool is_last, Recipient& recipient, Shared& shared);
  bool is_paged() const { return queue_.is_paged(); }
  // The number of the first message that is in memory and not acknowledged; 0: there is none.
  store::RowNumber first_in_memory() const;

  // The session ends, and is a member of no group any more: what a group gave to it another of its members gets, if it
  // was never sent, or sent at QoS 1 and not acknowledged (MQTT 5.0, 4.8.2). At QoS 2 nobody else gets it
  // [MQTT5-4.8.2-5]. As far as it is in memory. Where memory runs out, the rest is still there, and this is to be
  // called again.
  void leave_to_groups(Shared& shared);

  // Where the session outlives the process, under which name the Journal knows it; 0: it does not. It is the same from
  // the session's first message to its end.
  KeptSession kept() const { return kept_; }
  void set_kept(KeptSession kept) {
    kept_ = kept;
    is_stored_ = is_stored_ || kept != 0;
  }
  // `visit` is given each message, and how it was selected, once for each time that it is queued or in flight.
  template <typename Visit>
  void for_each_message(Visit&& visit) const {
    for_each_sent([&](const Sent& sent) { visit(*sent.message, sent.selected); });
    queue_.for_each([&](const Queue::Queued& queued) { visit(*queued.message, queued.selected); });
  }

  // So many of them.
  std::size_t in_memory() const {
    return (window_ == nullptr ? 0 : window_->sent.size()) + queue_.in_memory().messages;
  }

  // What an earlier process has left, in its order. What was in flight comes before what was queued.
  void restore_sent(std::shared_ptr<Message> message, Selected selected,
                    mqtt::PacketIdentifier packet_identifier);
  void restore_released(mqtt::PacketIdentifier packet_identifier);
  void restore_paged(const Queue::Count& paged, Shared& shared) {
    queue_.set_paged(true, paged, total(shared));
  }

  // Those that it has for its client.
  std::size_t size() const { return queued() + in_flight(); }
  std::size_t in_flight() const { return window_ == nullptr ? 0 : window_->size(); }
  std::size_t queued() const { return queue_.size(); }
  // Without retained messages; as much of total() is this session's.
  std::size_t queued_bytes() const { return queue_.bytes(); }
  // Of all queues, in which this one's are counted.
  std::size_t& total(Shared& shared) const { return is_stored_ ? shared.stored_bytes : shared.queued_bytes; }
  std::size_t total(const Shared& shared) const {
    return is_stored_ ? shared.stored_bytes : shared.queued_bytes;
  }
  std::size_t queued_retained() const { return queue_.retained(); }

 private:
  struct Sent {
    std::shared_ptr<Message> message;
    Selected selected;
    mqtt::PacketIdentifier packet_identifier = 0;
  };
  struct Window {
    std::size_t size() const { return sent.size() + released.size(); }
    // No queue's limit counts what is in flight, so that its bytes count here.
    bool is_full(const Recipient& recipient, const Limits& limits) const {
      return waits_again > 0 || size() >= limits.max_inflight || size() >= recipient.receive_maximum() ||
             sent_bytes >= limits.max_outbound_bytes;
    }
    Fifo<Sent>::Iterator find_sent(mqtt::PacketIdentifier packet_identifier);
    Fifo<mqtt::PacketIdentifier>::Iterator find_released(mqtt::PacketIdentifier packet_identifier);
    mqtt::PacketIdentifier next_identifier();
    void forget_sent(Fifo<Sent>::Iterator one);

    Fifo<Sent> sent;                        // wait for PUBACK or PUBREC, in the order in which they were sent
    Fifo<mqtt::PacketIdentifier> released;  // wait for PUBCOMP, in the order of their PUBRECs
    std::size_t sent_bytes = 0;             // of those in `sent`
    std::uint16_t waits_again = 0;  // the last ones of `sent`, for which this connection had no place yet
    mqtt::PacketIdentifier last_identifier = 0;
  };
  Window& window();
  template <typename Visit>
  void for_each_sent(Visit&& visit) const {
    if (window_ == nullptr) return;
    for (const Sent& sent : std::as_const(window_->sent)) visit(sent);
  }
  bool window_is_full(const Recipient& recipient, const Limits& limits) const {
    return window_ != nullptr && window_->is_full(recipient, limits);
  }
  Added has_place_for(const Message& message, const Shared& shared) const;
  void send(const std::shared_ptr<Message>& message, const Selected& selected, Recipient& recipient,
            Shared& shared);
  void send(const Sent& sent, bool dup, Recipient& recipient, Shared& shared) const;
  void send(const mqtt::Pubrel& pubrel, Recipient& recipient, Shared& shared) const;
  // So that put_in_flight() does not fail.
  void prepare_in_flight(const Selected& selected, Shared& shared);
  const Sent& put_in_flight(std::shared_ptr<Message> message, const Selected& selected, Shared& shared);
  void pass_on(const std::shared_ptr<Message>& message, GroupNumber group, Shared& shared) const;
  void resume_window(Recipient& recipient, Shared& shared, const May& may_again);
  void send_again(Recipient& recipient, Shared& shared);
  void send_queued(Recipient& recipient, Shared& shared);
  void fill_window(Recipient& recipient, Shared& shared);
  bool has_room_in_memory(const Recipient& recipient, const Shared& shared) const;
  void ask_for_page(const Recipient& recipient, Shared& shared) const;
  void complete_sent(Fifo<Sent>::Iterator sent, Shared& shared);
  void complete_released(Fifo<mqtt::PacketIdentifier>::Iterator released, Shared& shared);

  std::unique_ptr<Window> window_;  // nullptr before the first message: many clients get none at QoS 1 or 2
  Queue queue_;
  KeptSession kept_ = 0;
  bool is_stored_ = false;  // was kept, from its first message on
};

}  // namespace pubsub_mqtt::session
