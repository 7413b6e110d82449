#include "mqtt_client.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "monotonic_time.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::bench {
namespace {

// 2.2.1, the packet types
constexpr std::uint8_t connack = 0x20;
constexpr std::uint8_t suback = 0x90;

struct Cut {
  std::uint8_t first_byte;
  std::string_view body;
};

struct Length {
  std::size_t bytes;  // that it counts
  std::size_t size;   // of itself
};

// 3.1.1, 2.2.3; 5.0, 1.5.5. Returns nullopt where the last digit is missing.
std::optional<Length> read_length(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 4; ++i) {
    const auto digit = static_cast<std::uint8_t>(bytes[i]);
    length |= static_cast<std::size_t>(digit & 0x7F) << (7 * i);
    if ((digit & 0x80) == 0) return Length{length, i + 1};
  }
  return std::nullopt;
}

// Takes a whole packet off the front; nothing where there is none.
std::optional<Cut> cut_packet(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto length = read_length(bytes.substr(1));
  if (!length || bytes.size() < 1 + length->size + length->bytes) return std::nullopt;
  const Cut cut{static_cast<std::uint8_t>(bytes[0]), bytes.substr(1 + length->size, length->bytes)};
  bytes.remove_prefix(1 + length->size + length->bytes);
  return cut;
}

bool is_refusal(char reason) { return (static_cast<std::uint8_t>(reason) & 0x80) != 0; }

}  // namespace

MqttClient::MqttClient(EventLoop& loop, const Endpoint& endpoint, const mqtt::Connect& connect, SSL_CTX* tls)
    : loop_(loop), level_(connect.level), socket_(endpoint, tls), watched_(EPOLLIN) {
  mqtt::write(connect, unsent_);
  loop_.watch(socket_.fd(), watched_, *this);
  flush();  // on loopback the connection stands already
}

void MqttClient::subscribe(std::span<const std::string> topic_filters, mqtt::QoS qos) {
  mqtt::Subscribe packet{.packet_identifier = 1, .subscriptions = {}};
  for (const std::string& filter : topic_filters) {
    packet.subscriptions.push_back({.topic_filter = filter, .qos = qos});
  }
  mqtt::write(packet, unsent_, level_);
  ++pending_subscribes_;
  flush();
}

void MqttClient::handle(std::uint32_t events) {
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) read();
  flush();
}

void MqttClient::read() {
  const std::span<char> buffer = loop_.buffer();
  std::copy(partial_.begin(), partial_.end(), buffer.begin());
  const std::size_t size = socket_.read(buffer.subspan(partial_.size()));
  received_at_ = monotonic_time();
  std::string_view bytes(buffer.data(), partial_.size() + size);
  while (const std::optional<Cut> packet = cut_packet(bytes)) receive_any(packet->first_byte, packet->body);
  partial_ = bytes;
}

void MqttClient::receive_any(std::uint8_t first_byte, std::string_view body) {
  if (first_byte == connack) {
    if (body.size() < 2 || body[1] != 0) {
      throw std::runtime_error("CONNECT was refused");
    }
    connected_ = true;
    session_present_ = body[0] != 0;
  } else if (first_byte == suback) {
    const std::string_view reasons = body.substr(2 + properties_size(body.substr(2)));
    if (std::ranges::any_of(reasons, is_refusal)) throw std::runtime_error("a SUBSCRIBE was refused");
    --pending_subscribes_;
  } else {
    receive(first_byte, body);
  }
}

std::size_t MqttClient::properties_size(std::string_view bytes) const {
  if (!has_properties()) return 0;
  const auto length = read_length(bytes);
  if (!length || bytes.size() < length->size + length->bytes) {
    throw std::runtime_error("a packet came without its properties");
  }
  return length->size + length->bytes;
}

void MqttClient::receive(std::uint8_t, std::string_view) {
  throw std::runtime_error("a packet came that nobody had asked for");
}

void MqttClient::flush() {
  std::size_t sent = 0;
  while (sent < unsent_.size()) {
    const std::size_t size = socket_.write(std::string_view(unsent_).substr(sent));
    if (size == 0) break;
    sent += size;
  }
  unsent_.erase(0, sent);
  const std::uint32_t wanted = unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  if (wanted != watched_) loop_.change(socket_.fd(), watched_ = wanted, *this);
}

}  // namespace pubsub_mqtt::bench
