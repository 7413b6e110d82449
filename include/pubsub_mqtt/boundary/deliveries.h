// What Prosody's thread tells the network thread: answers, and who receives what. Plain values. Their order
// is a promise: an AudienceChange that withdraws a right stands before every item that was accepted after the
// withdrawal (docs/mapping.md, "Rights").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pubsub_mqtt/boundary/publication.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/boundary/subscription.h"
#include "pubsub_mqtt/boundary/ticket.h"
#include "pubsub_mqtt/mqtt/reason.h"
#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/mountpoint.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt {

struct LoginReply {
  ConnectionId connection = 0;
  mqtt::Reason reason = mqtt::Reason::server_unavailable;
  std::string account;  // bare JID, normalised, on success
};

// To an AuthRequest or an AuthResponse. With continue_authentication the exchange goes on; otherwise it is over.
struct AuthReply {
  ConnectionId connection = 0;
  mqtt::Reason reason = mqtt::Reason::server_unavailable;
  std::string data = {};     // Authentication Data, at most 65,535 bytes; empty: none
  std::string account = {};  // bare JID, normalised, on success
};

// All connections of an account are closed. Where it was deleted, its sessions end, too, and their wills are
// not published.
struct CloseAccount {
  std::string account;
  bool was_deleted = false;
};

// The same for all accounts of an XMPP host that has gone. Their sessions stay.
struct CloseHost {
  std::string host;
};

// The administrator closes a session's connection.
struct CloseConnection {
  SessionId session = 0;
};

// The same, and ends the session.
struct EndSession {
  SessionId session = 0;
};

struct SubscribeReply {
  Ticket ticket;
  std::vector<Subscription> subscriptions;  // of the request
  std::vector<mqtt::Reason> results;        // one for each of them
  std::string reason_string = {};           // why the first of them was refused, in words; empty: none was
  bool may_read_system = false;  // the client's account, the topics of `$SYS`, of which some are among them
};

struct UnsubscribeReply {
  Ticket ticket;
  std::vector<TopicFilter> topic_filters;  // of the request
};

struct PublishReply {
  enum class Outcome : std::uint8_t {
    accepted,
    refused,  // for good: acknowledged and dropped, as [MQTT-3.3.5-2] allows
    failed,   // for now: the client must send again
  };
  Ticket ticket;
  Outcome outcome = Outcome::accepted;
  // What a 5.0 client is told, and in words: success, no_matching_subscribers, or why it was refused. Where it failed,
  // why the connection is closed.
  mqtt::Reason reason = mqtt::Reason::success;
  std::string reason_string = {};
  std::string topic;           // of the request
  std::size_t mounted_at = 0;  // likewise
  // The item or the retained message was posted to the store: it is not acknowledged before that is committed.
  bool awaits_commit = false;
  // How the session may publish to `topic` from now on, while the route is open; nullptr: as before.
  std::shared_ptr<const Route> route = nullptr;
  // The answer to what the client has asked for below `$pubsub/`, for the connection that has asked.
  std::optional<Publication> response = std::nullopt;
};

// The QoS at which a session receives each topic of a node; nullopt: the session does not receive that topic.
struct Selection {
  std::array<std::optional<mqtt::QoS>, topic::form_count> by_form;  // by filters that name the form
  std::optional<mqtt::QoS> natural;  // by filters with a wildcard in place of TYPE

  bool empty() const { return *this == Selection{}; }

  // Whether it selects that form of an item: where it may be the natural one, of some item.
  bool selects(topic::Form form) const { return by_form[form.index()] || (natural && form.may_be_natural()); }

  // For an item whose payload is of the TYPE `natural_type`. One message per topic, at the highest QoS among
  // the filters that select it.
  std::optional<mqtt::QoS> qos(topic::Form form, topic::Type natural_type) const {
    const auto named = by_form[form.index()];
    // nullopt is less than every QoS.
    return form == natural_type && natural > named ? natural : named;
  }
  bool operator==(const Selection&) const = default;
};

// The topics of a node that the shared filters of a session (`$share/GROUP/FILTER`) select. At which QoS is each
// group's own: one member of it gets the message.
struct SharedSelection {
  std::array<bool, topic::form_count> by_form{};  // by filters that name the form
  bool natural = false;                           // by filters with a wildcard in place of TYPE

  bool empty() const { return *this == SharedSelection{}; }
  bool operator==(const SharedSelection&) const = default;
};

// Somebody begins to listen to a node. Names it, before anything else is said of it, until NodeClosed.
struct NodeOpened {
  NodeId node = 0;
  std::string host;
  std::string name;
};

// What a session receives of a node from now on, and what the groups that it is a member of may give it. Nothing any
// more where both are empty.
struct AudienceChange {
  NodeId node = 0;
  SessionId session = 0;
  Selection selection;
  SharedSelection shared = {};
};

// Nobody listens any more.
struct NodeClosed {
  NodeId node = 0;
};

// An item was published, or a retained message cleared. It goes to the node's audience of each form that has
// a payload here.
struct ItemPublished {
  NodeId node = 0;
  // Never Type::any.
  topic::Type natural_type = topic::Type::xml;
  std::array<std::optional<std::string>, topic::form_count> payloads;
  // The TYPE in whose form its properties were said, which is never Type::any; nullopt: they say nothing of a form.
  std::optional<topic::Type> published_as = std::nullopt;
  // Its QoS is an upper bound; the subscriber's own is the other.
  Envelope envelope = {.qos = mqtt::QoS::exactly_once};
};

// Some of the retained messages that a SUBSCRIBE brings, for one session. They are sent with the RETAIN flag
// [MQTT-3.3.1-8] and never dropped: the hub sends no others before the session's RetainedRequest.
struct RetainedMessages {
  struct Message {
    NodeId node = 0;
    topic::Form form;
    bool is_natural = true;  // it is the item's natural TYPE, which filters with a wildcard there select
    std::string payload;
    Envelope envelope = {.retain = true};  // with the QoS to send the message at
  };
  SessionId session = 0;
  std::vector<Message> messages;
};

// What stands on topics of `$SYS` from now on, retained.
struct SystemPublished {
  struct Message {
    std::string topic;
    std::string payload;  // empty: nothing any more
  };
  std::vector<Message> messages;
  // Sessions that have subscribed to some of `$SYS`, and whose accounts may read it, or who have none: these may where
  // they come from loopback.
  std::vector<SessionId> readers;
};

// Where topics and filters are mounted that clients name from now on; nullptr: nowhere. What is published and
// retained bears the topics of this mount point from now on.
struct MountpointChanged {
  std::shared_ptr<const topic::Mountpoint> mountpoint;
};

using Delivery =
    std::variant<LoginReply, AuthReply, CloseAccount, CloseHost, CloseConnection, EndSession, SubscribeReply,
                 UnsubscribeReply, PublishReply, NodeOpened, AudienceChange, NodeClosed, ItemPublished,
                 RetainedMessages, SystemPublished, MountpointChanged>;

}  // namespace pubsub_mqtt
