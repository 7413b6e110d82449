// What a client may use up in a second, of bytes or of messages: tokens come back evenly, and as many are
// kept as come in a second. One may take more than there are, and waits out the debt. A value; time is passed
// in, `rate` is tokens a second.
#pragma once

#include <chrono>
#include <cstddef>

#include "pubsub_mqtt/session/limits.h"

namespace pubsub_mqtt::session {

class TokenBucket {
 public:
  void take(std::size_t tokens, std::size_t rate, Time now);

  // Nothing is left.
  bool is_empty(Time now) const;

  // When there is enough again to be worth going on, after it was found empty.
  Time refilled_at() const;

 private:
  // When it is full again, if nothing more is taken: this alone says how much is in it.
  std::chrono::nanoseconds full_at_{0};
};

}  // namespace pubsub_mqtt::session
