// The groups of shared subscriptions, `$share/GROUP/FILTER` (MQTT 5.0, 4.8.2): who is in them, and whose turn it is.
// A group is its name and its filter, for the whole server, or for an account where Limits::shared_groups says so.
// Network thread only.
//
// A message goes to one member. Who has a place for it gets it, in turn; where all who are connected are full, the one
// with the shortest queue; where nobody is connected, likewise one of those who are away.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/topic/filter_tree.h"
#include "pubsub_mqtt/topic/form.h"
#include "record/matches.h"
#include "routing/group_number.h"

namespace pubsub_mqtt::session {

// How soon a member would have a message; less is sooner.
struct Standing {
  enum class State : std::uint8_t { has_place, is_full, is_away };
  State state = State::has_place;
  std::size_t queued = 0;         // messages
  std::size_t waiting_bytes = 0;  // for its socket

  auto operator<=>(const Standing&) const = default;  // NOLINT(modernize-use-nullptr)
};

class SharedGroup {
 public:
  struct Member {
    SessionId session = 0;
    Match match;  // what its subscription says, as it was granted
  };

  // `filter` is `$share/GROUP/FILTER`, and `form` what FILTER names, if it does.
  SharedGroup(GroupNumber number, std::string filter, std::optional<topic::Form> form)
      : number_(number), form_(form), filter_(std::move(filter)) {}

  GroupNumber number() const { return number_; }
  // As its members have subscribed to it.
  const std::string& filter() const { return filter_; }
  // Which topic of an item it selects; nullopt: the natural one.
  std::optional<topic::Form> form() const { return form_; }

  bool empty() const { return members_.empty(); }
  bool has(SessionId session) const;
  void set(Member member);
  // Returns false where it was no member.
  bool erase(SessionId session) noexcept;

  // Who gets the next message. `standing_of` returns nullopt for a member who cannot have it. Returns nullopt where
  // that is everybody.
  template <typename StandingOf>
  std::optional<Member> choose(StandingOf&& standing_of) {
    const auto first = std::upper_bound(members_.begin(), members_.end(), last_, is_before);
    const Member* chosen = nullptr;
    Standing best;
    const auto look_at = [&](auto from, auto to) {
      for (auto member = from; member != to; ++member) {
        const std::optional<Standing> standing = standing_of(*member);
        if (!standing || (chosen != nullptr && *standing >= best)) continue;
        chosen = &*member;
        best = *standing;
        if (best.state == Standing::State::has_place) return true;
      }
      return false;
    };
    if (!look_at(first, members_.end())) look_at(members_.begin(), first);
    if (chosen == nullptr) return std::nullopt;
    last_ = chosen->session;
    return *chosen;
  }

 private:
  static bool is_before(SessionId session, const Member& member) { return session < member.session; }
  std::vector<Member>::iterator place(SessionId session);

  GroupNumber number_;
  std::optional<topic::Form> form_;
  std::string filter_;
  std::vector<Member> members_;  // sorted by session
  SessionId last_ = 0;           // who got the last message
};

class SharedGroups {
 public:
  // The session was granted a filter, for the first time or with other options; does nothing where it is not shared.
  // `account` is the session's.
  void join(SessionId session, const std::string& account, const Subscription& granted, GroupScope scope);
  // Does nothing where the session is in no such group. What it has not acknowledged is for the caller to give to
  // others.
  void leave(SessionId session, const std::string& account, const TopicFilter& topic_filter) noexcept;

  // Of the group that an account's member is in with that filter (TopicFilter::text); one that no group has where there
  // is none.
  GroupNumber number(const std::string& account, std::string_view topic_filter, bool is_mounted) const;

  std::size_t size() const { return groups_.size(); }

  // Returns nullptr where it has no member any more. Good until the next change.
  SharedGroup* find(GroupNumber number) const;

  // The groups whose filter selects topics of the node. Good until the next change.
  const std::vector<SharedGroup*>& selecting(NodeId node, std::string_view host, std::string_view name);
  // The node is not heard of any more.
  void forget(NodeId node) { selecting_.erase(node); }

 private:
  struct Key {
    std::optional<std::string_view> account;  // nullopt: of everybody
    std::string_view filter;                  // TopicFilter::text
    bool is_mounted = false;

    auto operator<=>(const Key&) const = default;  // NOLINT(modernize-use-nullptr)
  };
  struct StoredKey {
    explicit StoredKey(const Key& key)
        : account(key.account), filter(key.filter), is_mounted(key.is_mounted) {}
    operator Key() const {  // NOLINT(*-explicit-*)
      return {.account = account, .filter = filter, .is_mounted = is_mounted};
    }

    std::optional<std::string> account;
    std::string filter;
    bool is_mounted;
  };
  struct KeyOrder {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const { return a < b; }
  };
  // No hash table: whoever chooses the name would choose its place in it.
  using Groups = std::map<StoredKey, SharedGroup, KeyOrder>;

  static Key key_of(std::optional<std::string_view> account, const TopicFilter& filter) {
    return {.account = account, .filter = filter.text, .is_mounted = filter.is_mounted()};
  }
  Groups::iterator create(const Key& key);
  bool leave(SessionId session, const Key& key) noexcept;
  void erase(Groups::iterator group) noexcept;

  Groups groups_;
  std::unordered_map<GroupNumber, Groups::iterator> by_number_;
  topic::FilterTree filters_;  // of the groups, by number
  // By node, as far as somebody has asked since groups came or went.
  std::unordered_map<NodeId, std::vector<SharedGroup*>> selecting_;
  GroupNumber last_number_ = 0;
};

}  // namespace pubsub_mqtt::session
