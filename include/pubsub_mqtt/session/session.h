// One client's protocol state after CONNECT: what it asked of pubsub and what pubsub sends it. No I/O, no clock.
//
// Requests are appended to the list that the network thread posts as a batch; packets go to the Outbox. Network thread
// only. Source: MQTT 3.1.1, chapters 3 and 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/limits.h"
#include "pubsub_mqtt/session/outbox.h"

namespace pubsub_mqtt::session {

// An application message for many sessions, encoded once.
class Message {
 public:
  Message(std::string_view topic, std::string_view payload, mqtt::QoS qos);

  mqtt::QoS qos() const { return qos_; }

  // Hands over the whole PUBLISH at QoS 0: small ones are copied, large ones shared.
  void write_qos_0(Outbox& outbox) const;
  std::size_t size() const { return packet_->size(); }

 private:
  mqtt::QoS qos_;
  std::shared_ptr<const std::string> packet_;
};

class Session {
 public:
  // `client` is for log lines: address and client identifier, printable.
  Session(SessionId id, ConnectionId connection, std::string client_identifier, std::string client,
          const Limits& limits, Outbox& outbox, std::vector<Request>& requests);

  SessionId id() const { return id_; }
  const std::string& client_identifier() const { return client_identifier_; }
  const std::string& client() const { return client_; }
  Outbox& outbox() { return outbox_; }

  // From the client.
  void subscribe(const mqtt::Subscribe& packet);
  void unsubscribe(const mqtt::Unsubscribe& packet);
  void publish(const mqtt::Publish& packet);

  // False while too many publishes wait for pubsub: read no further.
  bool takes_publishes() const;

  // From Prosody's thread.
  void reply(const SubscribeReply& reply);
  void reply(const UnsubscribeReply& reply);
  void reply(const PublishReply& reply);
  void deliver(const Message& message);

  // How many messages were dropped because the client did not read.
  std::uint64_t dropped() const { return dropped_; }

 private:
  void log(LogLevel level, std::string_view text);

  SessionId id_;
  ConnectionId connection_;
  std::string client_identifier_;
  std::string client_;
  const Limits& limits_;
  Outbox& outbox_;
  std::vector<Request>& requests_;

  std::size_t pending_publishes_ = 0;
  std::size_t pending_publish_bytes_ = 0;
  bool reading_paused_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace pubsub_mqtt::session
