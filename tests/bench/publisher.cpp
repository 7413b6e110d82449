#include "publisher.h"

#include <algorithm>
#include <stdexcept>

#include "monotonic_time.h"
#include "payload.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::bench {
namespace {

constexpr std::uint8_t puback = 0x40;
// Bytes for one system call; the stamps are made right before it.
constexpr std::size_t bytes_a_write = 16 * 1024;

// Not 0 [MQTT-2.3.1-1].
std::uint16_t packet_identifier_of(std::uint32_t sequence) {
  return static_cast<std::uint16_t>(sequence % 65535 + 1);
}

}  // namespace

Publisher::Publisher(EventLoop& loop, const Endpoint& endpoint, mqtt::ProtocolLevel level,
                     const std::string& topic, mqtt::QoS qos, std::size_t payload_size, std::uint32_t number)
    : MqttClient(loop, endpoint, {.level = level, .client_identifier = "publisher" + std::to_string(number)}),
      qos_(qos),
      payload_size_(payload_size),
      first_sequence_(number << publisher_shift) {
  const std::string payload = make_payload(payload_size);
  mqtt::write(mqtt::Publish{.topic = topic, .payload = payload, .qos = qos, .packet_identifier = 1}, packet_,
              level);
}

void Publisher::publish_until(std::uint32_t count) {
  if (qos_ != mqtt::QoS::at_most_once) count = std::min(count, acknowledged_ + window);
  while (published_ < count && unsent().empty()) {
    while (published_ < count && unsent().size() < bytes_a_write) append_message();
    flush();
  }
}

void Publisher::append_message() {
  std::string& out = unsent();
  out.append(packet_);
  char* const payload = out.data() + out.size() - payload_size_;
  const Stamp stamp{.sequence = first_sequence_ + published_, .time = monotonic_time()};
  write_stamp(stamp, payload + payload_mark.size());
  if (qos_ != mqtt::QoS::at_most_once) {
    published_at_[published_ % window] = stamp.time;
    const std::uint16_t identifier = packet_identifier_of(published_);
    // Without properties, their length is a byte.
    char* const end = has_properties() ? payload - 1 : payload;
    end[-2] = static_cast<char>(identifier >> 8);
    end[-1] = static_cast<char>(identifier & 0xFF);
  }
  ++published_;
}

// In the order of the messages [MQTT-4.6.0-2]. A reason, which 5.0 may add, is no error: nobody subscribed yet.
void Publisher::receive(std::uint8_t first_byte, std::string_view body) {
  const std::uint16_t due = packet_identifier_of(acknowledged_);
  if (first_byte != puback || body.size() < 2 || (body.size() > 2 && (body[2] & 0x80) != 0) ||
      static_cast<std::uint8_t>(body[0]) != due >> 8 || static_cast<std::uint8_t>(body[1]) != (due & 0xFF)) {
    throw std::runtime_error("the publisher received something else than the PUBACK that was due");
  }
  if (latencies_ != nullptr) latencies_->add(received_at() - published_at_[acknowledged_ % window]);
  ++acknowledged_;
}

}  // namespace pubsub_mqtt::bench
