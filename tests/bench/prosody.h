// The gateway in a Prosody of the bench's own. Its hosts are "localhost", whose users log in anonymously, and
// two pubsub components: "pubsub.localhost" has pubsub_mqtt, "plain.localhost" has not.
#pragma once

#include <cstdint>
#include <string>

#include "server.h"

namespace pubsub_mqtt::bench {

class Prosody : public Server {
 public:
  // Queues have their default limits, or room for what a client misses that is away.
  enum class Queues { as_by_default, large };
  // `more_settings`: global ones, as prosody.cfg.lua has them.
  explicit Prosody(Queues queues = Queues::as_by_default, const std::string& more_settings = {});

  std::uint16_t c2s_port() const { return c2s_port_.number(); }

  // Nodes that do not persist: prefix1, prefix2, ...
  void create_nodes(const std::string& prefix, int count, const std::string& host = "pubsub.localhost") const;

  struct Published {
    std::uint32_t count = 0;
    double seconds = 0;  // of the processor, in the loop
  };
  enum class Item { fresh, prebuilt };

  // The bare Lua loop over service:publish. Begins it; the descriptor is readable when it has ended.
  tests::FileDescriptor begin_publishing(const std::string& host, const std::string& node, double seconds,
                                         Item item) const;
  // Waits until it has ended.
  static Published end_publishing(const tests::FileDescriptor& loop);

 private:
  std::string configuration(Queues queues, const std::string& more_settings) const;

  tests::FreePort c2s_port_;
  tests::FreePort bench_port_;
};

inline std::string topic_of(const std::string& node) { return "pubsub.localhost/utf8/" + node; }

}  // namespace pubsub_mqtt::bench
