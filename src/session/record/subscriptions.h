// The filters of a session that were granted, with their options (MQTT 3.1.1, 3.8 and 3.10; 5.0, 3.8.3.1): what a
// session is subscribed to, wherever its messages come from. The hub has them as well, and decides whether the session
// gets a topic; where one of them has an option, how it does is decided here. Network thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/boundary/subscription.h"
#include "record/fifo.h"
#include "record/matches.h"

namespace pubsub_mqtt::session {

class Subscriptions {
 public:
  // A SUBSCRIBE of a 5.0 client asks for it. Until set() or refuse() it counts as granted, in the place of one with the
  // same filter: messages for it may come before the answer. Answers come in the order of what was asked for; what was
  // asked for without this may be among them.
  void expect(const Subscription& subscription);
  // Granted: replaces one with the same filter [MQTT-3.8.4-3].
  void set(Subscription subscription);
  // Not granted: one with the same filter goes.
  void refuse(const Subscription& subscription);
  void erase(const TopicFilter& topic_filter);

  // They are another session's now, perhaps in another process: what was asked for is answered to nobody, and nodes
  // have other numbers. Or memory has run out, and which answers are still to come is not certain.
  void begin_again() noexcept;

  // Returns nullptr where there is none that was granted. Good until the next change.
  const Subscription* find(const TopicFilter& topic_filter) const;
  // Whether one of the filters selects the topic, which is of the form, apart from what an item's natural TYPE is.
  bool select(topic::Form form, std::string_view topic) const;
  template <typename Visit>
  void for_each(Visit&& visit) const {
    if (!all_) return;
    for (const Subscription& granted : all_->by_filter) visit(granted);
  }
  std::size_t size() const { return all_ ? all_->by_filter.size() : 0; }

  // Whether any has an option beside its QoS.
  bool have_options() const { return all_ && all_->options && all_->options->subscriptions > 0; }
  // Which filters select the node's topic of the form: those with a wildcard TYPE where it is the item's natural one.
  // Good until the next call.
  const Matches& match(NodeId node, topic::Form form, bool is_natural, std::string_view topic) const;

  // What those say together that select a topic of `$SYS`, or of an answer; nullopt: none does.
  std::optional<Match> match_of_server(std::string_view topic) const;

 private:
  using List = std::vector<Subscription>;
  // Of clients of 5.0.
  struct Options {
    Fifo<Subscription> expected;    // in the order of the SUBSCRIBEs, which is that of their answers
    std::size_t subscriptions = 0;  // that have any, granted or expected
    MatchCache matches;
  };
  // No memory before the first one, since many clients only publish.
  struct All {
    List by_filter;  // sorted by filter
    std::unique_ptr<Options> options;
  };

  All& all();
  Options& options();
  List::iterator place(const TopicFilter& topic_filter) const;
  List::iterator find_granted(const TopicFilter& topic_filter) const;
  void count(const Subscription& subscription);
  void uncount(const Subscription& subscription);
  void forget_expected(const Subscription& subscription);
  void changed();
  std::vector<const Subscription*> effective() const;
  Matches find_matches(topic::Form form, bool is_natural, std::string_view topic) const;

  std::unique_ptr<All> all_;
};

}  // namespace pubsub_mqtt::session
