// One client's protocol state after CONNECT: what it asked of pubsub and what pubsub sends it. It outlives
// the network connection where the client wants that (MQTT 3.1.1, 3.1.2.4 and 4.1). No I/O, no clock.
//
// Requests are appended to the list that the network thread posts as a batch; packets go to the Outbox.
// Network thread only. Source: MQTT 3.1.1, chapters 3 and 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fifo.h"
#include "message.h"
#include "outgoing.h"
#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/limits.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/sessions.h"
#include "pubsub_mqtt/session/shared.h"
#include "received_identifiers.h"
#include "routes.h"

namespace pubsub_mqtt::session {

class Session {
 public:
  // `shared` outlives this.
  Session(SessionId id, SessionKey key, bool clean, Shared& shared);

  SessionId id() const { return id_; }
  const SessionKey& key() const { return key_; }
  const std::string& account() const { return key_.account; }
  // It ends with its connection, and nothing of it is used again [MQTT-3.1.2-6].
  bool is_clean() const { return clean_; }
  // For log lines: address, client identifier and account, printable.
  std::string client() const { return client_name(address_, key_); }

  // It has a network connection from here to detach(). Nothing is written before resume().
  void attach(const mqtt::Connect& connect, ConnectionId connection, std::string address, Outbox& outbox);
  void detach();
  bool is_connected() const { return outbox_ != nullptr; }
  // Prosody's thread knows it: it has asked for something.
  bool is_opened() const { return opened_; }
  // 0: none
  ConnectionId connection() const { return connection_; }
  Outbox* outbox() const { return outbox_; }
  // When it was first seen without a connection: set by Sessions::expire().
  std::optional<Time> offline_since;

  // CONNACK was written. What is in flight is sent again; what was queued follows where the session `may`
  // still have it.
  void resume(const std::function<bool(const Message&)>& may);

  // From the client. What is returned is what was wrong: close the connection [MQTT-4.8.0-1].
  using Violation = std::optional<std::string_view>;
  void receive(const mqtt::Subscribe& packet);
  void receive(const mqtt::Unsubscribe& packet);
  Violation receive(const mqtt::Pubrel& packet);
  Violation receive(const mqtt::Puback& packet);
  Violation receive(const mqtt::Pubrec& packet);
  Violation receive(const mqtt::Pubcomp& packet);

  // A PUBLISH from the client. First this: a duplicate is not published again [MQTT-4.3.3-2], and answered
  // when all before it is.
  bool has_received(const mqtt::Publish& packet);
  // Then: the direct way that it may take now, until the next call of anything here; nullptr: it goes to
  // pubsub.
  const Routes::Way* way(const mqtt::Publish& packet);
  // What the client sends there is for pubsub, until an answer gives it another.
  void lose_way(std::string_view topic) { routes_->erase(topic); }
  // Last, what was done with it: it goes to pubsub, or subscribers have it.
  void publish(const mqtt::Publish& packet);
  void published(const mqtt::Publish& packet);

  // False while too much waits for pubsub, and until half of that is answered: read no further.
  bool takes_packets() const { return !reading_paused_; }

  // The will [MQTT-3.1.2-8] is asked for once; then there is none. DISCONNECT forgets it [MQTT-3.1.2-10].
  bool has_retained_will() const { return will_ != nullptr && will_->retain; }
  void publish_will();
  void forget_will() { will_.reset(); }

  // From Prosody's thread.
  void reply(const SubscribeReply& reply);
  void reply(const UnsubscribeReply& reply);
  // False: close the connection, so that the client sends again what was not acknowledged.
  bool reply(PublishReply& reply);
  void deliver(const std::shared_ptr<Message>& message, mqtt::QoS qos);
  // A batch of retained messages was delivered; `more`: others follow when they are asked for.
  void delivered_retained();

  // What it sends waits, as `setting` says.
  void was_too_fast(std::string_view setting);

  // The outbox takes more again.
  void drained() { ask_for_retained(); }

  // How many messages were dropped because the client did not take them.
  std::uint64_t dropped() const { return dropped_; }

  // What is under way, for those who watch over the limits.
  const Outgoing& outgoing() const { return outgoing_; }
  const ReceivedIdentifiers& received() const { return received_; }

 private:
  enum class Grievance : std::uint8_t {
    outbound_bytes = 1,
    queue = 2,
    unknown_identifier = 4,
    refused_filter = 8,
    all_queues = 16,
    too_fast = 32
  };
  template <typename Packet>
  Violation receive_acknowledgement(const Packet& packet, std::string_view violation);
  bool is_here(ConnectionId connection) const { return is_connected() && connection == connection_; }
  // These counts may have begun anew; they are never far apart.
  bool has_answered(std::uint32_t publishes) const {
    return static_cast<std::int32_t>(publishes - answered_publishes_) <= 0;
  }
  bool acknowledge(const PublishReply& reply);
  void acknowledge(mqtt::QoS qos, mqtt::PacketIdentifier packet_identifier);
  void acknowledge_published();
  bool finish_qos_2(const PublishReply& reply);
  void deliver_qos_0(Message& message);
  void note_subscribe(std::size_t bytes);
  template <typename Request>
  void ask(Request&& request);
  bool has_asked_too_much() const;
  void request_was_answered();
  void ask_for_retained();
  void log(LogLevel level, std::string_view text);
  void log_once(Grievance grievance, LogLevel level, std::string_view text);

  SessionId id_;
  const SessionKey key_;
  Shared& shared_;
  Outbox* outbox_ = nullptr;
  ConnectionId connection_ = 0;
  std::string address_;  // with the port
  std::unique_ptr<PublishRequest> will_;

  Outgoing outgoing_;
  ReceivedIdentifiers received_;
  std::size_t pending_bytes_ = 0;  // of all that waits for pubsub
  std::uint32_t pending_publishes_ = 0;
  std::uint32_t pending_subscribes_ = 0;  // and UNSUBSCRIBEs
  std::uint32_t answered_publishes_ = 0;
  // What it counts when all that the connection has sent so far is answered.
  std::uint32_t awaited_publishes_ = 0;
  std::unique_ptr<Routes> routes_;
  // A PUBLISH that subscribers have, but that is acknowledged after those before it [MQTT-4.6.0-2,
  // MQTT-4.6.0-3].
  struct Published {
    std::uint32_t after = 0;  // so many answers of pubsub's
    mqtt::QoS qos = mqtt::QoS::at_least_once;
    mqtt::PacketIdentifier packet_identifier = 0;
  };
  Fifo<Published> published_;
  std::uint64_t dropped_ = 0;

  // What a client that speaks MQTT 3.1 asked for: its SUBACK cannot say that a filter was refused.
  struct AskedQoS {
    mqtt::PacketIdentifier packet_identifier = 0;
    std::vector<mqtt::SubackReturnCode> return_codes;
  };
  Fifo<AskedQoS> asked_;

  bool clean_;
  bool opened_ = false;        // see OpenSession
  bool opens_at_next_ = true;  // with what it asks for next
  bool speaks_3_1_ = false;
  bool reading_paused_ = false;
  bool awaits_all_answers_ = false;  // to take a direct way then
  bool more_retained_ = false;
  std::uint8_t logged_ = 0;  // Grievances
};

}  // namespace pubsub_mqtt::session
