#include "routing/shared_groups.h"

#include <limits>
#include <variant>

#include "pubsub_mqtt/topic/topic.h"

namespace pubsub_mqtt::session {
namespace {

// Of a filter that was granted.
std::string_view inner_filter(std::string_view filter) { return topic::split_group(filter)->filter; }

std::optional<topic::Form> form_of(std::string_view filter, bool is_mounted) {
  const auto parsed = topic::parse_filter(inner_filter(filter));
  if (const auto* topic = std::get_if<topic::NodeTopic>(&parsed)) return topic::Form(topic->type, is_mounted);
  const auto* pattern = std::get_if<topic::NodePattern>(&parsed);
  return pattern == nullptr ? std::nullopt : pattern->form(is_mounted);
}

}  // namespace

std::vector<SharedGroup::Member>::iterator SharedGroup::place(SessionId session) {
  return std::ranges::lower_bound(members_, session, {}, &Member::session);
}

bool SharedGroup::has(SessionId session) const {
  return std::ranges::binary_search(members_, session, {}, &Member::session);
}

bool SharedGroup::set(Member member) {
  const auto found = place(member.session);
  if (found != members_.end() && found->session == member.session) {
    *found = std::move(member);
    return false;
  }
  members_.insert(found, std::move(member));
  return true;
}

bool SharedGroup::erase(SessionId session) noexcept {
  const auto found = place(session);
  if (found == members_.end() || found->session != session) return false;
  members_.erase(found);
  return true;
}

void SharedGroups::join(SessionId session, const std::string& account, const Subscription& granted,
                        GroupScope scope) {
  const auto filter = granted.topic_filter.split();
  if (!filter || !filter->is_shared()) return;
  const Key of_server = key_of(std::nullopt, granted.topic_filter);
  const Key of_account = key_of(account, granted.topic_filter);
  const bool is_of_account = scope == GroupScope::account;
  const Key& key = is_of_account ? of_account : of_server;
  Match match;
  match.add(granted);
  // The setting may have changed since the session joined.
  leave(session, is_of_account ? of_server : of_account);
  auto group = groups_.find(key);
  if (group == groups_.end()) group = create(key);
  try {
    if (group->second.set({.session = session, .match = std::move(match)})) ++members_;
  } catch (...) {
    if (group->second.empty()) erase(group);
    throw;
  }
}

SharedGroups::Groups::iterator SharedGroups::create(const Key& key) {
  while (++last_number_ == 0 || by_number_.contains(last_number_)) continue;
  const auto group = groups_
                         .try_emplace(StoredKey(key), last_number_, std::string(key.filter),
                                      form_of(key.filter, key.is_mounted))
                         .first;
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
                         const TopicFilter& topic_filter) noexcept {
  if (!topic::is_shared(topic_filter.text)) return;
  if (!leave(session, key_of(std::nullopt, topic_filter))) leave(session, key_of(account, topic_filter));
}

bool SharedGroups::leave(SessionId session, const Key& key) noexcept {
  const auto group = groups_.find(key);
  if (group == groups_.end() || !group->second.erase(session)) return false;
  --members_;
  if (group->second.empty()) erase(group);
  return true;
}

GroupNumber SharedGroups::number(const std::string& account, std::string_view topic_filter,
                                 bool is_mounted) const {
  Key key{.account = std::nullopt, .filter = topic_filter, .is_mounted = is_mounted};
  auto group = groups_.find(key);
  if (group == groups_.end()) {
    key.account = account;
    group = groups_.find(key);
  }
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
