// Which causes the log has named for which clients, so that it names each once, however often the client comes back.
// Bounded: what was named longest ago is forgotten, and may be named again. One thread at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>

namespace pubsub_mqtt {

class OncePerClient {
 public:
  explicit OncePerClient(std::size_t max_causes = 2000) : max_causes_(max_causes) {}

  // Returns true the first time. `client` is what log lines call a client: ADDRESS:PORT "IDENTIFIER" (ACCOUNT), the
  // last for clients that log in. Identifier and account tell clients apart, and the address those without identifier.
  bool is_first(std::string_view client, std::string_view cause);

 private:
  using Causes = std::set<std::string>;  // no hash table: who chooses the identifier would choose its place

  std::size_t max_causes_;
  Causes causes_;                          // with their clients
  std::deque<Causes::iterator> by_age_{};  // the oldest in front
};

}  // namespace pubsub_mqtt
