// One client's protocol state after CONNECT: a SessionRecord, and the connection that the client has now, if any.
// What the client asks goes to pubsub, and what pubsub sends goes to the client. No I/O, no clock.
//
// Requests are appended to the list that the network thread posts as a batch; packets go to the Outbox.
// Network thread only. Source: MQTT 3.1.1, chapters 3 and 4.
#pragma once

#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "durable/journal.h"
#include "protocol/incoming.h"
#include "protocol/meaning.h"
#include "protocol/reason_string.h"
#include "protocol/recipient.h"
#include "protocol/write_packet.h"
#include "pubsub_mqtt/base/log_line.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/session/outbox.h"
#include "record/client_limits.h"
#include "record/matches.h"
#include "record/message.h"
#include "record/selected.h"
#include "record/session_record.h"
#include "routing/shared.h"

namespace pubsub_mqtt::session {

// What a session gets with a network connection.
struct Attachment {
  ConnectionId connection = 0;
  Outbox* outbox = nullptr;                            // outlives the attachment
  std::string address;                                 // with the port
  std::unique_ptr<const std::string> party = nullptr;  // see Peer; nullptr: loopback
  mqtt::ProtocolLevel level = mqtt::ProtocolLevel::mqtt_3_1_1;
  bool is_bridge = false;
  Transport transport = Transport::tcp;
  std::unique_ptr<Will> will;  // nullptr: none
  std::unique_ptr<const ClientLimits> client_limits = nullptr;
};

// A publisher that waited for a subscriber goes on: for Waiting.
struct GoOn {
  const SessionTable& sessions;

  void operator()(SessionId publisher) const noexcept;
};

// A publisher that paused is read from again: for Pauses.
struct ReadOn {
  const SessionTable& sessions;

  void operator()(SessionId publisher) const noexcept;
};

class Session {
 public:
  // `shared` outlives this.
  Session(SessionId id, SessionRecord&& record, Shared& shared);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  SessionId id() const { return id_; }
  PublisherId publisher() const { return publisher_; }
  // What its client means by a topic.
  MeantTopic meaning(std::string_view topic) const {
    return meaning_of_topic(topic, shared_.mountpoint.get(), record_.key);
  }
  // Of what its client publishes.
  Envelope envelope(const mqtt::Publish& packet) const;
  const SessionRecord& record() const { return record_; }
  SessionRecord& record() { return record_; }
  const SessionKey& key() const { return record_.key; }
  const std::string& account() const { return record_.key.account; }
  bool has_account() const { return !account().empty(); }
  bool is_anonymous_from_loopback() const { return !has_account() && is_connected() && party_ == nullptr; }
  // Where it outlives the process; nullptr: it does not.
  Journal* journal() const { return record_.outgoing.kept() == 0 ? nullptr : shared_.journal; }
  // Whether it is kept for when its client comes back.
  bool outlives_connection() const { return record_.expiry.count() > 0; }
  // Of its newest connection, with the port; empty: an earlier process has left the session.
  const std::string& address() const { return address_; }
  // For log lines: address (of one that an earlier process has left: "stored"), client identifier and account,
  // printable.
  std::string client() const {
    return client_name(address_.empty() ? std::string_view("stored") : address_, record_.key);
  }

  // It has a network connection from here to detach(). Nothing is written before resume().
  void attach(Attachment&& attachment) noexcept;
  void detach() noexcept;
  bool is_connected() const { return recipient_.is_connected(); }
  bool is_here(ConnectionId connection) const { return is_connected() && connection == connection_; }
  // Prosody's thread knows it: it has asked for something.
  bool is_opened() const { return opened_; }
  // 0: none
  ConnectionId connection() const { return connection_; }
  Outbox* outbox() const { return recipient_.outbox(); }
  // Of a client that speaks 5.0, while it is connected; nullptr of others.
  const ClientLimits* client_limits() const { return recipient_.limits(); }
  // The client, when it was connected last.
  bool speaks_5() const { return record_.level == mqtt::ProtocolLevel::mqtt_5; }

  // CONNACK was written. What is in flight is sent again, and what was queued follows, where the session may still have
  // it.
  void resume();

  // Without a connection, since an earlier process has left it: the hub is asked for what it was subscribed to.
  void subscribe_again(std::vector<Subscription> subscriptions);

  // From the client.
  Violation receive(const mqtt::Subscribe& packet);
  Violation receive(const mqtt::Unsubscribe& packet);
  Violation receive(const mqtt::Publish& packet) { return incoming_.receive(packet); }
  Violation receive(const mqtt::Pubrel& packet) { return incoming_.receive(packet); }
  Violation receive(const mqtt::Puback& packet);
  Violation receive(const mqtt::Pubrec& packet);
  Violation receive(const mqtt::Pubcomp& packet);

  // See Incoming.
  bool takes_packets() const { return incoming_.takes_packets(); }
  bool may_ask(std::size_t bytes) { return incoming_.may_ask(bytes); }
  bool may_ask_anything() { return incoming_.may_ask_anything(); }
  bool waits_for_share() const { return incoming_.waits_for_share(); }
  // Not while its subscribers have much to read (routing/pauses.h).
  bool may_read(Time now) { return shared_.pauses.may_read(id_, now); }
  // When to ask again, or to look whether a subscriber that it waits for is stuck (routing/waiting.h); nullopt: it
  // waits for none.
  std::optional<Time> look_at() const;
  // Pubsub has not answered all that it has published.
  bool awaits_answers() const { return incoming_.awaits_answers(); }
  // It waits for no subscriber any more, or for less to be stored.
  void go_on() { incoming_.go_on(); }
  void await_room() { incoming_.await_room(); }
  void store_has_room() { incoming_.store_has_room(); }
  std::size_t withheld() const { return incoming_.withheld(); }

  // The will is asked for once; then there is none. DISCONNECT forgets it [MQTT-3.1.2-10].
  bool has_will() const { return record_.will != nullptr; }
  bool has_retained_will() const { return has_will() && record_.will->publication.envelope.retain; }
  void publish_will();
  void forget_will();

  // Without a connection: when the session is over, and when its will is to be published, which is not later
  // [MQTT5-3.1.2-8].
  Time ends_at() const;
  Time will_is_due_at() const;

  // The mount point has changed: subscribes to what the client's filters mean now, in place of what they meant.
  void follow_mountpoint();

  // From Prosody's thread.
  void reply(SubscribeReply& reply);
  void reply(UnsubscribeReply& reply);
  bool reply(PublishReply& reply) { return incoming_.reply(reply); }  // see Incoming
  // A message that the hub has selected for it, at this QoS; `is_natural`: of the item's natural TYPE. Returns false
  // where its options exclude the message: it is not for this session.
  bool deliver(const std::shared_ptr<Message>& message, mqtt::QoS qos, bool is_natural);
  // How it would receive a message as a member of the group, to whose filter it has subscribed as `match` says.
  Selected selected_by(const SharedGroup& group, const Match& match, const Message& message) const;
  // How soon it would have that. Returns nullopt where it cannot have it.
  std::optional<Standing> standing(const Message& message, const Selected& selected) const;
  // A message that was selected for it: it is sent, or waits for the client, or is dropped.
  void give(const std::shared_ptr<Message>& message, const Selected& selected);
  // What stands on a topic of `$SYS`, which its client may read: it is sent where it is subscribed to, and nothing
  // of it waits.
  void deliver_system(Message& message);
  // The answer to a request of its client's below `$pubsub/`, at QoS 0: it is for this connection, behind what that has
  // yet to take. Dropped: it is larger than the client's Maximum Packet Size.
  enum class Responded : std::uint8_t { yes, not_subscribed, dropped };
  Responded deliver_response(Publication&& response);
  // What was held for its client until it was stored (durable/promises.h).
  void tell(const HeldPublish& held);
  void tell(const HeldSuback& held) { write(held.packet, held.why); }
  void tell(const HeldAcknowledgements& /*held*/) { go_on(); }
  template <typename Packet>
  void tell(const Packet& packet) {
    write(packet);
  }
  // The session ends: it is a member of no group any more.
  void leave_groups() noexcept;
  // A batch of retained messages was delivered; others follow when they are asked for.
  void delivered_retained();

  // Runs what Prosody's thread asks for the session. Where memory runs out, the connection is closed, and the client
  // gets what it has missed when it comes back.
  template <typename Work>
  void guard(Work&& work) noexcept {
    try {
      work();
    } catch (const std::exception&) {
      fail();
    }
  }

  // The same for a message that is delivered at QoS 1 or 2. Returns false where the session outlives its connection and
  // has not got the message, which is not to be acknowledged then.
  template <typename Work>
  bool guard_delivery(Work&& work) noexcept {
    const std::size_t before = record_.outgoing.size();
    try {
      work();
      return true;
    } catch (const std::exception&) {
      fail();
    }
    return !outlives_connection() || record_.outgoing.size() > before;
  }
  // Of what pubsub publishes for it now, not all who are to have it have got it.
  void loses_publish() { incoming_.loses_publish(); }
  bool take_lost_publish() { return incoming_.take_lost_publish(); }

  // What the client sends waits, as `setting` says.
  void was_too_fast(std::string_view setting);

  // The outbox takes more again.
  void drained();

  // What waits for it and has expired goes.
  void drop_expired();
  // What waited for it in the store, as it was asked for.
  void load(store::Page&& page);

  // How many messages were dropped because the client did not take them.
  std::uint32_t dropped() const { return dropped_; }

  // For the parts of the session.
  Shared& shared() const { return shared_; }
  // Whose what it asks is.
  Backlog::Asker asker() const;
  Ticket ticket(mqtt::PacketIdentifier packet_identifier) const;
  // Makes room for one request, so that ask() cannot fail: what a request counts towards may be counted between
  // the two.
  void prepare_to_ask();
  void ask(Request&& request);
  void log(LogLevel level, std::string_view text);
  // The server is about to close the connection: a client of 5.0 is told why, in a DISCONNECT. `why` is for an
  // administrator.
  void say_goodbye(mqtt::Reason reason, std::string_view why);
  // With a reason, and in words where there are any. The session has a connection.
  template <typename Packet>
  void write(const Packet& packet, std::string_view why) {
    if (client_limits() == nullptr) return write(packet);
    write_with_reason(packet, why, *client_limits(), *outbox());
  }
  // In the form of the client's level. The session has a connection.
  template <typename Packet>
  void write(const Packet& packet) {
    write_packet(packet, *outbox(), record_.level);
  }

  // The same when what it speaks of is stored, where the session is.
  template <typename Packet>
  void write_when_stored(const Packet& packet) {
    Journal* stores = journal();
    if (stores == nullptr || !stores->must_hold(record_.outgoing.kept())) return tell(packet);
    stores->hold(record_.outgoing.kept(), packet);
  }

 private:
  enum class Grievance : std::uint8_t {
    outbound_bytes = 1,
    queue = 2,
    unknown_identifier = 4,
    refused_filter = 8,
    all_queues = 16,
    too_fast = 32,
    too_large = 64
  };
  template <typename Packet>
  Violation receive_acknowledgement(const Packet& packet, const BrokenRule& violation);
  void fail() noexcept;
  void took_from_queue(std::size_t messages, std::size_t bytes);
  void leave_waiting() noexcept;
  bool publisher_waits(const Message& message) const;
  bool publisher_pauses(const Message& message, std::size_t waiting_bytes) const;
  void announce_will();
  TopicFilter meaning_of_filter(std::string_view named) const {
    return session::meaning_of_filter(named, shared_.mountpoint.get(), record_.key);
  }
  bool is_outdated(const TopicFilter& filter) const;
  void subscribe(SubscribeRequest&& request);
  void unsubscribe(UnsubscribeRequest&& request);
  void subscribe_anew(const std::vector<Subscription>& outdated);
  bool has_options() const { return record_.is_bridge || record_.has_options; }
  void granted(Subscription&& subscription);
  bool is_known(Subscription subscription) const;
  void refused(const Subscription& subscription, bool is_of_client);
  bool takes_answer_for(std::size_t filters) const;
  bool brings_system_topics(const Subscription& subscription) const;
  bool is_one_too_many(const Subscription& subscription) const;
  bool is_for_5_alone(const TopicFilter& filter) const;
  void expect(const std::vector<Subscription>& asked);
  void forget_expected() noexcept;
  void subscriptions_changed() { record_.has_options = record_.subscriptions.have_options(); }
  bool select(const Message& message, bool is_natural, Selected& selected) const;
  bool admits(const Message& message, std::size_t waiting) const;
  bool is_member(GroupNumber group) const;
  bool may_have(const Message& message, const Selected& selected) const;
  bool may_have_again(const Message& message, const Selected& selected) const;
  bool deliver_qos_0(Message& message, const Selected& selected);
  void queue(const std::shared_ptr<Message>& message, const Selected& selected);
  void count_dropped(Dropped why, std::uint32_t messages = 1);
  void log_too_large();
  void ask_for_retained();
  void log_once(Grievance grievance, LogLevel level, std::string_view text);

  // What each message to the client asks for comes first, and so in few lines of the processor's cache.
  SessionId id_;
  Shared& shared_;
  Recipient recipient_;
  PublisherId publisher_;
  SessionRecord record_;
  ConnectionId connection_ = 0;
  std::string address_;                       // with the port
  std::unique_ptr<const std::string> party_;  // where it is neither its account nor the session itself
  Incoming incoming_;
  std::uint32_t dropped_ = 0;  // no further than that counts
  bool opened_ = false;        // see OpenSession
  bool opens_at_next_ = true;  // with what it asks for next
  bool more_retained_ = false;
  std::uint8_t logged_ = 0;  // Grievances
};

}  // namespace pubsub_mqtt::session
