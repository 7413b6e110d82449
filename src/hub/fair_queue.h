// Who waits for a turn: next comes who will have cost least (weighted fair queueing), so what is cheap does not wait for
// what is not, however many ask for that at the same time. Prosody's thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>

namespace pubsub_mqtt::hub {

// Of a member of a FairQueue, as its `turn`; the queue's own.
struct Turn {
  std::uint64_t begin = 0;  // of the next one: counts what the ones before have cost
  std::uint64_t end = 0;    // as far as one knows
  // Of those with the same end who has asked for little comes first, then who was first.
  bool has_more = false;
  std::uint64_t number = 0;

  bool operator<(const Turn& other) const {
    return std::tie(end, has_more, number) < std::tie(other.end, other.has_more, other.number);
  }
};

// Members outlive their time in it. `work` is what the member's next turn will cost, about.
template <typename Member>
class FairQueue {
 public:
  bool empty() const { return waiting_.empty(); }
  Member& first() const { return **waiting_.begin(); }

  // The member waits from now on. Who asked for nothing meanwhile has saved nothing up.
  void join(Member& member, std::size_t work) {
    member.turn.begin = std::max(member.turn.begin, now_);
    wait(member, work, false);
  }

  // What a member that waits will ask first is something else now.
  void change(Member& member, std::size_t work) {
    waiting_.erase(&member);
    member.turn.end = member.turn.begin + work;
    waiting_.insert(&member);
  }

  // The first one's turn. It waits no longer, until it goes on or leaves.
  Member& take() {
    Member& member = *waiting_.extract(waiting_.begin()).value();
    now_ = std::max(now_, member.turn.begin);
    return member;
  }

  // The member has had its turn, and what it cost; it waits for another one.
  void go_on(Member& member, std::size_t cost, std::size_t work) {
    member.turn.begin += cost;
    wait(member, work, true);
  }

  // Or it does not. Time goes on, each who waits has had a part of it: else those who keep coming with little to ask
  // would always be before the others.
  void leave(Member& member, std::size_t cost) {
    member.turn.begin += cost;
    now_ += cost / (waiting_.size() + 1);
  }

 private:
  struct ByTurn {
    bool operator()(const Member* a, const Member* b) const { return a->turn < b->turn; }
  };

  void wait(Member& member, std::size_t work, bool has_more) {
    member.turn.end = member.turn.begin + work;
    member.turn.has_more = has_more;
    member.turn.number = ++last_number_;
    waiting_.insert(&member);
  }

  std::set<Member*, ByTurn> waiting_;
  std::uint64_t now_ = 0;  // when the turn of a member begins that asks now
  std::uint64_t last_number_ = 0;
};

}  // namespace pubsub_mqtt::hub
