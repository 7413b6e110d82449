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
  // Lua text for prosody.cfg.lua, in addition.
  struct Configuration {
    std::string global = {};
    std::string component = {};  // of "pubsub.localhost"
  };
  explicit Prosody(Queues queues = Queues::as_by_default) : Prosody(queues, Configuration()) {}
  Prosody(Queues queues, const Configuration& configuration);

  std::uint16_t c2s_port() const { return c2s_port_.number(); }

  // Nodes that do not persist: prefix1, prefix2, ...
  void create_nodes(const std::string& prefix, int count, const std::string& host = "pubsub.localhost") const;

  // Nodes as mod_pubsub makes them, which persist, but for max_items: 20 is its own.
  void create_persisting_nodes(const std::string& prefix, int count, int max_items) const;

  // The same, and so many items of each, written to where pubsub finds them when it starts again.
  void store_nodes(const std::string& prefix, int count, int max_items, const std::string& host) const;
  void store_items(const std::string& prefix, int count, int items, const std::string& host) const;

  struct Published {
    std::uint32_t count = 0;
    double seconds = 0;  // that Prosody's thread had the processor, in the loop
  };
  enum class Item { fresh, prebuilt };

  // The bare Lua loop over service:publish. Begins it; the descriptor is readable when it has ended.
  tests::FileDescriptor begin_publishing(const std::string& host, const std::string& node, double seconds,
                                         Item item) const;
  // Waits until it has ended.
  static Published end_publishing(const tests::FileDescriptor& loop);

 private:
  std::string text_of(Queues queues, const Configuration& configuration) const;
  void create(const std::string& what) const;
  void store(const std::string& what) const;

  tests::FreePort c2s_port_;
  tests::FreePort bench_port_;
};

// A component's storage: in the gateway's own store, as many items of a node as it wants.
inline const Prosody::Configuration on_the_store{.component = R"(  storage = "pubsub_mqtt"
  pubsub_max_items = 1000000000
)"};

inline std::string topic_of(const std::string& node) { return "pubsub.localhost/utf8/" + node; }

}  // namespace pubsub_mqtt::bench
