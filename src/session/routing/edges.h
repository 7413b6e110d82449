// Which publishers wait for which subscribers. Found from both ends; empty nearly always. Network thread only.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::session {

class Edges {
 public:
  bool empty() const { return by_publisher_.empty(); }

  // Returns false where it is there already.
  bool add(SessionId publisher, SessionId subscriber);
  bool has(SessionId publisher, SessionId subscriber) const {
    return by_publisher_.contains({publisher, subscriber});
  }

  bool waits(SessionId publisher) const { return has_any(by_publisher_, publisher); }
  bool is_waited_for(SessionId subscriber) const { return has_any(by_subscriber_, subscriber); }

  // One publisher less waits for the subscriber: this one. Returns nullopt where none does.
  std::optional<SessionId> take_publisher(SessionId subscriber) noexcept;
  // One subscriber less is waited for by the publisher.
  std::optional<SessionId> take_subscriber(SessionId publisher) noexcept;

 private:
  using Pairs = std::set<std::pair<SessionId, SessionId>>;
  static bool has_any(const Pairs& pairs, SessionId first);
  static std::optional<SessionId> take(Pairs& pairs, Pairs& reversed, SessionId first) noexcept;

  Pairs by_publisher_;   // publisher, subscriber
  Pairs by_subscriber_;  // subscriber, publisher
};

}  // namespace pubsub_mqtt::session
