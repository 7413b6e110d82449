// Publishers that are not read from for a moment, since a subscriber that gets their messages at QoS 0 has much to
// read: the rule how long. It takes a burst to the subscriber whole where that reads, and lets no slow one slow
// others down for long.
//
// - A publisher pauses while a subscriber that it feeds has more than half of Limits::max_outbound_bytes before it
//   and takes some of that, for at most 100 ms of each second. Nobody pauses for himself.
// - What publishers had on their way before they paused (through pubsub, or read at the same time) still gets to the
//   subscriber, within twice the limit; and beyond that, while less than Limits::max_pending_bytes stands before all
//   such subscribers together: many publishers may have a few large messages each on their way.
// - One that has taken nothing while a publisher paused is not paused for again until it has less than half before
//   it.
//
// No clock: the publisher's connection tells the time when it would read. Network thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>

#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "routing/edges.h"

namespace pubsub_mqtt::session {

class Pauses {
 public:
  static constexpr Time longest = std::chrono::milliseconds(100);
  static constexpr Time interval = std::chrono::seconds(1);

  // A message of the publisher's meets a subscriber with so many bytes before it, which are with the message more than
  // half of what it may have. Returns whether the publisher pauses for it.
  bool pause(SessionId publisher, SessionId subscriber, std::size_t waiting_bytes);

  // The subscriber has as many bytes before it now, with the message.
  void wrote(SessionId subscriber, std::size_t waiting_bytes);

  // Before all subscribers with more than half together, as they were last written to.
  std::size_t waiting_bytes() const { return waiting_bytes_; }

  bool empty() const { return publishers_.empty() && subscribers_.empty(); }

  // Whether the publisher may be read from. Where it has paused for long enough, it may from now on.
  bool may_read(SessionId publisher, Time now) {
    return publishers_.empty() || may_read_known(publisher, now);
  }

  // When to read from the publisher again at the latest; nullopt: it does not pause.
  std::optional<Time> deadline(SessionId publisher) const {
    return publishers_.empty() ? std::nullopt : deadline_of_known(publisher);
  }

  // The subscriber has less than half before it again. `read_on` is called for each publisher that pauses no longer,
  // as below.
  template <typename ReadOn>
  void drained(SessionId subscriber, ReadOn&& read_on) {
    const auto crowded = subscribers_.find(subscriber);
    if (crowded == subscribers_.end()) return;
    waiting_bytes_ -= crowded->second.waiting_bytes;
    subscribers_.erase(crowded);
    while (const auto publisher = edges_.take_publisher(subscriber)) {
      if (!edges_.waits(*publisher)) read_on(*publisher);
    }
  }

  // The session has no connection any more, or is over.
  template <typename ReadOn>
  void leave(SessionId session, ReadOn&& read_on) {
    while (edges_.take_subscriber(session)) continue;
    publishers_.erase(session);
    drained(session, read_on);
  }

 private:
  // Since when it pauses, and how much of its time in this second it has used for that.
  struct Publisher {
    std::optional<Time> since = {};
    Time second{0};
    Time used{0};
  };
  struct Subscriber {
    std::size_t waiting_bytes = 0;  // when it was written to
    bool is_on_trial = false;       // a publisher has paused for it as long as one may
    bool takes = true;
  };

  bool may_read_known(SessionId publisher, Time now);
  std::optional<Time> deadline_of_known(SessionId publisher) const;

  Edges edges_;
  std::unordered_map<SessionId, Publisher> publishers_;
  std::unordered_map<SessionId, Subscriber> subscribers_;  // with more than half before them
  std::size_t waiting_bytes_ = 0;                          // of all of them
};

}  // namespace pubsub_mqtt::session
