// What waits for pubsub, of all sessions together: its bytes, whose they are, and of each node how many publishes.
// While it is too much, each session may have a fair share of it, so that nobody waits for what others have asked.
// Network thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/ticket.h"

namespace pubsub_mqtt::session {

class Backlog {
 public:
  // A SUBSCRIBE or UNSUBSCRIBE. Where memory runs out, nothing has changed.
  void add(SessionId session, std::size_t bytes, const Limits& limits);
  void remove(SessionId session, std::size_t bytes, const Limits& limits);

  bool is_full() const { return full_; }
  // Whether the session may ask for so much more. Sessions that are gone have a share, too, until what they asked is
  // carried out: else who comes and goes would get one each time.
  bool has_share(SessionId session, std::size_t bytes, const Limits& limits) const;
  // Returns true once after it was too much, and half of that has been carried out.
  bool has_shrunk() { return std::exchange(has_shrunk_, false); }

  // A publish, or a will, to the node of a topic HOST/TYPE/NODE, whatever its TYPE.
  void add_publish(SessionId session, std::string_view topic, std::size_t bytes, const Limits& limits);
  void remove_publish(SessionId session, std::string_view topic, std::size_t bytes, const Limits& limits);
  bool has_publish(std::string_view topic) const {
    return !publishes_.empty() && publishes_.find(topic) != publishes_.end();
  }

 private:
  // The topics of a node are equal here.
  struct NodeOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };

  void count(std::string_view topic);

  std::size_t bytes_ = 0;
  std::unordered_map<SessionId, std::size_t> bytes_of_;  // of those who wait for something
  bool full_ = false;
  bool has_shrunk_ = false;
  // By one of the node's topics. No hash table: who chooses the topic would choose the place in it.
  std::map<std::string, std::uint32_t, NodeOrder> publishes_;
};

}  // namespace pubsub_mqtt::session
