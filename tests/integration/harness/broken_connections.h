// What becomes of who writes to a connection that the server has closed.
#pragma once

#include <csignal>

namespace pubsub_mqtt::tests {

// From now on a library that does so gets an error, and the test no signal. A handler, since what the tests start would
// inherit SIG_IGN.
inline void survive_broken_connections() {
  std::signal(SIGPIPE, [](int) {});
}

}  // namespace pubsub_mqtt::tests
