// What clients are told only when that of which it speaks is stored: packets wait here for the commit. Network thread
// only.
//
// Who has a promise outstanding is told whatever comes after it in the same order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "durable/stored_message.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "record/selected.h"

namespace pubsub_mqtt::session {

class Message;

// A PUBLISH at QoS 2, in flight, or one at QoS 1 behind it.
struct HeldPublish {
  std::shared_ptr<Message> message;
  Selected selected;
  mqtt::PacketIdentifier packet_identifier = 0;
  bool dup = false;
};
struct HeldSuback {
  mqtt::Suback packet;
  std::string why;
};
// A CONNECT that has ended a stored session, of which its client is told when that is so.
struct HeldConnect {
  std::string account;
  std::string authentication_data;
};
// PUBACKs and PUBRECs stand in the session itself (protocol/withheld.h).
struct HeldAcknowledgements {};

using Held = std::variant<HeldAcknowledgements, HeldPublish, HeldSuback, mqtt::Unsuback, mqtt::Pubrel,
                          mqtt::Pubcomp, HeldConnect>;

class Promises {
 public:
  struct Waiting {
    Turn turn = 0;
    SessionId session = 0;
    ConnectionId connection = 0;
    Held held;
  };

  // What the session is told from now on waits for this turn.
  void promise(SessionId session, Turn turn) {
    Turn& last = turns_[session];
    last = std::max(last, turn);
    last_promised_ = std::max(last_promised_, turn);
  }
  // Returns the turn that must be committed before the session is told anything; 0: none.
  Turn owed(SessionId session) const { return committed_ >= last_promised_ ? 0 : owed_by_known(session); }
  bool is_committed(Turn turn) const { return turn <= committed_; }
  Turn committed() const { return committed_; }
  // Until what the session is owed is committed.
  void hold(SessionId session, ConnectionId connection, Held held);

  // All turns up to this are committed. Then what waited for them is to be taken.
  void committed(Turn turn);
  // The first that waits no longer, in the order of hold(); nullopt: there is none.
  std::optional<Waiting> take();

 private:
  Turn owed_by_known(SessionId session) const;

  Turn committed_ = 0;
  Turn last_promised_ = 0;
  std::unordered_map<SessionId, Turn> turns_;  // a few that are committed may be among them
  std::size_t most_turns_ = 0;                 // how many there were when those were looked for
  std::deque<Waiting> held_;
};

}  // namespace pubsub_mqtt::session
