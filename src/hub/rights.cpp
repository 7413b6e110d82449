#include "rights.h"

#include <algorithm>
#include <vector>

namespace pubsub_mqtt::hub {
namespace {

auto place_of(std::vector<Listeners::Right>& rights, AccountNumber account) {
  return std::lower_bound(
      rights.begin(), rights.end(), account,
      [](const Listeners::Right& right, AccountNumber number) { return right.account < number; });
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
  if (node.listeners != nullptr) {
    auto& known = node.listeners->rights;
    const auto place = place_of(known, client.account_number);
    if (place != known.end() && place->account == client.account_number) return place->may_receive;
  }
  shared_.work += work::question;
  const bool may = shared_.service.may_receive(node.host(), node.name(), client.account);
  // The answer may have come after others.
  auto& rights = node.open_listeners().rights;
  rights.insert(place_of(rights, client.account_number),
                {.account = client.account_number, .may_receive = may});
  return may;
}

void Rights::forget(Node& node) {
  if (node.listeners == nullptr) return;
  node.listeners->rights.clear();
  node.drop_unused_listeners();
}

void Rights::forget(Node& node, AccountNumber account) {
  if (node.listeners == nullptr) return;
  auto& rights = node.listeners->rights;
  const auto place = place_of(rights, account);
  if (place != rights.end() && place->account == account) rights.erase(place);
}

}  // namespace pubsub_mqtt::hub
