// All sessions, by identifier and by client identifier, and the audience of each node. No I/O, no clock.
// Network thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/requests.h"
#include "pubsub_mqtt/session/limits.h"
#include "pubsub_mqtt/session/outbox.h"
#include "pubsub_mqtt/session/session.h"

namespace pubsub_mqtt::session {

class Sessions {
 public:
  // Requests of all sessions are appended to `requests`, which outlives this.
  Sessions(const Limits& limits, std::vector<Request>& requests);
  ~Sessions();

  // A client was accepted. Another one with the same client identifier is disconnected first [MQTT-3.1.4-2]; an empty
  // identifier gets a unique one [MQTT-3.1.3-6]. `address` is for log lines.
  Session& open(std::string_view client_identifier, ConnectionId connection, std::string_view address, Outbox& outbox);
  void close(Session& session);

  // The session, or nullptr when it is over.
  Session* find(SessionId id) const;

  // Carries out what Prosody's thread said. Sessions that are gone are skipped.
  void handle(const Delivery& delivery);

 private:
  struct Audience;

  void carry_out(const NodeOpened& opened);
  void carry_out(const AudienceChange& change);
  void carry_out(const NodeClosed& closed);
  void carry_out(const ItemPublished& item);
  void carry_out(const SubscribeReply& reply);
  void carry_out(const UnsubscribeReply& reply);
  void carry_out(const PublishReply& reply);

  // The place of a session in slots_ is the low half of its identifier, how often the place was used the high half:
  // found without a search, and never mistaken for its successor.
  struct Slot {
    std::uint32_t uses = 0;
    std::unique_ptr<Session> session;
  };
  SessionId take_slot();

  const Limits& limits_;
  std::vector<Request>& requests_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::unordered_map<std::string, Session*> by_client_identifier_;
  std::unordered_map<NodeId, Audience> audiences_;
};

}  // namespace pubsub_mqtt::session
