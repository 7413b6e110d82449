// Clients who want to act as an account, and wait for Prosody to find out whether they may. Prosody's thread only.
#pragma once

#include <deque>
#include <variant>

#include "pubsub_mqtt/boundary/requests.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Logins {
 public:
  explicit Logins(const Shared& shared) : shared_(shared) {}

  void add(LoginRequest&& request);
  void add(AuthRequest&& request);
  void add(AuthResponse&& response);
  void add(const EndAuth& end);

  // Asks Prosody for one: a password costs milliseconds. Returns false where nobody waits.
  bool step();

 private:
  using Waiting = std::variant<LoginRequest, AuthRequest, AuthResponse, EndAuth>;

  bool is_full() const;

  const Shared& shared_;
  std::deque<Waiting> waiting_;
};

}  // namespace pubsub_mqtt::hub
