#include "record/matches.h"

#include <algorithm>

namespace pubsub_mqtt::session {
namespace {

void add_to(std::optional<Match>& match, const Subscription& subscription) {
  if (!match) match.emplace();
  match->add(subscription);
}

// Of the string on the heap, with what counts its owners.
std::size_t bytes_of_identifiers(const std::optional<Match>& match) {
  constexpr std::size_t around = 64;
  return match && match->identifiers != nullptr ? around + match->identifiers->capacity() : 0;
}

}  // namespace

void Match::add(const Subscription& subscription) {
  qos = std::max(qos, subscription.qos);
  retain_as_published = retain_as_published || subscription.retain_as_published;
  if (subscription.identifier == 0) return;
  std::string all = identifiers == nullptr ? std::string() : *identifiers;
  mqtt::append(
      {.identifier = mqtt::PropertyIdentifier::subscription_identifier, .value = subscription.identifier},
      all);
  identifiers = std::make_shared<const std::string>(std::move(all));
}

void Matches::add(const Subscription& subscription) {
  is_selected = true;
  add_to(of_others, subscription);
  if (!subscription.no_local) add_to(of_its_own, subscription);
}

std::size_t Matches::bytes() const {
  constexpr std::size_t in_hash_table = 128;
  return in_hash_table + bytes_of_identifiers(of_others) + bytes_of_identifiers(of_its_own);
}

}  // namespace pubsub_mqtt::session
