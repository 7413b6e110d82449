// Writes what happens to sessions that outlive their connection into the store, and items that go past pubsub: all
// changes of a turn of the network thread's loop are one unit. What is promised to clients waits for its commit
// (durable/promises.h). Network thread only.
//
// A message is one row, for all sessions that keep it; the sets of such sessions are rows of their own, and written
// once for many messages. A session gets messages in the order of their numbers: its cursor tells which have left its
// queue, and each packet identifier that is in use is a row.
//
// What a session has in memory of its queue are the first ones: all up to a number. Those behind it are in the store
// alone, and read a page at a time. A row is removed when no session needs its message: at once, where all who had it
// had it in memory, and else with all rows of its audience up to the first that some session may need.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "durable/held_requests.h"
#include "durable/members.h"
#include "durable/promises.h"
#include "durable/stored_message.h"
#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/store/items.h"
#include "pubsub_mqtt/store/store.h"
#include "record/message.h"
#include "record/selected.h"
#include "record/session_key.h"
#include "record/will.h"

namespace pubsub_mqtt::session {

class Audiences;
class Session;
struct Shared;
class SharedGroups;

// The sessions for which a message is kept.
struct StoredAudience {
  store::RowNumber number = 0;
  const std::string* members_as_stored = nullptr;  // the key under which it is found
  std::vector<KeptSession> members = {};           // those that are not over
  store::Place last_place = {};                    // of its newest message
  store::RowNumber last_message = 0;               // the number of that
  store::RowNumber removed_up_to = 0;
  Turn passed_on_in = 0;  // the last one in which one of its messages was passed on; 0: none
  bool is_to_be_swept = false;
  bool is_unused = false;
};

class Journal {
 public:
  // `last_number`: the highest that the store has seen. The references outlive this.
  Journal(store::Store& store, store::Items& items, const SharedGroups& groups, const Audiences& audiences,
          store::RowNumber last_number)
      : store_(store), items_(items), groups_(groups), audiences_(audiences), last_number_(last_number) {}

  // `now`, on the store's clock.
  void set_clock(Time now) { clock_ahead_ = store_.now() - now; }
  store::WallTime stored_time(Time time) const { return time + clock_ahead_; }
  Time time_of(store::WallTime stored) const { return stored - clock_ahead_; }

  Promises& promises() { return promises_; }

  // The session has a connection, for the first time or again. Of one that ends with that, too, a later process
  // publishes the will, and passes on what its groups gave it, unless its client is in time to call the will off.
  void connected(Session& session, std::chrono::duration<std::uint16_t> keep_alive);
  // It has none any more.
  void disconnected(Session& session);
  // It is over, or does not outlive its connection any more. Its client is told after this.
  void end(Session& session);
  // The session of that name that is over, where that is not committed; 0: there is none.
  SessionId ending(const SessionKey& key) const;

  // The session does not outlive its connection, which it has now: its will does.
  void keep_will(Session& session, std::chrono::duration<std::uint16_t> keep_alive);
  // That one is not to be published.
  void forget_will(const Will& will);

  // Pubsub is asked to publish the session's will, which may be its last word; and has answered: deliveries came
  // before. One that is not over, since pubsub could not publish it now, is published by the next process.
  void publishes_will(Session& session, Will& will);
  void published_will(SessionId session, bool is_over);

  void subscribed(Session& session, const Subscription& subscription);
  void unsubscribed(Session& session, const TopicFilter& topic_filter);

  // What the session is told next waits until all is committed that others have posted so far.
  void await_posted(SessionId session) { promise(session); }

  // A message at QoS 2 that the client has published: subscribers have it; or the client has released it.
  void received(Session& session, mqtt::PacketIdentifier packet_identifier);
  void released(Session& session, mqtt::PacketIdentifier packet_identifier);

  // An item that was published by a route, with its payload as XML, is stored as mod_pubsub would store it. Where that
  // is more than can be written soon, the publisher waits for room. Returns the item's id; nullopt where pubsub must
  // see it (store/items.h).
  std::optional<std::string> store_item(const Route& route, Session& publisher, std::string element);
  // It was of a message at QoS 2 that has failed behind that: when the client sends it again, it is stored already.
  void stored_in_vain(const Session& session, mqtt::PacketIdentifier packet_identifier, std::string item);

  // A message at QoS 2 that the client has published, `dup`: perhaps again, and that pubsub is asked for, in a request
  // that waits for the commit as all behind do; and the end of that, where received() is not called.
  Intent intend(const Session& session, mqtt::PacketIdentifier packet_identifier, bool dup);
  void forget_intent(const Session& session, mqtt::PacketIdentifier packet_identifier);
  bool holds_requests(SessionId session) const { return held_requests_.has(session); }
  // So that hold_request() does not fail.
  void prepare_request(SessionId session) { held_requests_.prepare(session); }
  void hold_request(SessionId session, Request&& request);
  // Those that wait no longer, or all, are moved to the end of `into`.
  void release_requests(std::vector<Request>& into) { held_requests_.release(promises_.committed(), into); }
  void release_all_requests(std::vector<Request>& into) {
    held_requests_.release(std::numeric_limits<Turn>::max(), into);
  }

  // For Outgoing. The session keeps a message in memory, in its queue or in flight: what is returned, which is a copy
  // where the session has had a later one. Where memory runs out, it does not.
  std::shared_ptr<Message> keep(KeptSession session, const std::shared_ptr<Message>& message,
                                const Selected& selected);
  // The same in the store alone.
  void store(KeptSession session, const std::shared_ptr<Message>& message, const Selected& selected);
  // One that it keeps leaves memory, and is in the store.
  void forget_in_memory(Message& message) noexcept;
  // A message that it keeps is given a packet identifier, and has left the queue. prepare_in_flight() comes before, so
  // that this does not fail.
  void prepare_in_flight(KeptSession session, mqtt::QoS qos);
  void in_flight(KeptSession session, const Message& message, const Selected& selected,
                 mqtt::PacketIdentifier packet_identifier);
  // One that was in flight is acknowledged, or is not to be sent again.
  void acknowledged(KeptSession session, Message& message, mqtt::PacketIdentifier packet_identifier);
  // PUBREC has come for it, and later PUBCOMP.
  void received_by_client(KeptSession session, Message& message, mqtt::PacketIdentifier packet_identifier);
  void completed(KeptSession session, mqtt::PacketIdentifier packet_identifier);
  // One that was queued leaves the queue for nothing; or another session of its group gets it, in this turn.
  void dropped(KeptSession session, Message& message, bool is_passed_on = false);
  // So that so many calls of dropped() do not fail, whatever else is to be stored before it in this turn.
  void prepare_to_drop(std::size_t messages = 1);

  // What waits in the store behind what the session has in memory is asked for, unless it has been.
  void ask_for_page(KeptSession session, std::size_t messages, std::size_t bytes);
  // The client has gone, and no page is wanted any more. What the session has in memory of its queue, from this number
  // on, leaves it; 0: there is none.
  void has_gone(KeptSession session, store::RowNumber first) noexcept;
  // All sessions together have so much in memory that each is to have less.
  bool has_much_in_memory() const { return bytes_in_memory_ > many_bytes_in_memory; }
  // The pages that have been read are given to `load` with the sessions that want them. Those of a session that is over
  // go to `pass_on`, which passes on what its groups gave it.
  template <typename Load, typename PassOn>
  void take_pages(Load&& load, PassOn&& pass_on);
  // All up to this number are in memory, or were not for the session. Returns whether nothing is behind them.
  bool loaded(KeptSession session, store::RowNumber up_to);
  // The messages of a page, one after the other.
  class PageRows;
  // All up to this number of what the session that is over has left is passed on.
  void passed_on(KeptSession ended, store::RowNumber up_to);
  // Rows that nobody needs and that are still there are removed, and what ended sessions have left is passed on: where
  // memory did not suffice for that, or an earlier process has left it.
  void sweep_all();
  // Whether what its client is told waits for a commit; then `held` is told later.
  bool must_hold(KeptSession session) const { return promises_.owed(kept_[session - 1].session_id) != 0; }
  // The same for a PUBLISH: at QoS 1 it waits for none, but does not overtake one that does, or the SUBACK that comes
  // before it.
  bool must_hold_publish(KeptSession session, mqtt::QoS qos) const;
  void hold(KeptSession session, Held held);

  // Restores what an earlier process has written: first all sessions, then their audiences.
  void restore(Session& session, store::SessionRow row);
  KeptSession restore_ended(store::SessionRow row);
  void restored_will(Session& session);
  void restore(Session& session, store::IntentRow row);
  StoredAudience& restore(const store::AudienceRow& row, const store::WaitingMessages& waiting);
  // All up to this number have left the session's queue, and others wait behind them, unless there are none.
  void restored_queue(KeptSession session, store::RowNumber cursor);
  // A message that was in flight is so for one session more.
  void restored_in_flight(Message& message) { count_in_memory(message); }
  // No message has it.
  void forget(const store::AudienceRow& row);
  // Nobody knows who needs them.
  void forget(const store::WaitingMessages& messages);

  // The turn ends: its changes are posted. Where memory runs out, the turn goes on, and this is to be called again.
  void post();
  // Turns may have been committed since.
  void look();
  // Those who wait for room, where there is some now. They may be over.
  std::vector<SessionId> take_those_with_room();

 private:
  struct StoredIntent {
    std::string item;
    bool is_published = false;
  };
  using Intents = std::map<mqtt::PacketIdentifier, StoredIntent>;
  struct Kept {
    store::SessionRow row;
    Session* session = nullptr;  // nullptr: it is over, and something of it is to be passed on
    SessionId session_id = 0;
    store::RowNumber last_message = 0;  // the highest number of those that it has been given
    // What it still needs and does not have in memory is behind this. The same as the last where nothing waits in the
    // store.
    store::RowNumber loaded_up_to = 0;
    std::uint32_t page = 0;  // that was asked for; 0: none
    std::uint32_t left = 0;  // messages that have left memory, and whose rows are to be removed with others
    std::vector<StoredAudience*> audiences = {};
    Turn held_before_publish = 0;                // for which the last PUBLISH or SUBACK that was held waits
    bool has_will = false;                       // is stored
    std::unique_ptr<Intents> intents = nullptr;  // nullptr: none
  };
  using StoredAudiences = std::map<std::string, StoredAudience>;
  static constexpr std::size_t least_many_audiences = 1000;
  static constexpr std::size_t many_bytes_in_memory = 128 * MiB;
  // Numbered in this turn.
  struct NewMessage {
    std::shared_ptr<Message> message;
    std::string full_topic;  // where it is mounted
    std::string members = {};
  };

  Kept& kept(KeptSession session) { return kept_[session - 1]; }
  Kept& begin(Session& session);
  void put(const Kept& kept, bool is_new);
  void put(Kept& kept, const Will& will);
  void remove_will(Kept& kept);
  void promise(SessionId session);
  template <typename Change>
  void change(Change&& change) {
    changes_.changes.emplace_back(std::forward<Change>(change));
  }
  void number(const std::shared_ptr<Message>& message);
  std::shared_ptr<Message> give(Kept& keeper, const std::shared_ptr<Message>& message,
                                const Selected& selected);
  Member member(const Kept& kept, const Selected& selected) const;
  void let_go(Kept& kept, Message& message, bool is_passed_on = false);
  void count_in_memory(Message& message);
  void uncount_in_memory(Message& message) noexcept;
  bool has_more_of_groups(const Kept& kept) const;
  void leave_estate(Kept& kept);
  void prepare_to_remove();
  void remove(KeptSession session);
  KeptSession add(Kept kept);
  void post_new_messages();
  void put(NewMessage& added);
  StoredAudience& audience(const std::string& members);
  StoredAudience& add_audience(const std::string& members, store::RowNumber number);
  store::RowNumber needless_up_to(const Kept& kept) const;
  store::RowNumber needless_up_to(const StoredAudience& audience) const;
  store::RemoveMessagesUpTo removal(const StoredAudience& audience, store::RowNumber up_to) const;
  std::optional<store::Page> take_page();
  void to_be_swept(StoredAudience& audience);
  void sweep_audiences_of(Kept& kept);
  void sweep();
  void forget_audiences();
  void forget_ended();
  void post_changes();
  void post_page_requests();

  store::Store& store_;
  store::Items& items_;
  const SharedGroups& groups_;
  const Audiences& audiences_;
  store::RowNumber last_number_;
  Time clock_ahead_{0};
  std::vector<Kept> kept_;
  std::vector<KeptSession> free_;
  std::unordered_map<store::RowNumber, KeptSession> by_number_;
  StoredAudiences stored_audiences_;
  std::size_t many_audiences_ = least_many_audiences;  // then unused ones are looked for
  std::vector<StoredAudience*> to_be_swept_;
  std::size_t bytes_in_memory_ = 0;  // of messages, once for each session that has them
  // Asked for in this turn.
  struct PageAsked {
    KeptSession session = 0;
    std::uint32_t page = 0;
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  std::vector<PageAsked> asked_;
  std::uint32_t last_page_ = 0;
  std::vector<store::Page> pages_;  // that were read
  std::size_t taken_pages_ = 0;     // the first ones of them
  store::Unit changes_;             // of this turn, as what follows
  std::vector<store::RemoveMessage> removed_messages_;
  std::vector<NewMessage> new_messages_;
  std::size_t put_messages_ = 0;  // the first ones of them: these have their rows
  bool has_promised_ = false;
  bool has_items_ = false;
  Turn turn_ = 1;
  struct Posted {
    Turn turn = 0;
    store::CommitNumber number = 0;
  };
  std::deque<Posted> posted_;  // and not committed yet
  std::vector<SessionId> awaiting_room_;
  Promises promises_;
  HeldRequests held_requests_;
  Turn turn_of_intents_ = 0;  // of the last one
  std::mt19937_64 random_{std::random_device{}()};
  std::map<SessionKey, SessionId> ending_;  // some of which are committed
  std::size_t most_ending_ = 0;             // how many there were when those were looked for
  std::set<std::pair<SessionId, store::RowNumber>> published_wills_;  // of which pubsub has not answered yet
};

// The messages of a page, one after the other.
class Journal::PageRows {
 public:
  PageRows(Journal& journal, KeptSession session, const Shared& shared)
      : journal_(journal), kept_(journal.kept_[session - 1]), shared_(shared) {}

  // And how the session receives it. nullptr: what is stored means nothing to this version.
  std::pair<std::shared_ptr<Message>, Selected> next(const store::MessageRow& row);

 private:
  Journal& journal_;
  const Kept& kept_;
  const Shared& shared_;
  StoredAudience* audience_ = nullptr;  // of the last one
  std::optional<Member> member_;
};

template <typename Load, typename PassOn>
void Journal::take_pages(Load&& load, PassOn&& pass_on) {
  while (auto taken = take_page()) {
    store::Page& page = *taken;
    // Of its number the high half is the session's place.
    const auto place = static_cast<KeptSession>(page.number >> 32U);
    Kept& wants = kept(place);
    if (wants.page != static_cast<std::uint32_t>(page.number)) continue;
    wants.page = 0;
    if (wants.session != nullptr) {
      load(*wants.session, std::move(page));
    } else {
      pass_on(place, std::move(page));
    }
  }
}

}  // namespace pubsub_mqtt::session
