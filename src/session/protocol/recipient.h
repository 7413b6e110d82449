// The client of a session as it is connected now, as far as it is sent messages: where packets go, in which form, and
// what the client takes. Of 5.0, that is its Maximum Packet Size, Receive Maximum and topic aliases; a client of 3.1 or
// 3.1.1 takes everything. Network thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "protocol/given_aliases.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/outbox.h"
#include "record/client_limits.h"
#include "record/message.h"
#include "record/selected.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {

class Recipient {
 public:
  // `outbox` outlives the connection, which is from here to detach(). `limits` are of a client of 5.0, nullptr of
  // others.
  void attach(Outbox& outbox, std::unique_ptr<const ClientLimits> limits) noexcept;
  void detach() noexcept;

  bool is_connected() const { return outbox_ != nullptr; }
  // nullptr: not connected.
  Outbox* outbox() const { return outbox_; }
  // As far as it matters to what a connected client is sent here: 3.1 is as 3.1.1.
  mqtt::ProtocolLevel level() const {
    return speaks_5() ? mqtt::ProtocolLevel::mqtt_5 : mqtt::ProtocolLevel::mqtt_3_1_1;
  }
  bool speaks_5() const { return limits_ != nullptr; }
  const ClientLimits* limits() const { return limits_.get(); }

  // How many PUBLISHes at QoS 1 and 2 may be in flight [MQTT5-3.3.4-9].
  std::size_t receive_maximum() const {
    return limits_ == nullptr ? std::numeric_limits<std::uint16_t>::max() : limits_->receive_maximum;
  }

  // Whether the PUBLISH is within the client's Maximum Packet Size; else it is as good as sent [MQTT5-3.1.2-25], and
  // counts as too large.
  bool takes(const Message& message, const Selected& selected) {
    return !has_packet_limit() || is_within_limit(message, selected);
  }

  // The same for one that is not sent yet: nothing is counted.
  bool would_take(const Message& message, const Selected& selected) const;

  // The client is connected and takes it.
  void send(Message& message, const Selected& selected, mqtt::PacketIdentifier packet_identifier, bool dup,
            Shared& shared) {
    shared.counters.sent.add(selected.qos, message.payload().size());
    const mqtt::PublishFlags flags{
        .qos = selected.qos, .retain = selected.retain, .dup = dup, .packet_identifier = packet_identifier};
    if (!speaks_5()) return message.write(*outbox_, flags, mqtt::ProtocolLevel::mqtt_3_1_1);
    send_5(message, selected, flags, shared.now);
  }

  // What was too large since this was asked last.
  struct TooLarge {
    std::uint32_t size = 0;      // of the last one
    std::uint16_t messages = 0;  // no further than that counts
  };
  bool has_too_large() const { return more_ != nullptr && more_->too_large.messages > 0; }
  TooLarge take_too_large();

 private:
  bool has_packet_limit() const {
    return limits_ != nullptr && limits_->max_packet_size != ClientLimits().max_packet_size;
  }
  std::size_t least_size(const Message& message, const Selected& selected) const;
  bool is_within_limit(const Message& message, const Selected& selected);
  void send_5(Message& message, const Selected& selected, mqtt::PublishFlags flags, Time now);
  struct Alias {
    std::uint16_t number = 0;  // 0: none
    bool is_new = false;       // the topic goes with it this time
  };
  Alias alias(const Message& message, const Selected& selected);
  // What few clients need, and only of 5.0.
  struct More {
    GivenAliases aliases;
    TooLarge too_large;
  };
  More& more();

  Outbox* outbox_ = nullptr;
  std::unique_ptr<const ClientLimits> limits_;
  std::unique_ptr<More> more_;  // nullptr before the first use
};

}  // namespace pubsub_mqtt::session
