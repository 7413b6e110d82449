// What clients have asked for and what stands in memory for it, of all sessions together: what waits for pubsub, and
// publishes whose acknowledgements are withheld; and of each node how many publishes wait for pubsub. While it is too
// much, each party may have a fair share of it, so that nobody waits for what others have asked. Network thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
  // A session, and whose it is: an account, or without login an address (Peer::party). Empty: the session is a party
  // by itself, since its client comes from loopback, where behind a proxy everybody comes from.
  struct Asker {
    SessionId session = 0;
    std::string_view party = {};
  };

  // So many bytes more. Where memory runs out, nothing has changed.
  void add(const Asker& asker, std::size_t bytes, const Limits& limits);
  // They are carried out, or acknowledged. The session may be gone.
  void remove(SessionId session, std::size_t bytes, const Limits& limits) noexcept;

  // Nobody beyond a fair share may ask for more.
  bool is_full() const { return full_; }
  // Whether the session may ask for so much more. What sessions that are gone have asked counts for their party until
  // it is carried out, so that who comes and goes gains nothing.
  bool has_share(const Asker& asker, std::size_t bytes, const Limits& limits) const;
  // Returns true once after it was too much, and half of that has been carried out.
  bool has_shrunk() { return std::exchange(has_shrunk_, false); }

  // A publish, or a will, to the node of a topic HOST/TYPE/NODE, whatever its TYPE.
  void add_publish(const Asker& asker, std::string_view topic, std::size_t bytes, const Limits& limits);
  void remove_publish(SessionId session, std::string_view topic, std::size_t bytes, const Limits& limits);
  bool has_publish(std::string_view topic) const {
    return !publishes_.empty() && publishes_.find(topic) != publishes_.end();
  }

 private:
  // By name, with their bytes. No hash table: who chooses the name would choose the place in it.
  using Parties = std::map<std::string, std::size_t, std::less<>>;
  struct Asked {
    std::size_t bytes = 0;
    Parties::iterator party = {};  // end(): the session is one
  };
  // The topics of a node are equal here.
  struct NodeOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };

  Asked& find_or_add(const Asker& asker);
  // Of the party, or of the session that is one.
  std::size_t bytes_of(const Asker& asker) const;
  void count(std::string_view topic);

  std::size_t bytes_ = 0;
  Parties parties_;                             // named ones that have asked for something
  std::size_t lone_ = 0;                        // sessions that are parties, likewise
  std::unordered_map<SessionId, Asked> asked_;  // by all sessions
  bool full_ = false;
  bool has_shrunk_ = false;
  // By one of the node's topics. No hash table: who chooses the topic would choose the place in it.
  std::map<std::string, std::uint32_t, NodeOrder> publishes_;
};

}  // namespace pubsub_mqtt::session
