// All sessions, and what happens among them: who receives what, takeover, expiry, wills. No I/O, no clock. Network
// thread only.
//
// Running out of memory costs the connection for which the memory was needed, and nobody else: what is called for
// one connection may throw std::bad_alloc, and that connection is to be ended then.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/client_view.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/peer.h"

namespace pubsub_mqtt::session {

class Connection;
class Refusals;
class Session;

class Sessions {
 public:
  // Requests and log lines of all sessions are appended to `requests` and `log`, which outlive this, as `limits`
  // does.
  Sessions(const Limits& limits, std::vector<Request>& requests, std::vector<LogLine>& log);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // For connections, which have the same limits, ask in the same order and write into the same log.
  const Limits& limits() const;
  std::vector<Request>& requests();
  std::vector<LogLine>& log();
  Refusals& refusals();

  // Returns false where a new session that would outlive its connection is one too many. Resuming one is always
  // possible.
  bool has_place_for(const mqtt::Connect& connect, const std::string& account) const;

  // A client was accepted. Its older connection is closed first, which publishes that one's will
  // [MQTT-3.1.4-2]. Then its session is resumed or a new one begins [MQTT-3.1.2-4, MQTT-3.1.2-5,
  // MQTT-3.1.2-6]. Where this throws, `outbox` is not known to anybody.
  struct Opened {
    Session& session;
    bool present = false;  // for CONNACK [MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]
  };
  Opened open(const mqtt::Connect& connect, std::string account, ConnectionId connection, Peer peer,
              Outbox& outbox);

  // The connection is to be told of its LoginReply, until it is forgotten.
  void await_login(ConnectionId id, Connection& connection);
  void forget_login(ConnectionId id) noexcept;

  // CONNACK was written: what waited for the client follows.
  void resume(Session& session);

  // The connection is over. The will is published if there is one; a session that was to be clean ends. What
  // memory does not suffice for is done by expire().
  void detach(Session& session) noexcept;

  // Returns nullptr where the session is over.
  Session* find(SessionId id) const;

  // Carries out what Prosody's thread said. Sessions that are gone are skipped.
  void handle(Delivery&& delivery);

  // Ends sessions that have had no connection for Limits::session_expiry, counted from the first call that
  // found them so, and says how many CONNECTs were refused: call it every now and then.
  void expire(Time now);

  // A connection is closed for lack of memory: said with the next expire(), when there may be some again.
  void lacked_memory() noexcept;

  // Publishers that wait for a subscriber that is stuck go on. Connections call it: whenever they are read from, and
  // while their clients wait.
  void look(Time now);

  // Publishes the wills of all connected clients, retained ones first: the server is about to leave.
  void send_wills();

  // Returns true once when clients that were not read from, since all together had asked too much of pubsub, can be
  // read from again.
  bool takes_requests_again();

  // Of all sessions.
  std::vector<ClientView> clients() const;

  std::size_t size() const;
  // In the queues of all sessions together, at most Limits::max_total_queued_bytes.
  std::size_t queued_bytes() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace pubsub_mqtt::session
