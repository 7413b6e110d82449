// Subscribes to one topic, and checks each message that comes: whole, once, and in order with others of its publisher.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "connect.h"
#include "latencies.h"
#include "mqtt_client.h"
#include "payload.h"

namespace pubsub_mqtt::bench {

class Subscriber : public MqttClient {
 public:
  // Connects; subscribe() follows when connected(). Several subscribers may add to the same latencies.
  Subscriber(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level,
             const std::string& client_identifier, std::string topic, mqtt::QoS qos, std::size_t payload_size,
             Latencies& latencies, Session session = Session::clean);

  void subscribe() { MqttClient::subscribe({&topic_, 1}, qos_); }

  std::uint32_t received() const { return received_; }
  // What was wrong first; empty: nothing.
  const std::string& failure() const { return failure_; }

 private:
  void receive(std::uint8_t first_byte, std::string_view body) override;
  void acknowledge(std::string_view packet_identifier);
  void check(std::string_view payload);

  std::string topic_;
  mqtt::QoS qos_;
  std::string payload_;  // what comes, but for the stamp
  Latencies& latencies_;
  std::uint32_t received_ = 0;
  std::array<std::uint32_t, most_publishers> due_{};  // the next sequence number of each publisher
  std::string failure_;
};

}  // namespace pubsub_mqtt::bench
