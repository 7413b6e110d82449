// Writes what happens to sessions that outlive their connection into the store: all changes of a turn of the network
// thread's loop are one unit. What is promised to clients waits for its commit (durable/promises.h). Network thread
// only.
//
// A message is one row, for all sessions that keep it; the sets of such sessions are rows of their own, and written
// once for many messages. A session gets messages in the order of their numbers: its cursor tells which have left its
// queue, and each packet identifier that is in use is a row.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durable/held_requests.h"
#include "durable/members.h"
#include "durable/promises.h"
#include "durable/stored_message.h"
#include "pubsub_mqtt/base/time.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/store/store.h"
#include "record/message.h"
#include "record/selected.h"
#include "record/will.h"

namespace pubsub_mqtt::session {

class Audiences;
class Session;
class SharedGroups;

// The sessions for which a message is kept. `messages` of those that are stored name it.
struct StoredAudience {
  store::RowNumber number = 0;
  std::size_t messages = 0;
};

class Journal {
 public:
  // `last_number`: the highest that the store has seen. The references outlive this.
  Journal(store::Store& store, const SharedGroups& groups, const Audiences& audiences,
          store::RowNumber last_number)
      : store_(store), groups_(groups), audiences_(audiences), last_number_(last_number) {}

  // How far the wall clock is ahead of the clock that is never set back.
  void set_wall_clock(Time ahead) { wall_ahead_ = ahead; }
  store::WallTime wall(Time time) const { return time + wall_ahead_; }
  Time monotonic(store::WallTime time) const { return time - wall_ahead_; }

  Promises& promises() { return promises_; }

  // The session has a connection, for the first time or again.
  void connected(Session& session, std::chrono::duration<std::uint16_t> keep_alive);
  // It has none any more.
  void disconnected(Session& session);
  // It is over, or does not outlive its connection any more. Its client is told after this.
  void end(Session& session);

  // The session does not outlive its connection, which it has now: its will does.
  void keep_will(Session& session, std::chrono::duration<std::uint16_t> keep_alive);
  // That one is not to be published.
  void forget_will(const Will& will);

  // Pubsub is asked to publish the session's will, which may be its last word; and has answered: deliveries came
  // before.
  void publishes_will(Session& session, Will& will);
  void published_will(SessionId session);

  void subscribed(Session& session, const Subscription& subscription);
  void unsubscribed(Session& session, const TopicFilter& topic_filter);

  // What the session is told next waits until all is committed that others have posted so far.
  void await_posted(SessionId session) { promise(session); }

  // A message at QoS 2 that the client has published: subscribers have it; or the client has released it.
  void received(Session& session, mqtt::PacketIdentifier packet_identifier);
  void released(Session& session, mqtt::PacketIdentifier packet_identifier);

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

  // For Outgoing. The session keeps a message, in its queue or in flight: what is returned, which is a copy where
  // the session has had a later one.
  std::shared_ptr<Message> keep(KeptSession session, const std::shared_ptr<Message>& message,
                                const Selected& selected);
  // A message that it keeps is given a packet identifier, and has left the queue.
  void in_flight(KeptSession session, const Message& message, const Selected& selected,
                 mqtt::PacketIdentifier packet_identifier);
  // One that was in flight is acknowledged, or is not to be sent again.
  void acknowledged(KeptSession session, Message& message, mqtt::PacketIdentifier packet_identifier);
  // PUBREC has come for it, and later PUBCOMP.
  void received_by_client(KeptSession session, Message& message, mqtt::PacketIdentifier packet_identifier);
  void completed(KeptSession session, mqtt::PacketIdentifier packet_identifier);
  // One that was queued leaves the queue for nothing.
  void dropped(Message& message);
  // Whether what its client is told waits for a commit; then `held` is told later.
  bool must_hold(KeptSession session) const { return promises_.owed(kept_[session - 1].session_id) != 0; }
  // The same for a PUBLISH: at QoS 1 it waits for none, but does not overtake one that does, or the SUBACK that comes
  // before it.
  bool must_hold_publish(KeptSession session, mqtt::QoS qos) const;
  void hold(KeptSession session, Held held);

  // Restores what an earlier process has written.
  void restore(Session& session, store::SessionRow row, store::RowNumber last_message);
  void restored_will(Session& session);
  void restore(Session& session, store::IntentRow row);
  StoredAudience& restore(const store::AudienceRow& row);
  void restore(Message& message, store::RowNumber number, StoredAudience& audience);
  // No session needs it any more.
  void forget(const store::MessageRow& row);

  // The turn ends: its changes are posted. Where memory runs out, the turn goes on, and this is to be called again.
  void post();
  // Turns may have been committed since.
  void look();

 private:
  struct StoredIntent {
    std::string item;
    bool is_published = false;
  };
  using Intents = std::map<mqtt::PacketIdentifier, StoredIntent>;
  struct Kept {
    store::SessionRow row;
    Session* session = nullptr;
    SessionId session_id = 0;
    store::RowNumber last_message = 0;           // the highest number of those that it has been given
    Turn held_before_publish = 0;                // for which the last PUBLISH or SUBACK that was held waits
    bool has_will = false;                       // is stored
    std::unique_ptr<Intents> intents = nullptr;  // nullptr: none
  };
  using StoredAudiences = std::map<std::string, StoredAudience>;
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
  Member member(const Kept& kept, const Selected& selected) const;
  void let_go(Message& message);
  void post_new_messages();
  void put(NewMessage& added);
  StoredAudience& audience(const std::string& members);
  void forget_audiences();

  store::Store& store_;
  const SharedGroups& groups_;
  const Audiences& audiences_;
  store::RowNumber last_number_;
  Time wall_ahead_{0};
  std::vector<Kept> kept_;
  std::vector<KeptSession> free_;
  StoredAudiences stored_audiences_;
  std::size_t unused_audiences_ = 0;
  store::Unit changes_;  // of this turn, as what follows
  std::vector<NewMessage> new_messages_;
  std::size_t put_messages_ = 0;  // the first ones of them: these have their rows
  bool has_promised_ = false;
  Turn turn_ = 1;
  struct Posted {
    Turn turn = 0;
    store::CommitNumber number = 0;
  };
  std::deque<Posted> posted_;  // and not committed yet
  Promises promises_;
  HeldRequests held_requests_;
  Turn turn_of_intents_ = 0;  // of the last one
  std::mt19937_64 random_{std::random_device{}()};
  std::set<std::pair<SessionId, store::RowNumber>> published_wills_;  // of which pubsub has not answered yet
};

}  // namespace pubsub_mqtt::session
