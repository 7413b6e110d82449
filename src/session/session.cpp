#include "pubsub_mqtt/session/session.h"

#include <utility>

#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::session {
namespace {

// Below this a copy into the connection's buffer is cheaper than a segment of its own in the system call.
constexpr std::size_t copied_packet_size = 2048;

std::size_t size_of(const PublishRequest& request) { return request.topic.size() + request.payload.size(); }

}  // namespace

Message::Message(std::string_view topic, std::string_view payload, mqtt::QoS qos) : qos_(qos) {
  std::string packet;
  packet.reserve(topic.size() + payload.size() + 8);
  mqtt::write(mqtt::Publish{.topic = topic, .payload = payload}, packet);
  packet_ = std::make_shared<const std::string>(std::move(packet));
}

void Message::write_qos_0(Outbox& outbox) const {
  if (packet_->size() <= copied_packet_size) {
    outbox.write(*packet_);
  } else {
    outbox.write(packet_);
  }
}

Session::Session(SessionId id, ConnectionId connection, std::string client_identifier, std::string client,
                 const Limits& limits, Outbox& outbox, std::vector<Request>& requests)
    : id_(id),
      connection_(connection),
      client_identifier_(std::move(client_identifier)),
      client_(std::move(client)),
      limits_(limits),
      outbox_(outbox),
      requests_(requests) {}

void Session::subscribe(const mqtt::Subscribe& packet) {
  SubscribeRequest request{
      .session = id_, .connection = connection_, .packet_identifier = packet.packet_identifier, .filters = {}};
  request.filters.reserve(packet.subscriptions.size());
  for (const auto& subscription : packet.subscriptions) {
    request.filters.push_back({.topic_filter = std::string(subscription.topic_filter), .qos = subscription.qos});
  }
  requests_.emplace_back(std::move(request));
}

void Session::unsubscribe(const mqtt::Unsubscribe& packet) {
  requests_.emplace_back(
      UnsubscribeRequest{.session = id_,
                         .connection = connection_,
                         .packet_identifier = packet.packet_identifier,
                         .topic_filters = {packet.topic_filters.begin(), packet.topic_filters.end()}});
}

void Session::publish(const mqtt::Publish& packet) {
  PublishRequest request{.session = id_,
                         .topic = std::string(packet.topic),
                         .payload = std::string(packet.payload),
                         .qos = packet.qos,
                         .retain = packet.retain,
                         .packet_identifier = packet.packet_identifier};
  ++pending_publishes_;
  pending_publish_bytes_ += size_of(request);
  reading_paused_ = !takes_publishes();
  requests_.emplace_back(std::move(request));
}

bool Session::takes_publishes() const {
  return pending_publishes_ < limits_.max_pending_publishes &&
         pending_publish_bytes_ < limits_.max_pending_publish_bytes;
}

void Session::reply(const SubscribeReply& reply) {
  if (reply.connection != connection_) return;
  std::string packet;
  mqtt::write(mqtt::Suback{.packet_identifier = reply.packet_identifier, .return_codes = reply.return_codes}, packet);
  outbox_.write(packet);
}

void Session::reply(const UnsubscribeReply& reply) {
  if (reply.connection != connection_) return;
  std::string packet;
  mqtt::write(mqtt::Unsuback{.packet_identifier = reply.packet_identifier}, packet);
  outbox_.write(packet);
}

void Session::reply(const PublishReply& reply) {
  --pending_publishes_;
  pending_publish_bytes_ -= reply.bytes;
  // Half empty before we read on: a resume per message would be a system call per message.
  if (reading_paused_ && pending_publishes_ <= limits_.max_pending_publishes / 2 &&
      pending_publish_bytes_ <= limits_.max_pending_publish_bytes / 2) {
    reading_paused_ = false;
    outbox_.resume_reading();
  }
}

void Session::deliver(const Message& message) {
  const std::size_t waiting = outbox_.waiting_bytes();
  // A message is always admitted to an empty queue, whatever its size (docs/mapping.md, "Sessions").
  if (waiting > 0 && waiting + message.size() > limits_.max_outbound_bytes) {
    if (dropped_++ == 0) {
      log(LogLevel::warn,
          "reads more slowly than its subscriptions deliver: QoS 0 messages beyond mqtt_max_outbound_bytes are dropped "
          "until it catches up");
    }
    return;
  }
  message.write_qos_0(outbox_);
}

void Session::log(LogLevel level, std::string_view text) {
  requests_.emplace_back(LogLine{.level = level, .text = client_ + ": " + std::string(text)});
}

}  // namespace pubsub_mqtt::session
