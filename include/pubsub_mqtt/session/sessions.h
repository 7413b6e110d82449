// All sessions, and what happens among them: who receives what, takeover, expiry, wills. No I/O, no clock. Network
// thread only.
//
// Running out of memory costs the connection for which the memory was needed, and nobody else: what is called for
// one connection may throw std::bad_alloc, and that connection is to be ended then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
#include "pubsub_mqtt/session/metrics.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/peer.h"
#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::session {

struct ClientLimits;
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

  // Items are put into the store from now on that go past pubsub, and what waits for the store waits for its commits.
  // Where there are `contents`, sessions that outlive their connection are written into it, too, and those that they
  // hold begin again: what they ask for is in the requests. Before anything else is called. `store` and its items
  // outlive this.
  void keep(store::Store& store, store::Items& items, std::optional<store::Contents>&& contents, Time now);
  // The turn ends: what has changed is posted to the store. Before the network thread waits.
  void post_changes();
  // The store may have committed something, or read it: clients are told what waited for that.
  void keep_promises();

  // For connections, which have the same limits, ask in the same order and write into the same log.
  const Limits& limits() const;
  std::vector<Request>& requests();
  std::vector<LogLine>& log();
  Refusals& refusals();
  // For whoever has something to count.
  Counters& counters();

  // Returns false where a new session that would outlive its connection is one too many. Resuming one is always
  // possible.
  bool has_place_for(const mqtt::Connect& connect, const std::string& account) const;

  // A client was accepted. Its older connection is closed first, which publishes that one's will
  // [MQTT-3.1.4-2]. Then its session is resumed or a new one begins [MQTT-3.1.2-4, MQTT-3.1.2-5,
  // MQTT-3.1.2-6]. Where this throws, its outbox is not known to anybody.
  struct Accepted {
    ConnectionId connection = 0;
    Peer peer;
    Outbox& outbox;
    std::unique_ptr<const ClientLimits> limits;  // nullptr: it speaks 3.1 or 3.1.1
  };
  struct Opened {
    Session& session;
    bool present = false;  // for CONNACK [MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]
  };
  Opened open(const mqtt::Connect& connect, std::string account, Accepted&& client);

  // A session that is stored for the client ends, with this CONNECT, or did so and that is not committed: accept() is
  // called for the connection when it is, unless it is forgotten. Returns false where there is none.
  bool awaits_end_of_stored(const mqtt::Connect& connect, const std::string& account,
                            std::string_view authentication_data, ConnectionId connection);

  // The connection is to be told of its LoginReply, until it is forgotten.
  void await_login(ConnectionId id, Connection& connection);
  void forget_login(ConnectionId id) noexcept;

  // As DISCONNECT says: for so many seconds the session is to outlive its connection, within Limits::session_expiry.
  void set_expiry(Session& session, std::uint32_t seconds);

  // CONNACK was written: what waited for the client follows.
  void resume(Session& session);

  // The connection is over. The will is published if there is one that may not wait; a session that is not to outlive
  // its connection ends. What memory does not suffice for is done by expire().
  void detach(Session& session) noexcept;

  // Returns nullptr where the session is over.
  Session* find(SessionId id) const;

  // Carries out what Prosody's thread said. Sessions that are gone are skipped.
  void handle(Delivery&& delivery);

  // Meets deadlines, forgets messages that have expired where they wait, and says how many CONNECTs were refused: call
  // it every now and then, and when the limits have changed.
  void expire(Time now);

  // Ends sessions that have had no connection for as long as they may, and publishes wills that have waited: call it at
  // the deadline. nullopt: nothing waits; it may have come nearer whenever a connection has ended.
  void meet_deadlines(Time now);
  std::optional<Time> deadline() const;

  // A connection is closed for lack of memory: said with the next expire(), when there may be some again.
  void lacked_memory() noexcept;

  // What time it is, for all that follows: messages expire, and what begins with the end of a connection counts from
  // here. Publishers that wait for a subscriber that is stuck go on. Call it before handle(), and before a connection
  // ends; connections call it whenever they are read from, and while their clients wait.
  void look(Time now);

  // Publishes the wills of all connected clients, retained ones first: the server is about to leave.
  void send_wills();

  // The server leaves: closes the connections of all sessions, with a word to clients of 5.0.
  void close_all();

  // Returns true once when clients that were not read from, since all together had asked too much of pubsub, can be
  // read from again.
  bool takes_requests_again();

  // For the administrator: a page of the sessions that are asked for, and one in full, with the first ones of its
  // filters; nullopt: it is over.
  ClientPage clients(const ClientQuery& query) const;
  std::optional<ClientDetails> client(SessionId id, std::size_t most_filters) const;
  // Looks at each session.
  Metrics metrics() const;

  std::size_t size() const;
  // In the queues of all sessions together: of those that are not stored, and of those that are.
  std::size_t queued_bytes() const;
  std::size_t stored_bytes() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace pubsub_mqtt::session
