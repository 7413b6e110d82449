// How often a test kills its server.
#pragma once

#include <cstdlib>

namespace pubsub_mqtt::tests {

// As often as KILLS in the environment says.
inline int kills(int by_default) {
  const char* configured = std::getenv("KILLS");
  return configured == nullptr ? by_default : std::atoi(configured);
}

}  // namespace pubsub_mqtt::tests
