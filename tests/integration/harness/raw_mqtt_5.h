// What tests of MQTT 5.0 do with a RawMqtt, over and over.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "raw_session.h"

namespace pubsub_mqtt::tests::mqtt_5 {

using Id = mqtt::PropertyIdentifier;

inline std::string properties(std::initializer_list<mqtt::Property> list) {
  std::string encoded;
  for (const auto& property : list) mqtt::append(property, encoded);
  return encoded;
}

inline std::string user_property(std::string_view name, std::string_view value) {
  return properties({{Id::user_property, mqtt::UserProperty{name, value}}});
}

struct Will {
  std::string topic;
  std::string payload = "gone";
  std::string properties = {};
  bool retain = false;
};

struct Client {
  std::string identifier = {};
  bool clean_start = true;
  std::string properties = {};
  std::optional<Will> will = {};
  std::uint16_t keep_alive = 0;
};

inline void send_connect(RawMqtt& client, const Client& options) {
  mqtt::Connect connect{.level = mqtt::ProtocolLevel::mqtt_5,
                        .clean_session = options.clean_start,
                        .keep_alive = options.keep_alive,
                        .client_identifier = options.identifier,
                        .properties = mqtt::Properties(options.properties)};
  if (options.will) {
    connect.will = mqtt::Publish{.topic = options.will->topic,
                                 .payload = options.will->payload,
                                 .retain = options.will->retain,
                                 .properties = mqtt::Properties(options.will->properties)};
  }
  client.send(connect);
}

inline mqtt::Connack connect(RawMqtt& client, const Client& options) {
  send_connect(client, options);
  return client.read_packet<mqtt::Connack>();
}

// A client that was let in.
inline RawMqtt connected(std::uint16_t port, const Client& options, bool session_present = false) {
  RawMqtt client(port);
  const auto connack = connect(client, options);
  EXPECT_EQ(connack.reason, mqtt::Reason::success);
  EXPECT_EQ(connack.session_present, session_present);
  return client;
}

inline mqtt::Reason subscribe(RawMqtt& client, const mqtt::SubscriptionRequest& request,
                              const std::string& properties = {}) {
  client.send(mqtt::Subscribe{
      .packet_identifier = 1, .subscriptions = {request}, .properties = mqtt::Properties(properties)});
  return client.read_packet<mqtt::Suback>().reasons.at(0);
}

// The reason with which the server disconnects, whatever comes before it, and closes.
inline mqtt::Reason reason_of_disconnect(RawMqtt& client) {
  while (true) {
    const auto packet = client.read();
    const auto* disconnect = std::get_if<mqtt::Disconnect>(&packet);
    if (disconnect == nullptr) continue;
    const auto reason = disconnect->reason;
    // [MQTT5-3.14.2-2]
    EXPECT_EQ(disconnect->properties.integer(Id::session_expiry_interval), std::nullopt);
    client.wait_for_close();
    return reason;
  }
}

// Returns when the server has closed.
inline void disconnect(RawMqtt& client, mqtt::Reason reason, const std::string& properties = {}) {
  client.send(mqtt::Disconnect{reason, mqtt::Properties(properties)});
  client.wait_for_close();
}

}  // namespace pubsub_mqtt::tests::mqtt_5
