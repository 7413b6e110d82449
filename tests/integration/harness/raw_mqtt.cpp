#include "raw_mqtt.h"

namespace pubsub_mqtt::tests {

mqtt::Packet RawMqtt::read() {
  while (true) {
    auto result = reader_.read(unread_);
    if (auto* packet = std::get_if<mqtt::Packet>(&result)) return *packet;
    if (const auto* malformed = std::get_if<mqtt::Malformed>(&result)) {
      throw std::runtime_error("the server sent " + std::string(malformed->reason));
    }
    received_.resize(65536);
    const std::size_t size = stream_->receive(received_);
    if (size == 0) throw ConnectionClosed("the server closed the connection");
    unread_ = {received_.data(), size};
  }
}

mqtt::Reason RawMqtt::connect(std::string_view client_identifier) {
  mqtt::Connect packet;
  packet.client_identifier = client_identifier;
  send(packet);
  return read_packet<mqtt::Connack>().reason;
}

mqtt::Reason RawMqtt::subscribe(std::string_view topic_filter, mqtt::QoS qos) {
  send(mqtt::Subscribe{1, {{topic_filter, qos}}});
  return read_packet<mqtt::Suback>().reasons.at(0);
}

void RawMqtt::ping() {
  send(mqtt::Pingreq{});
  read_packet<mqtt::Pingresp>();
}

void RawMqtt::wait_for_close() {
  std::string ignored(65536, '\0');
  while (stream_->receive(ignored) != 0) continue;
}

RawMqtt connected(std::uint16_t port, std::string_view client_identifier) {
  RawMqtt client(port);
  const mqtt::Reason code = client.connect(client_identifier);
  if (code != mqtt::Reason::success) throw std::runtime_error("CONNECT refused");
  return client;
}

}  // namespace pubsub_mqtt::tests
