#include "routing/audience.h"

#include <algorithm>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {
namespace {

bool is_before(const Audience::Member& member, SessionId session) { return member.session < session; }

}  // namespace

void Audience::change(const AudienceChange& change) {
  const auto place = std::lower_bound(members_.begin(), members_.end(), change.session, is_before);
  const bool present = place != members_.end() && place->session == change.session;
  if (present) count(place->selection, -1);
  count(change.selection, 1);
  if (change.selection.empty()) {
    if (present) members_.erase(place);
  } else if (present) {
    place->selection = change.selection;
  } else {
    members_.insert(place, {.session = change.session, .selection = change.selection});
  }
}

void Audience::count(const Selection& selection, int by) {
  for (std::size_t type = 0; type < topic::type_count; ++type) {
    if (selection.by_type[type]) named_[type] += by;
  }
  if (selection.natural) natural_ += by;
}

bool Audience::receives(SessionId session, topic::Type type) const {
  const auto place = std::lower_bound(members_.begin(), members_.end(), session, is_before);
  return place != members_.end() && place->session == session && place->selection.qos(type, type).has_value();
}

std::string Audience::topic(topic::Type type) const { return topic::make_topic(host_, type, node_); }

}  // namespace pubsub_mqtt::session
