// The clients that have asked for a node, in eight bytes each: a filter with a wildcard makes every client a member of
// every node that it selects. Prosody's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "pubsub_mqtt/boundary/deliveries.h"

namespace pubsub_mqtt::hub {

// Stands for a client that has subscribed, while there is one: the numbers are small, and used again.
using ClientNumber = std::uint32_t;

// What a client's filters select of a node: those for itself, and those that it shares.
struct Asked {
  Selection own;
  SharedSelection shared;

  bool empty() const { return own.empty() && shared.empty(); }
  bool operator==(const Asked&) const = default;
};

struct Member {
  Asked asked;
  bool may_receive = false;  // as the network thread knows
  Asked posted() const { return may_receive ? asked : Asked{}; }
};

class Members {
 public:
  bool empty() const { return clients_.empty(); }
  bool contains(ClientNumber client) const { return find(client).has_value(); }
  // Returns nullopt where the client is none.
  std::optional<Member> find(ClientNumber client) const;

  void set(ClientNumber client, const Member& member);
  void erase(ClientNumber client);

  // A copy that stays as it is: sorted.
  std::vector<ClientNumber> clients() const { return clients_; }

 private:
  std::size_t place(ClientNumber client) const {
    return static_cast<std::size_t>(std::lower_bound(clients_.begin(), clients_.end(), client) -
                                    clients_.begin());
  }
  bool is_at(std::size_t place, ClientNumber client) const {
    return place < clients_.size() && clients_[place] == client;
  }

  std::vector<ClientNumber> clients_;   // sorted
  std::vector<std::uint32_t> members_;  // of each of them
};

}  // namespace pubsub_mqtt::hub
