#include "subscriber.h"

#include <stdexcept>
#include <utility>

#include "payload.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint8_t packet_type = 0xF0;
constexpr std::uint8_t publish = 0x30;
constexpr std::uint8_t dup_or_retain = 0x09;
constexpr std::size_t stamp_end = payload_mark.size() + stamp_size;

}  // namespace

Subscriber::Subscriber(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level,
                       const std::string& client_identifier, std::string topic, mqtt::QoS qos,
                       std::size_t payload_size, Latencies& latencies, Session session)
    : MqttClient(loop, endpoint, connect_packet(level, client_identifier, session)),
      topic_(std::move(topic)),
      qos_(qos),
      payload_(make_payload(payload_size)),
      latencies_(latencies) {
  for (std::uint32_t number = 0; number < most_publishers; ++number) due_[number] = number << publisher_shift;
}

void Subscriber::receive(std::uint8_t first_byte, std::string_view body) {
  if ((first_byte & packet_type) != publish) throw std::runtime_error("a subscriber received no PUBLISH");
  const auto qos = static_cast<std::size_t>((first_byte >> 1) & 3);
  const std::size_t header = 2 + topic_.size() + (qos == 0 ? 0 : 2);
  if (body.size() < header || body.substr(2, topic_.size()) != topic_) {
    throw std::runtime_error("a message came on another topic");
  }
  if (qos != static_cast<std::size_t>(qos_) || (first_byte & dup_or_retain) != 0) {
    throw std::runtime_error("a message came with other flags than it was sent with");
  }
  if (qos != 0) acknowledge(body.substr(header - 2, 2));
  check(body.substr(header + properties_size(body.substr(header))));
}

// Sent when all has been read.
void Subscriber::acknowledge(std::string_view packet_identifier) {
  unsent().append("\x40\x02", 2);
  unsent().append(packet_identifier);
}

void Subscriber::check(std::string_view payload) {
  if (payload.size() != payload_.size() || !payload.starts_with(payload_mark) ||
      payload.substr(stamp_end) != std::string_view(payload_).substr(stamp_end)) {
    throw std::runtime_error("a message came with another payload than it was sent with");
  }
  const Stamp stamp = read_stamp(payload.data() + payload_mark.size());
  std::uint32_t& due = due_[stamp.sequence >> publisher_shift];
  if (stamp.sequence != due && failure_.empty()) {
    failure_ =
        "message " + std::to_string(stamp.sequence) + " came where " + std::to_string(due) + " was due";
  }
  ++due;
  ++received_;
  latencies_.add(received_at() - stamp.time);
}

}  // namespace pubsub_mqtt::bench
