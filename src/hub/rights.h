// Which accounts may receive which node: Prosody is asked once for an account and a node, and again when it has said
// that something changed. Prosody's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "client.h"
#include "nodes.h"
#include "shared.h"

namespace pubsub_mqtt::hub {

class Rights {
 public:
  explicit Rights(const Shared& shared) : shared_(shared) {}

  // Never another account's in the life of a core.
  AccountNumber number(std::string_view account);

  bool may_receive(Node& node, const Client& client) const;

  // Something has changed: for all accounts, or for one of them.
  static void forget(Node& node);
  static void forget(Node& node, AccountNumber account);

 private:
  const Shared& shared_;
  // No hash table: whoever chooses the account would choose its place in it.
  std::map<std::string, AccountNumber, std::less<>> numbers_;
};

}  // namespace pubsub_mqtt::hub
