// Packet identifiers of publishes that a client sent at QoS 2 and has not released yet (MQTT 3.1.1, 4.3.3,
// "method B"). They are recorded on receipt, before pubsub has the message, so that a duplicate is never
// published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::session {

class ReceivedIdentifiers {
 public:
  enum class State : std::uint8_t {
    pending,   // pubsub has not said yet whether it takes the message; PUBREC is due when it has
    orphaned,  // as pending, but the connection is gone: PUBREC is not due before the client sends the
               // message again
    received,  // pubsub has it: PUBREC is due for each PUBLISH, until PUBREL [MQTT-4.3.3-2]
  };

  // Returns nullopt where the identifier is not there.
  std::optional<State> find(mqtt::PacketIdentifier packet_identifier) const;
  void set(mqtt::PacketIdentifier packet_identifier, State state);
  void erase(mqtt::PacketIdentifier packet_identifier);
  void orphan_pending();
  bool empty() const { return entries_ == nullptr; }
  std::size_t size() const { return entries_ == nullptr ? 0 : entries_->size(); }

 private:
  struct Entry {
    mqtt::PacketIdentifier packet_identifier = 0;
    State state = State::pending;
  };
  // Sorted: a client may leave 65,535 of them. No memory before the first one, since most sessions have none.
  using Entries = std::vector<Entry>;
  Entries::iterator place(mqtt::PacketIdentifier packet_identifier) const;

  std::unique_ptr<Entries> entries_;
};

}  // namespace pubsub_mqtt::session
