#include "rights.h"

#include <algorithm>
#include <vector>

namespace pubsub_mqtt::hub {
namespace {

auto place_of(std::vector<Node::Right>& rights, AccountNumber account) {
  return std::lower_bound(
      rights.begin(), rights.end(), account,
      [](const Node::Right& right, AccountNumber number) { return right.account < number; });
}

}  // namespace

AccountNumber Rights::number(std::string_view account) {
  const auto known = numbers_.find(account);
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<AccountNumber>(numbers_.size());
  numbers_.emplace(account, number);
  return number;
}

bool Rights::may_receive(Node& node, const Client& client) const {
  auto place = place_of(node.rights, client.account_number);
  if (place != node.rights.end() && place->account == client.account_number) return place->may_receive;
  shared_.work += work::question;
  const bool may = shared_.service.may_receive(node.host, node.name, client.account);
  // The answer may have come after others.
  place = place_of(node.rights, client.account_number);
  node.rights.insert(place, {.account = client.account_number, .may_receive = may});
  return may;
}

void Rights::forget(Node& node, AccountNumber account) {
  const auto place = place_of(node.rights, account);
  if (place != node.rights.end() && place->account == account) node.rights.erase(place);
}

}  // namespace pubsub_mqtt::hub
