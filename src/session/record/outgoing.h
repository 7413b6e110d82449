// Messages to one client at QoS 1 and 2 (MQTT 3.1.1, 4.3, 4.4 and 4.6): a window of messages in flight, and
// behind it a queue. Both outlive a connection.
//
// What is in flight is sent again when the client comes back and never before [MQTT-4.4.0-1], and is never
// dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/outbox.h"
#include "record/fifo.h"
#include "record/message.h"
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
  // connection. Retained messages are not counted, since they come only when they were asked for. `retain` is the
  // flag that the message keeps however often it is sent.
  Added add(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain, Outbox* outbox, Shared& shared);

  // Queues what has just found no place, since its publisher waits (routing/waiting.h).
  void add_beyond_limits(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain, Shared& shared);
  // Whether all that is queued has its place within the limits.
  bool keeps_to_limits(const Shared& shared) const;
  bool is_half_empty(const Limits& limits) const;

  Acknowledged acknowledge(const mqtt::Puback& puback, Outbox& outbox, Shared& shared);
  Acknowledged acknowledge(const mqtt::Pubrec& pubrec, Outbox& outbox, Shared& shared);
  Acknowledged acknowledge(const mqtt::Pubcomp& pubcomp, Outbox& outbox, Shared& shared);

  using May = std::function<bool(const Message&)>;

  // The client came back. What is in flight goes first, in its order, if it still `may_again` be sent; what was never
  // sent follows if it still `may` be [MQTT-4.6.0-1, MQTT-4.6.0-4].
  void resume(Outbox& outbox, Shared& shared, const May& may_again, const May& may);

  std::size_t in_flight() const { return sent_.size() + released_.size(); }
  std::size_t queued() const { return queue_.size(); }
  // Without retained messages; as much of Shared::queued_bytes is this session's.
  std::size_t queued_bytes() const { return queued_bytes_; }
  std::size_t queued_retained() const { return queued_retained_; }

 private:
  struct Queued {
    std::shared_ptr<Message> message;
    mqtt::QoS qos = mqtt::QoS::at_least_once;
    bool retain = false;
  };
  struct Sent {
    std::shared_ptr<Message> message;
    mqtt::PacketIdentifier packet_identifier = 0;
    mqtt::QoS qos = mqtt::QoS::at_least_once;
    bool retain = false;

    void write(Outbox& outbox, bool dup) const;
  };
  // No queue's limit counts what is in flight, so that its bytes count here.
  bool window_is_full(const Limits& limits) const {
    return in_flight() >= limits.max_inflight || sent_bytes_ >= limits.max_outbound_bytes;
  }
  std::size_t counted() const { return queue_.size() - queued_retained_; }
  Added has_place_for(const Message& message, const Shared& shared) const;
  void count(const Message& message, Shared& shared);
  void uncount(const Message& message, Shared& shared);
  void send(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain, Outbox& outbox);
  const Sent& put_in_flight(std::shared_ptr<Message> message, mqtt::QoS qos, bool retain);
  void fill_window(Outbox& outbox, Shared& shared);
  mqtt::PacketIdentifier next_identifier();
  void forget_sent(Fifo<Sent>::Iterator sent);
  Fifo<Sent>::Iterator find_sent(mqtt::PacketIdentifier packet_identifier);
  Fifo<mqtt::PacketIdentifier>::Iterator find_released(mqtt::PacketIdentifier packet_identifier);

  Fifo<Sent> sent_;                        // wait for PUBACK or PUBREC, in the order in which they were sent
  Fifo<mqtt::PacketIdentifier> released_;  // wait for PUBCOMP, in the order of their PUBRECs
  Fifo<Queued> queue_;                     // never sent
  std::size_t sent_bytes_ = 0;             // of those in sent_
  std::size_t queued_bytes_ = 0;           // without retained messages
  std::uint32_t queued_retained_ = 0;
  mqtt::PacketIdentifier last_identifier_ = 0;
};

}  // namespace pubsub_mqtt::session
