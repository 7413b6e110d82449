#include "routing/shared_groups.h"

#include <limits>
#include <variant>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {
namespace {

// Of a filter that was granted.
std::string_view inner_filter(std::string_view filter) { return topic::split_group(filter)->filter; }

std::optional<topic::Form> form_of(std::string_view filter) {
  const auto parsed = topic::parse_filter(inner_filter(filter));
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) return topic->type;
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  return pattern == nullptr ? std::nullopt : std::optional<topic::Form>(pattern->type);
}

}  // namespace

std::vector<SharedGroup::Member>::iterator SharedGroup::place(SessionId session) {
  return std::ranges::lower_bound(members_, session, {}, &Member::session);
}

bool SharedGroup::has(SessionId session) const {
  return std::ranges::binary_search(members_, session, {}, &Member::session);
}

void SharedGroup::set(Member member) {
  const auto found = place(member.session);
  if (found != members_.end() && found->session == member.session) {
    *found = std::move(member);
  } else {
    members_.insert(found, std::move(member));
  }
}

bool SharedGroup::erase(SessionId session) noexcept {
  const auto found = place(session);
  if (found == members_.end() || found->session != session) return false;
  members_.erase(found);
  return true;
}

void SharedGroups::join(SessionId session, const std::string& account, const Subscription& granted,
                        GroupScope scope) {
  const auto filter = topic::split_group(granted.topic_filter);
  if (!filter || !filter->is_shared()) return;
  const Key of_server{.account = std::nullopt, .filter = granted.topic_filter};
  const Key of_account{.account = account, .filter = granted.topic_filter};
  const bool is_of_account = scope == GroupScope::account;
  const Key& key = is_of_account ? of_account : of_server;
  Match match;
  match.add(granted);
  // The setting may have changed since the session joined.
  leave(session, is_of_account ? of_server : of_account);
  auto group = groups_.find(key);
  if (group == groups_.end()) group = create(key);
  try {
    group->second.set({.session = session, .match = std::move(match)});
  } catch (...) {
    if (group->second.empty()) erase(group);
    throw;
  }
}

SharedGroups::Groups::iterator SharedGroups::create(const Key& key) {
  while (++last_number_ == 0 || by_number_.contains(last_number_)) continue;
  const auto group =
      groups_.try_emplace(StoredKey(key), last_number_, std::string(key.filter), form_of(key.filter)).first;
  try {
    by_number_.emplace(last_number_, group);
    filters_.insert(inner_filter(key.filter), last_number_);
  } catch (...) {
    erase(group);
    throw;
  }
  selecting_.clear();
  return group;
}

void SharedGroups::erase(Groups::iterator group) noexcept {
  filters_.erase(inner_filter(group->second.filter()), group->second.number());
  by_number_.erase(group->second.number());
  selecting_.clear();
  groups_.erase(group);
}

// The setting may have changed since the session joined.
void SharedGroups::leave(SessionId session, const std::string& account,
                         std::string_view topic_filter) noexcept {
  if (!topic::is_shared(topic_filter)) return;
  if (!leave(session, {.account = std::nullopt, .filter = topic_filter})) {
    leave(session, {.account = account, .filter = topic_filter});
  }
}

bool SharedGroups::leave(SessionId session, const Key& key) noexcept {
  const auto group = groups_.find(key);
  if (group == groups_.end() || !group->second.erase(session)) return false;
  if (group->second.empty()) erase(group);
  return true;
}

GroupNumber SharedGroups::number(const std::string& account, std::string_view topic_filter) const {
  auto group = groups_.find(Key{.account = std::nullopt, .filter = topic_filter});
  if (group == groups_.end()) group = groups_.find(Key{.account = account, .filter = topic_filter});
  return group == groups_.end() ? std::numeric_limits<GroupNumber>::max() : group->second.number();
}

SharedGroup* SharedGroups::find(GroupNumber number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : &found->second->second;
}

const std::vector<SharedGroup*>& SharedGroups::selecting(NodeId node, std::string_view host,
                                                         std::string_view name) {
  const auto [place, is_new] = selecting_.try_emplace(node);
  if (!is_new) return place->second;
  try {
    for (const auto number : filters_.match(host, name)) {
      place->second.push_back(find(static_cast<GroupNumber>(number)));
    }
  } catch (...) {
    selecting_.erase(place);
    throw;
  }
  return place->second;
}

}  // namespace pubsub_mqtt::session
