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
  if (!change.selection.empty() || !change.shared.empty()) add(change);
}

void Audience::add(const AudienceChange& change) {
  auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& each) {
    return each.selection == change.selection && each.shared == change.shared;
  });
  if (group == groups_.end()) {
    group =
        groups_.insert(group, Group{.selection = change.selection, .shared = change.shared, .sessions = {}});
  }
  auto& sessions = group->sessions;
  sessions.insert(std::lower_bound(sessions.begin(), sessions.end(), change.session), change.session);
  count(*group, 1);
}

void Audience::remove(SessionId session) {
  for (auto group = groups_.begin(); group != groups_.end(); ++group) {
    const auto place = find(group->sessions, session);
    if (place == group->sessions.end()) continue;
    count(*group, -1);
    group->sessions.erase(place);
    if (group->sessions.empty()) groups_.erase(group);
    return;
  }
}

void Audience::count(const Group& group, int by) {
  const auto& [selection, shared, _] = group;
  for (std::size_t form = 0; form < topic::form_count; ++form) {
    if (selection.by_form[form] || shared.by_form[form]) named_[form] += by;
  }
  if (selection.natural || shared.natural) natural_ += by;
  if (!shared.empty()) sharing_ += by;
}

bool Audience::receives(SessionId session, topic::Form form) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    return group.selection.qos(form, form.type) && find(group.sessions, session) != group.sessions.end();
  });
}

bool Audience::shares(SessionId session) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    return !group.shared.empty() && find(group.sessions, session) != group.sessions.end();
  });
}

std::string Audience::topic(topic::Form form) const { return topic::make_topic(host_, form.type, node_); }

}  // namespace pubsub_mqtt::session
