// What a client publishes at QoS 1 or 2, some messages at a time, and sends again to a server that has come back (MQTT
// 3.1.1, 4.3 and 4.4).
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "raw_mqtt.h"

namespace pubsub_mqtt::tests {

class PublishWindow {
 public:
  struct Message {
    mqtt::PacketIdentifier packet_identifier = 0;
    std::string topic;
    std::string payload;
    int times_sent = 0;
    bool is_received = false;  // PUBREC has come
  };

  PublishWindow(mqtt::QoS qos, bool retain) : qos_(qos), retain_(retain) {}

  bool empty() const { return messages_.empty(); }
  bool is_full() const { return messages_.size() >= most; }

  void publish(RawMqtt& client, std::string topic, std::string payload) {
    if (++last_identifier_ == 0) ++last_identifier_;
    messages_.push_back(
        {.packet_identifier = last_identifier_, .topic = std::move(topic), .payload = std::move(payload)});
    send(client, messages_.back(), false);
  }

  // A server that does not know the session knows nothing to be released either.
  void send_again(RawMqtt& client, bool session_present) {
    if (!session_present) std::erase_if(messages_, [](const Message& each) { return each.is_received; });
    for (Message& message : messages_) {
      if (message.is_received) {
        client.send(mqtt::Pubrel{message.packet_identifier});
      } else {
        send(client, message, session_present);
      }
    }
  }

  // Returns the message for which the server has taken the responsibility with this packet; nullopt: it had before.
  // Then answer() follows.
  std::optional<Message> take(const mqtt::Packet& packet) {
    std::optional<Message> taken;
    if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
      const auto message = find(puback->packet_identifier);
      taken = std::move(*message);
      messages_.erase(message);
    } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
      const auto message = find(pubrec->packet_identifier);
      if (!std::exchange(message->is_received, true)) taken = *message;
    } else {
      messages_.erase(find(std::get<mqtt::Pubcomp>(packet).packet_identifier));
    }
    return taken;
  }
  static void answer(const mqtt::Packet& packet, RawMqtt& client) {
    const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet);
    if (pubrec != nullptr) client.send(mqtt::Pubrel{pubrec->packet_identifier});
  }

 private:
  static constexpr std::size_t most = 10;

  void send(RawMqtt& client, Message& message, bool dup) const {
    ++message.times_sent;
    client.send(mqtt::Publish{.topic = message.topic,
                              .payload = message.payload,
                              .qos = qos_,
                              .retain = retain_,
                              .dup = dup,
                              .packet_identifier = message.packet_identifier});
  }

  std::deque<Message>::iterator find(mqtt::PacketIdentifier packet_identifier) {
    return std::ranges::find(messages_, packet_identifier, &Message::packet_identifier);
  }

  mqtt::QoS qos_;
  bool retain_;
  std::deque<Message> messages_;
  mqtt::PacketIdentifier last_identifier_ = 0;
};

}  // namespace pubsub_mqtt::tests
