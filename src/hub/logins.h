// Clients who want to act as an account, and wait for Prosody to find out whether they may. Prosody's thread only.
#pragma once

#include <deque>

#include "pubsub_mqtt/boundary/requests.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Logins {
 public:
  explicit Logins(const Shared& shared) : shared_(shared) {}

  void add(LoginRequest&& request);

  // Asks Prosody for one: a password costs milliseconds. Returns false where nobody waits.
  bool step();

 private:
  const Shared& shared_;
  std::deque<LoginRequest> waiting_;
};

}  // namespace pubsub_mqtt::hub
