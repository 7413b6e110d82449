// All sessions, by identifier and by client, and the audience of each node. No I/O, no clock. Network thread
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/burst_warning.h"
#include "pubsub_mqtt/session/client_view.h"
#include "pubsub_mqtt/session/limits.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/shared.h"

namespace pubsub_mqtt::session {

class Audience;
class Connection;
class Message;
class Session;

// What makes two clients the same.
struct SessionKey {
  std::string account;  // empty: without login
  std::string client_identifier;

  bool operator==(const SessionKey&) const = default;
};

// For log lines: `address` has the port.
std::string client_name(std::string_view address, std::string_view client_identifier);
std::string client_name(std::string_view address, const SessionKey& key);

// For a set of sessions in which one is found by its key.
struct SessionKeyHash {
  using is_transparent = void;
  std::size_t operator()(const SessionKey& key) const;
  std::size_t operator()(const Session* session) const;
};
struct SessionKeyEqual {
  using is_transparent = void;
  bool operator()(const Session* session, const Session* other) const;
  bool operator()(const SessionKey& key, const Session* session) const;
};

class Sessions {
 public:
  // Requests of all sessions are appended to `requests`, which outlives this.
  Sessions(const Limits& limits, std::vector<Request>& requests);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // For connections, which have the same limits and ask in the same order.
  const Limits& limits() const { return shared_.limits; }
  std::vector<Request>& requests() { return shared_.requests; }

  // False: a new session that would outlive its connection is one too many. Resuming one is always possible.
  bool has_place_for(const mqtt::Connect& connect, const std::string& account) const;

  // A CONNECT was refused. Of each reason, of which there are a few, one line and a count are logged a
  // minute, and the others at debug level: whoever can connect, can be refused as often as he likes.
  void log_refusal(Time now, LogLevel level, const std::string& client, std::string_view reason);

  // A client was accepted. Its older connection is closed first, which publishes that one's will
  // [MQTT-3.1.4-2]. Then its session is resumed or a new one begins [MQTT-3.1.2-4, MQTT-3.1.2-5,
  // MQTT-3.1.2-6]. `address` has the port.
  struct Opened {
    Session& session;
    bool present = false;  // for CONNACK [MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]
  };
  Opened open(const mqtt::Connect& connect, std::string account, ConnectionId connection, std::string address,
              Outbox& outbox);

  // The connection is to be told of its LoginReply, until it is forgotten.
  void await_login(ConnectionId id, Connection& connection) { logging_in_.emplace(id, &connection); }
  void forget_login(ConnectionId id) { logging_in_.erase(id); }

  // CONNACK was written: what waited for the client follows.
  void resume(Session& session);

  // The connection is over. The will is published if there is one; a session that was to be clean ends.
  void detach(Session& session);

  // The session, or nullptr when it is over.
  Session* find(SessionId id) const;

  // From a client: straight to the subscribers where its session has an open Route, else to pubsub.
  void publish(Session& session, const mqtt::Publish& packet);

  // Carries out what Prosody's thread said. Sessions that are gone are skipped.
  void handle(Delivery&& delivery);

  // Ends sessions that have had no connection for Limits::session_expiry, counted from the first call that
  // found them so, and says how many CONNECTs were refused: call it every now and then.
  void expire(Time now);

  // Publishes the wills of all connected clients, retained ones first: the server is about to leave.
  void send_wills();

  // False while the publishes of all clients that wait for pubsub are too many bytes: nobody is read from.
  bool takes_requests() const { return !shared_.backlog.is_full(); }
  // True once after that has passed.
  bool takes_requests_again() { return shared_.backlog.has_shrunk(); }

  // Of all sessions.
  std::vector<ClientView> clients() const;

  std::size_t size() const { return slots_.size() - free_slots_.size(); }
  // In the queues of all sessions together, at most Limits::max_total_queued_bytes.
  std::size_t queued_bytes() const { return shared_.queued_bytes; }

 private:
  void carry_out(const LoginReply& reply);
  void carry_out(const CloseAccount& account);
  void carry_out(const CloseHost& host);
  void carry_out(const CloseConnection& connection);
  void carry_out(NodeOpened& opened);
  void carry_out(const AudienceChange& change);
  void carry_out(const NodeClosed& closed);
  void carry_out(ItemPublished& item);
  void carry_out(RetainedMessages& retained);
  void carry_out(const SubscribeReply& reply);
  void carry_out(const UnsubscribeReply& reply);
  void carry_out(PublishReply& reply);

  bool publish_directly(Session& session, const mqtt::Publish& packet);
  Session* take_over(const SessionKey& key);
  Session& create(SessionKey&& key, bool clean);
  void close(Session& session);
  void disconnect(Session& session, std::string_view why);
  bool may_have(const Session& session, const Message& message) const;
  void log(const Session& session, LogLevel level, std::string_view text);

  // The place of a session in slots_ is the low half of its identifier, how often the place was used the high
  // half: found without a search, and never mistaken for its successor.
  struct Slot {
    std::uint32_t uses = 0;
    std::unique_ptr<Session> session;
  };
  SessionId take_slot();

  Shared shared_;
  std::unordered_map<std::string, std::size_t> stored_;  // sessions that outlive their connection, by account
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::unordered_set<Session*, SessionKeyHash, SessionKeyEqual> by_key_;  // those with a client identifier
  std::unordered_map<NodeId, Audience> audiences_;
  std::unordered_map<ConnectionId, Connection*> logging_in_;
  std::map<std::string, BurstWarning, std::less<>> refusals_;  // by reason
};

}  // namespace pubsub_mqtt::session
