// MQTT on one network connection, without the network: bytes and time in, packets and requests out.
//
// Waits for CONNECT, then drives a session. A protocol violation closes the connection, with a debug line
// that says what was wrong [MQTT-4.8.0-1]. A session may outlive it, and belongs to a newer connection then.
// Network thread only. Source: MQTT 3.1.1, chapters 3 and 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/session/limits.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/sessions.h"

namespace pubsub_mqtt::session {

class Connection {
 public:
  // `address` is the client's, for log lines. The references outlive this.
  Connection(ConnectionId id, std::string address, Time now, const Limits& limits, Sessions& sessions,
             Outbox& outbox, std::vector<Request>& requests);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // The network connection is over, unless this closed it: the will goes out.
  ~Connection();

  // Takes bytes off the front of `input`. What it leaves must be offered again after
  // Outbox::resume_reading().
  void receive(std::string_view& input, Time now);

  // When to call expire(); nothing: never, until bytes or replies came. It moves with everything received.
  std::optional<Time> deadline() const;

  // Closes the connection if the deadline has passed.
  void expire(Time now);

  // The socket has taken what was written, down to half of Limits::max_outbound_bytes.
  void drained();

  // A line for the log, with the client's address and identifier in front.
  void log(LogLevel level, std::string_view text);

 private:
  Session* session() const;
  bool outbox_is_full() const;
  bool reads() const;
  void handle(const mqtt::Packet& packet, Time now);
  void handle(Session& session, const mqtt::Packet& packet);
  void accept(const mqtt::Connect& connect);
  void disconnect(Session& session);
  void refuse(mqtt::ConnectReturnCode code, std::string_view why);
  void fail(std::string_view reason);

  ConnectionId id_;
  std::string address_;
  Time last_packet_;
  Time keep_alive_{0};
  const Limits& limits_;
  Sessions& sessions_;
  Outbox& outbox_;
  std::vector<Request>& requests_;
  mqtt::PacketReader reader_;
  SessionId session_ = 0;
  bool closed_ = false;
  bool waits_for_outbox_ = false;
};

}  // namespace pubsub_mqtt::session
