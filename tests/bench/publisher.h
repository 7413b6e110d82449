// Publishes stamped messages to one topic, as fast as it may.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "latencies.h"
#include "mqtt_client.h"

namespace pubsub_mqtt::bench {

class Publisher : public MqttClient {
 public:
  // Of several at a time each has a `number` of its own, below most_publishers.
  Publisher(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level, const std::string& topic,
            mqtt::QoS qos, std::size_t payload_size, std::uint32_t number = 0);

  // From each PUBLISH at QoS 1 to its PUBACK, from now on.
  void measure_acknowledgements(Latencies& latencies) { latencies_ = &latencies; }

  // Bytes of each PUBLISH.
  std::size_t packet_size() const { return packet_.size(); }

  // Publishes until so many were published since the beginning, or the socket is full, or, at QoS 1, `window`
  // messages are unacknowledged.
  void publish_until(std::uint32_t count);
  static constexpr std::uint32_t window = 50;

  // Those that have not left this process are counted, too.
  std::uint32_t published() const { return published_; }
  std::uint32_t acknowledged() const { return acknowledged_; }
  bool all_sent() { return unsent().empty(); }

 private:
  void receive(std::uint8_t first_byte, std::string_view body) override;
  void append_message();

  std::string packet_;
  mqtt::QoS qos_;
  std::size_t payload_size_;
  std::uint32_t first_sequence_;
  std::uint32_t published_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::array<std::uint64_t, window> published_at_{};  // of those that are unacknowledged
  Latencies* latencies_ = nullptr;
};

}  // namespace pubsub_mqtt::bench
