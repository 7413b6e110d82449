// An MQTT client of any version that is cheap: the server is to be measured, not the client. What it receives is cut
// at the packets' borders and not examined further than its owner needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "event_loop.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "socket.h"

namespace pubsub_mqtt::bench {

class MqttClient : public EventLoop::Watcher {
 public:
  MqttClient(EventLoop& loop, const Endpoint& endpoint, const mqtt::Connect& connect, SSL_CTX* tls = nullptr);

  bool connected() const { return connected_; }  // CONNACK was there
  bool session_present() const { return session_present_; }

  void subscribe(std::span<const std::string> topic_filters, mqtt::QoS qos);
  bool subscribed() const { return pending_subscribes_ == 0; }

  void handle(std::uint32_t events) final;

 protected:
  // A PUBLISH, or an acknowledgement: the first byte, and what follows the remaining length.
  virtual void receive(std::uint8_t first_byte, std::string_view body);

  bool has_properties() const { return level_ == mqtt::ProtocolLevel::mqtt_5; }
  // How many bytes the properties at the front of `bytes` take, with their length; 0 before MQTT 5.0.
  std::size_t properties_size(std::string_view bytes) const;

  // When bytes were last read: nanoseconds.
  std::uint64_t received_at() const { return received_at_; }

  // Bytes to append what is to be sent to, and to send them.
  std::string& unsent() { return unsent_; }
  void flush();

 private:
  void read();
  void receive_any(std::uint8_t first_byte, std::string_view body);

  EventLoop& loop_;
  mqtt::ProtocolLevel level_;
  Socket socket_;
  std::uint32_t watched_;  // epoll's events
  std::string unsent_;
  std::string partial_;  // the beginning of a packet
  std::uint64_t received_at_ = 0;
  bool connected_ = false;
  bool session_present_ = false;
  int pending_subscribes_ = 0;
};

}  // namespace pubsub_mqtt::bench
