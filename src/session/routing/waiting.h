// Publishers at QoS 1 and 2 that wait for a subscriber whose queue is full: the rule who waits for whom. Whoever
// waits gets no PUBACK and no PUBREC, and the message stands in the subscriber's queue beyond its limits, so that
// nothing is lost that was acknowledged.
//
// - A publisher waits only for a subscriber that does not wait itself, and one that is waited for does not wait. So
//   there is no chain and no circle of waiting, and nobody waits for himself.
// - Nobody waits for a subscriber that is stuck: one that has not taken what it had queued (as much as its limits
//   let it queue) within ten seconds, so that its oldest message is older. Nor for one that takes fewer than 100
//   messages and less than 1 MiB in ten seconds, however short its queue is: else a client that acknowledges a
//   message every nine seconds would be everybody's pace. What it takes is measured from when its queue became full
//   until the queue is half empty. It is no longer stuck when it has been fast enough again, and has room.
// - Publishers that left while they waited have left messages behind. These are 1,000, or as many as the queue may
//   hold where these are more, and then nobody waits any more until the subscriber has room: else one could fill a
//   queue by leaving and coming back.
//
// No clock: what is measured begins with the first look() that finds it. Network thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "routing/edges.h"

namespace pubsub_mqtt::session {

class Waiting {
 public:
  static constexpr Time patience = std::chrono::seconds(10);
  static constexpr std::size_t least_messages = 100;
  static constexpr std::size_t least_bytes = MiB;
  static constexpr std::size_t most_left_behind = 1000;

  // What a subscriber's queue holds after it has given some away.
  struct Queue {
    std::size_t messages = 0;
    bool keeps_to_limits = true;
    bool is_half_empty = true;
  };

  // No queue is full, and none was until lately.
  bool empty() const { return subscribers_.empty(); }

  // What the subscriber's queue holds, which is full, and may hold, in messages.
  struct FullQueue {
    std::size_t messages = 0;
    std::size_t most = 0;
  };

  // A message finds the subscriber's queue full. Returns whether its publisher waits, and the message goes there
  // nevertheless. Both are connected.
  bool wait(SessionId publisher, SessionId subscriber, FullQueue queue);
  // The same where the publisher has lost its connection since: it waits for nobody, but its message, which may be
  // acknowledged on the next one without being published again (QoS 2), is left behind.
  bool leave_behind(SessionId subscriber, FullQueue queue);

  bool waits(SessionId publisher) const { return !edges_.empty() && edges_.waits(publisher); }

  // The subscriber has taken so much from its queue. `go_on` is called for each publisher that waits no longer, as
  // below.
  template <typename GoOn>
  void took(SessionId subscriber, std::size_t messages, std::size_t bytes, const Queue& left, GoOn&& go_on) {
    if (!count(subscriber, messages, bytes, left)) return;
    let_go(subscriber, go_on);
    if (left.is_half_empty) subscribers_.erase(subscriber);
  }

  // The session has no connection any more, or is over; so many messages of its own were not acknowledged yet.
  template <typename GoOn>
  void leave(SessionId session, std::size_t unacknowledged, GoOn&& go_on) {
    abandon(session, unacknowledged);
    let_go(session, go_on);
    subscribers_.erase(session);
  }

  // Whoever is found stuck is waited for no more. Call it when look_at() has come, or at any other time.
  template <typename GoOn>
  void look(Time now, GoOn&& go_on) {
    if (empty() || now < look_at_) return;
    look_at_ = now + interval;
    for (const SessionId subscriber : judge(now)) let_go(subscriber, go_on);
  }
  Time look_at() const { return look_at_; }

 private:
  static constexpr Time interval = std::chrono::seconds(1);

  struct Subscriber {
    bool is_stuck = false;
    std::size_t queued = 0;     // lately
    std::size_t most = 0;       // that its queue may hold
    std::size_t abandoned = 0;  // beyond its limits, by publishers that have left
    // What it has to take in ten seconds, and has taken.
    std::optional<Time> since = {};
    std::size_t due = 0;
    std::size_t taken = 0;
    std::size_t taken_bytes = 0;
  };

  Subscriber* find_waited_for(SessionId subscriber, FullQueue queue);
  static void measure(Subscriber& subscriber, std::optional<Time> since);
  bool count(SessionId subscriber, std::size_t messages, std::size_t bytes, const Queue& left);
  void abandon(SessionId publisher, std::size_t unacknowledged) noexcept;
  static bool becomes_stuck(Subscriber& subscriber, Time now);
  std::vector<SessionId> judge(Time now);

  template <typename GoOn>
  void let_go(SessionId subscriber, GoOn& go_on) {
    while (const auto publisher = edges_.take_publisher(subscriber)) {
      if (!edges_.waits(*publisher)) go_on(*publisher);
    }
  }

  Edges edges_;
  std::unordered_map<SessionId, Subscriber> subscribers_;  // from a full queue to one that is half empty
  Time look_at_{0};
};

}  // namespace pubsub_mqtt::session
