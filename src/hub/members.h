// The clients that have asked for a node, in four bytes each where they have asked for the same: a filter with a wildcard
// makes every client a member of every node that it selects. Prosody's thread only.
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
  bool empty() const { return groups_.empty(); }
  bool contains(ClientNumber client) const { return find(client).has_value(); }
  // Returns nullopt where the client is none.
  std::optional<Member> find(ClientNumber client) const;

  void set(ClientNumber client, const Member& member);
  void erase(ClientNumber client);

  // A copy that stays as it is: sorted.
  std::vector<ClientNumber> clients() const;

 private:
  struct Group {
    std::uint32_t member = 0;           // what its clients have asked for, and may have
    std::vector<ClientNumber> clients;  // sorted

    bool contains(ClientNumber client) const { return std::ranges::binary_search(clients, client); }
  };
  using Groups = std::vector<Group>;

  Groups::const_iterator group_of(ClientNumber client) const;
  void insert(ClientNumber client, std::uint32_t member);
  void remove(ClientNumber client, std::uint32_t member);

  Groups groups_;  // none is empty, no two are equal
};

}  // namespace pubsub_mqtt::hub
