#include "record/matches.h"

#include <algorithm>

namespace pubsub_mqtt::session {
namespace {

void add_to(std::optional<Match>& match, const Subscription& subscription) {
  if (!match) match.emplace();
  match->qos = std::max(match->qos, subscription.qos);
  match->retain_as_published = match->retain_as_published || subscription.retain_as_published;
  if (subscription.identifier == 0) return;
  std::string identifiers = match->identifiers == nullptr ? std::string() : *match->identifiers;
  mqtt::append(
      {.identifier = mqtt::PropertyIdentifier::subscription_identifier, .value = subscription.identifier},
      identifiers);
  match->identifiers = std::make_shared<const std::string>(std::move(identifiers));
}

}  // namespace

void Matches::add(const Subscription& subscription) {
  is_selected = true;
  add_to(of_others, subscription);
  if (!subscription.no_local) add_to(of_its_own, subscription);
}

}  // namespace pubsub_mqtt::session
