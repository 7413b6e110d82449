// What tests of sessions do with a RawMqtt, over and over.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mqtt_client.h"
#include "raw_mqtt.h"

namespace pubsub_mqtt::tests {

inline mqtt::Connack connect(RawMqtt& client, const mqtt::Connect& packet) {
  client.send(packet);
  return client.read_packet<mqtt::Connack>();
}

// A client whose session stays when its connection goes.
inline RawMqtt with_session(std::uint16_t port, std::string_view client_identifier) {
  RawMqtt client(port);
  const auto connack = connect(client, {.clean_session = false, .client_identifier = client_identifier});
  EXPECT_EQ(connack.reason, mqtt::Reason::success);
  return client;
}

// As above, of a session that the server must have kept.
inline RawMqtt with_kept_session(std::uint16_t port, std::string_view client_identifier) {
  RawMqtt client(port);
  const auto connack = connect(client, {.clean_session = false, .client_identifier = client_identifier});
  EXPECT_EQ(connack, (mqtt::Connack{.session_present = true}));
  return client;
}

// Returns when the server knows.
inline void disconnect(RawMqtt& client) {
  client.send(mqtt::Disconnect{});
  client.wait_for_close();
}

// Ends the connection with a TCP reset.
inline void abort(RawMqtt& client) { dynamic_cast<TcpStream&>(client.stream()).abort(); }

// Returns when pubsub has decided, and the messages to its subscribers are on their way.
inline void publish(RawMqtt& client, mqtt::Publish packet) {
  if (packet.packet_identifier == 0) packet.packet_identifier = 1;
  switch (packet.qos) {
    case mqtt::QoS::at_most_once:
      client.send(packet);
      client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {"decided"}});
      client.read_packet<mqtt::Unsuback>();
      break;
    case mqtt::QoS::at_least_once:
      client.send(packet);
      EXPECT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, packet.packet_identifier);
      break;
    case mqtt::QoS::exactly_once:
      client.send(packet);
      EXPECT_EQ(client.read_packet<mqtt::Pubrec>().packet_identifier, packet.packet_identifier);
      client.send(mqtt::Pubrel{packet.packet_identifier});
      EXPECT_EQ(client.read_packet<mqtt::Pubcomp>().packet_identifier, packet.packet_identifier);
      break;
  }
}

// A PUBLISH that the server sent.
struct Received {
  std::string topic = {};
  std::string payload = {};
  mqtt::QoS qos = mqtt::QoS::at_most_once;
  bool retain = false;
  bool dup = false;
  mqtt::PacketIdentifier packet_identifier = 0;
  std::string properties = {};  // of MQTT 5.0

  std::optional<std::uint32_t> integer(mqtt::PropertyIdentifier identifier) const {
    return mqtt::Properties(properties).integer(identifier);
  }
};

// The next PUBLISH, without an answer.
inline Received receive(RawMqtt& client) {
  const auto packet = client.read_packet<mqtt::Publish>();
  return {.topic = std::string(packet.topic),
          .payload = std::string(packet.payload),
          .qos = packet.qos,
          .retain = packet.retain,
          .dup = packet.dup,
          .packet_identifier = packet.packet_identifier,
          .properties = std::string(packet.properties.encoded())};
}

// Takes a message and acknowledges it, at QoS 2 with PUBREC.
inline Message accept(RawMqtt& client, const mqtt::Publish& packet) {
  Message message{.topic = std::string(packet.topic),
                  .payload = std::string(packet.payload),
                  .qos = static_cast<int>(packet.qos),
                  .retain = packet.retain};
  const mqtt::PacketIdentifier packet_identifier = packet.packet_identifier;
  if (message.qos == 1) client.send(mqtt::Puback{packet_identifier});
  if (message.qos == 2) client.send(mqtt::Pubrec{packet_identifier});
  return message;
}

// The next message. A PUBREL on the way to it is answered.
inline Message next_message(RawMqtt& client) {
  while (true) {
    const mqtt::Packet packet = client.read();
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      client.send(mqtt::Pubcomp{pubrel->packet_identifier});
    } else {
      return accept(client, std::get<mqtt::Publish>(packet));
    }
  }
}

// All that the server had for this client until now; at QoS 1 and 2 no more than the window holds.
inline std::vector<Message> messages_so_far(RawMqtt& client) {
  client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {"messages/so/far"}});
  std::vector<Message> messages;
  while (true) {
    const mqtt::Packet packet = client.read();
    if (std::holds_alternative<mqtt::Unsuback>(packet)) return messages;
    if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
      client.send(mqtt::Pubcomp{pubrel->packet_identifier});
    } else {
      messages.push_back(accept(client, std::get<mqtt::Publish>(packet)));
    }
  }
}

// All that has waited for this client, whose session is stored and was away. It is read when the client comes, and by
// then something that was asked later is stored twice.
inline std::vector<Message> messages_waiting(RawMqtt& client) {
  std::vector<Message> messages;
  for (const char* filter : {"pubsub.localhost/utf8/waiting/1", "pubsub.localhost/utf8/waiting/2"}) {
    client.send(mqtt::Subscribe{1, {{filter, mqtt::QoS::at_most_once}}});
    while (true) {
      const mqtt::Packet packet = client.read();
      if (std::holds_alternative<mqtt::Suback>(packet)) break;
      if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
        client.send(mqtt::Pubcomp{pubrel->packet_identifier});
      } else {
        messages.push_back(accept(client, std::get<mqtt::Publish>(packet)));
      }
    }
  }
  for (auto& message : messages_so_far(client)) messages.push_back(std::move(message));
  client.send(mqtt::Unsubscribe{1, {"pubsub.localhost/utf8/waiting/1", "pubsub.localhost/utf8/waiting/2"}});
  client.read_packet<mqtt::Unsuback>();
  return messages;
}

}  // namespace pubsub_mqtt::tests
