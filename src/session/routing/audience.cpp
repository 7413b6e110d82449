#include "routing/audience.h"

#include <algorithm>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {
namespace {

// Returns the place behind the last one where the session is not there.
auto find(auto& sessions, SessionId session) {
  const auto place = std::lower_bound(sessions.begin(), sessions.end(), session);
  return place != sessions.end() && *place == session ? place : sessions.end();
}

}  // namespace

void Audience::change(const AudienceChange& change) {
  remove(change.session);
  if (!change.selection.empty()) add(change.selection, change.session);
}

void Audience::add(const Selection& selection, SessionId session) {
  auto group = std::find_if(groups_.begin(), groups_.end(),
                            [&](const Group& each) { return each.selection == selection; });
  if (group == groups_.end()) group = groups_.insert(group, Group{.selection = selection, .sessions = {}});
  auto& sessions = group->sessions;
  sessions.insert(std::lower_bound(sessions.begin(), sessions.end(), session), session);
  count(selection, 1);
}

void Audience::remove(SessionId session) {
  for (auto group = groups_.begin(); group != groups_.end(); ++group) {
    const auto place = find(group->sessions, session);
    if (place == group->sessions.end()) continue;
    count(group->selection, -1);
    group->sessions.erase(place);
    if (group->sessions.empty()) groups_.erase(group);
    return;
  }
}

void Audience::count(const Selection& selection, int by) {
  for (std::size_t type = 0; type < topic::type_count; ++type) {
    if (selection.by_type[type]) named_[type] += by;
  }
  if (selection.natural) natural_ += by;
}

bool Audience::receives(SessionId session, topic::Type type) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    return group.selection.qos(type, type) && find(group.sessions, session) != group.sessions.end();
  });
}

std::string Audience::topic(topic::Type type) const { return topic::make_topic(host_, type, node_); }

}  // namespace pubsub_mqtt::session
