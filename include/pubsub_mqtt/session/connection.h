// MQTT on one network connection, without the network: bytes and time in, packets and requests out.
//
// Waits for CONNECT, has Prosody check who the client is, then drives a session. A client that gives neither
// a user name nor a certificate with names acts without login, where Limits::anonymous lets it in. A protocol
// violation closes the connection, with a debug line that says what was wrong [MQTT-4.8.0-1]; a client of 5.0 is told
// the same in CONNACK or DISCONNECT. A session may outlive it, and belongs to a newer connection then. Network thread
// only. Source: MQTT 3.1.1 and 5.0, chapters 3 and 4.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/token_bucket.h"
#include "pubsub_mqtt/boundary/certificate_names.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "pubsub_mqtt/mqtt/reason.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/peer.h"
#include "pubsub_mqtt/session/sessions.h"

namespace pubsub_mqtt::session {

class Authentication;
struct BrokenRule;
struct Newcomer;
struct Refusal;

class Connection {
 public:
  // The references outlive this.
  Connection(ConnectionId id, Peer peer, Time now, Sessions& sessions, Outbox& outbox);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // The network connection is over, unless this closed it: the will goes out.
  ~Connection();

  // The client is another than whoever has connected, or more is known of it. Before receive().
  void set_peer(Peer peer);
  // The TLS handshake is done, and the client's certificate was verified. Before receive().
  void set_certificate(CertificateNames names);
  // The host that the client has named with TLS (SNI); empty: none. Before receive().
  void set_server_name(std::string_view name);

  // The client, which has not sent CONNECT yet, is not read from for a while, and its time to connect does not run.
  void stop_clock(Time now);
  void start_clock(Time now);

  // Takes bytes off the front of `input`. What it leaves must be offered again after
  // Outbox::resume_reading().
  void receive(std::string_view& input, Time now);

  // Whether the client may act as an account, and as which; or how its exchange goes on.
  void receive(const LoginReply& reply) noexcept;
  void receive(const AuthReply& reply) noexcept;
  // The session that its CONNECT ends is stored no more.
  void stored_session_ended(std::string account, const std::string& authentication_data) noexcept;

  // When to call expire(); nullopt: not before bytes or replies have come. It moves with everything received,
  // and is earlier than it was while a client that sends too fast is not read from, or has to wait for subscribers.
  std::optional<Time> deadline() const;

  // Closes the connection if the deadline has passed, or reads on.
  void expire(Time now);

  // The version that the client speaks, while it has a session: between CONNACK and the end.
  std::optional<mqtt::ProtocolLevel> level_of_client() const;
  // As granted to it then; 0: it may be silent for ever.
  std::chrono::seconds keep_alive() const { return keep_alive_; }

  // The socket has taken what was written, down to half of Limits::max_outbound_bytes.
  void drained();

  // The network connection ends for a reason, one of a few, that an administrator can mend: a line for the log, and
  // how many such connections there were when their minute is over.
  void log_mendable(std::string_view reason, Time now);

  // A line for the log, with the client's address and identifier in front.
  void log(LogLevel level, std::string_view text);
  // One of how connections begin and end, at the level that mqtt_log_connections gives these.
  void log_connection(std::string_view text);

 private:
  const Limits& limits() const { return sessions_.limits(); }
  Session* session() const;
  bool is_logging_in() const;
  bool awaits_reply() const;
  bool outbox_is_full() const;
  // `own` is session().
  bool reads(const Session* own) const;
  bool may_ask(Session* own, std::string_view input) const;
  bool is_paused_until(Time now) const;
  std::optional<Time> time_limit() const;
  std::optional<Time> exchange_limit() const;
  void count(std::size_t bytes, const mqtt::ReadResult& result, Time now);
  bool is_too_fast(Time now);
  TokenRate byte_rate() const;
  TokenRate message_rate() const;
  bool is_slowed_down() const { return reads_again_at_ != Time::zero(); }
  void handle(const mqtt::Packet& packet, Time now);
  void handle_before_connack(const mqtt::Packet& packet);
  void handle(Session& session, const mqtt::Packet& packet);
  void disconnect(Session& session, const mqtt::Disconnect& packet);
  void refuse(const Refusal& refusal);
  void write_refusal(mqtt::Reason reason, std::string_view why);
  void fail(const mqtt::Malformed& malformed, Time now);
  void fail(const BrokenRule& broken);
  void close(const BrokenRule& broken);
  std::string name() const;
  void end() noexcept;

  // The login: protocol/connection_login.cpp.
  void receive(mqtt::Connect connect);
  LoginClient login_client() const;
  void ask_to_log_in(const mqtt::Connect& connect);
  void authenticate(const mqtt::Connect& connect, std::string_view method);
  void receive(const mqtt::Auth& auth);
  template <typename Work>
  void guard(Work&& work) noexcept;
  void handle_exchange(const AuthReply& reply);
  void write_auth(mqtt::Reason reason, std::string_view data);
  void end_exchange() noexcept;
  void decide_login(const LoginReply& reply);
  void accept(const mqtt::Connect& connect, std::string account, std::string_view authentication_data = {});

  ConnectionId id_;
  std::chrono::duration<std::uint16_t> keep_alive_{0};
  bool is_loopback_;
  bool closed_ = false;
  bool waits_for_outbox_ = false;
  bool is_not_read_ = false;                        // what it sends now
  std::unique_ptr<Newcomer> newcomer_;              // until CONNECT is accepted
  std::unique_ptr<Authentication> authentication_;  // where CONNECT has named a method
  Time last_packet_;
  Sessions& sessions_;
  Outbox& outbox_;
  mqtt::PacketReader reader_;
  SessionId session_ = 0;
  TokenBucket received_bytes_;
  TokenBucket received_messages_;
  Time reads_again_at_{0};  // it was too fast; 0: it was not
};

}  // namespace pubsub_mqtt::session
