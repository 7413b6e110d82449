// An MQTT client that does as it is told: sends any bytes, right or wrong, and reads packets one by one. From its
// CONNECT on, it speaks the level that this said.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "byte_stream.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/mqtt/packets.h"

namespace pubsub_mqtt::tests {

class RawMqtt {
 public:
  explicit RawMqtt(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}
  explicit RawMqtt(std::uint16_t port) : RawMqtt(std::make_unique<TcpStream>(port)) {}

  void send_bytes(std::string_view bytes) { stream_->send(bytes); }

  template <typename P>
  void send(const P& packet) {
    std::string bytes;
    if constexpr (std::is_same_v<P, mqtt::Connect>) {
      reader_.set_level(packet.level);
      mqtt::write(packet, bytes);
    } else {
      mqtt::write(packet, bytes, reader_.level());
    }
    stream_->send(bytes);
  }

  // The next packet; its views are good until the next one is read. Throws ConnectionClosed, TimedOut, and
  // std::runtime_error where the server sends what is no MQTT.
  mqtt::Packet read();

  // The next packet, which is a P. Throws as read() does, and where it is another packet.
  template <typename P>
  P read_packet() {
    mqtt::Packet packet = read();
    if (!std::holds_alternative<P>(packet)) throw std::runtime_error("another packet than expected");
    return std::get<P>(packet);
  }

  // CONNECT and CONNACK.
  mqtt::Reason connect(std::string_view client_identifier);

  mqtt::Reason subscribe(std::string_view topic_filter, mqtt::QoS qos = mqtt::QoS::at_most_once);

  // PINGREQ, PINGRESP: the server has dealt with all that was sent before.
  void ping();

  // Reads on, whatever comes, until the server has closed. Throws TimedOut.
  void wait_for_close();

  ByteStream& stream() { return *stream_; }

 private:
  std::unique_ptr<ByteStream> stream_;
  mqtt::PacketReader reader_{256UL * 1024 * 1024};
  std::string received_;
  std::string_view unread_;
};

// A client on plain TCP that has logged in.
RawMqtt connected(std::uint16_t port, std::string_view client_identifier);

}  // namespace pubsub_mqtt::tests
