// Prosody's side of the gateway, free of Lua: who listens to which node, and what becomes of what clients
// ask.
//
// Reads no clock: the caller says what time it is, by the clock of Envelope::expires_at.
//
// Prosody's thread only. Requests go in with accept(), step() carries out a bounded piece of one, so that the
// caller decides how long the event loop may wait. Clients are served in turn: one client's thousand
// publishes do not hold up another's SUBSCRIBE. Answers and items are collected in take_deliveries(), in the
// order that deliveries.h promises.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/boundary/requests.h"
#include "pubsub_mqtt/hub/administration.h"
#include "pubsub_mqtt/hub/metrics.h"
#include "pubsub_mqtt/topic/mountpoint.h"
#include "pubsub_mqtt/topic/type.h"

namespace pugi {
class xml_node;
}

namespace pubsub_mqtt::hub {

class PubsubService;
struct Retained;

class Hub {
 public:
  // `service` outlives this.
  Hub(PubsubService& service, const Limits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Those of a reload, for what is asked from now on.
  void set_limits(const Limits& limits);

  // Where topics and filters are mounted that clients name from now on; nullopt: nowhere. Subscriptions follow.
  void set_mountpoint(std::optional<topic::Mountpoint> mountpoint);

  // The time for what is called from now on.
  void set_time(Time now);

  // Takes a batch from the network thread; leaves it empty.
  void accept(std::vector<Request>& batch);

  // Carries out one request, or a piece of a long one. False: there is none.
  bool step();

  // Moves what the network thread must be told since the last call to the end of `into`.
  void take_deliveries(std::vector<Delivery>& into);

  // What pubsub tells. An item matters if it has an audience, is to be retained (its id is `current`), or is the first
  // one since the node's retained message ended, in whose place it may be sent. `publisher`:
  // bare JID, where the host shows it (expose_publisher); empty: it does not, or nobody knows.
  bool wants_item(std::string_view host, std::string_view node, std::string_view id);
  void item_published(std::string_view host, std::string_view node, std::string_view id,
                      const pugi::xml_node& payload, std::string_view publisher = {});
  // The item is the one that PubsubService::publish() is publishing right now.
  void own_item_published();
  void item_retracted(std::string_view host, std::string_view node, std::string_view id);
  void node_purged(std::string_view host, std::string_view node);

  // How long the names of the host's nodes may be in its stores, in bytes and percent-encoded (topic::encoded_size);
  // nullopt: as long as MQTT allows. Before the nodes of the host, of which MQTT does not see those with longer names.
  void set_max_node_name(std::string_view host, std::optional<std::size_t> encoded_bytes);
  void node_created(std::string_view host, std::string_view node);
  void node_deleted(std::string_view host, std::string_view node);
  // Something changed that rights depend on: judge again who receives the node.
  void node_changed(std::string_view host, std::string_view node);
  // The same for one account, here and on every node.
  void affiliation_changed(std::string_view host, std::string_view node, std::string_view account);
  void account_changed(std::string_view account);
  // The same for all nodes of a host.
  void host_changed(std::string_view host);
  // Somebody may begin to observe what is published: to a node, or to any node of a host. Every change of
  // rights above does so, too.
  void withdraw_route(std::string_view host, std::string_view node);
  void withdraw_routes(std::string_view host);
  void withdraw_all_routes();
  // The module left a host: filters on its nodes wait, retained messages are in their store.
  void host_disabled(std::string_view host);

  // What PubsubService::log_in() found out.
  void logged_in(LoginReply reply);
  // What PubsubService::authenticate() found out.
  void authenticated(AuthReply reply);
  // See CloseAccount. Its rights are judged again, too.
  void close_account(std::string_view account, bool was_deleted);

  // All accounts of an XMPP host that has gone.
  void close_accounts_of(std::string_view host);

  const Metrics& metrics() const;

  // What the server says of itself on topics of `$SYS` from now on; a payload that is empty: nothing any more.
  void publish_system(std::vector<SystemPublished::Message> messages);

  // A piece of the names of a host's nodes that MQTT sees, in their order (of bytes): at most so many behind `after`
  // (empty: from the first one on), and where the next piece begins; nullopt: there is none.
  struct NamesPage {
    std::vector<std::string> names;
    std::optional<std::string> next;
  };
  NamesPage node_names(std::string_view host, std::string_view after, std::size_t most);
  // Whether the name is among these.
  bool sees_node(std::string_view host, std::string_view name);

  // For the administrator: how many filters a session has, and to close its connection.
  std::size_t subscriptions(SessionId session) const;
  void close_connection(SessionId session);
  void end_session(SessionId session);

  // For the administrator: what a topic means to a client (account: bare JID; empty: without login).
  TopicView topic(std::string_view named, std::string_view account, std::string_view client_identifier) const;
  // What a filter without $share/ selects, as a client without login and identifier means it: its host and node are
  // those of the filter.
  TopicView filter(std::string_view named) const;
  // A piece of the retained messages that a filter selects, apart from rights; see administration.h. `filter` is
  // TopicView::topic of one without a fault.
  RetainedPage retained(std::string_view filter, const RetainedPosition& from, std::size_t most);
  // What the node retains, in the form of a TYPE; nullopt where it retains nothing of that.
  std::optional<std::string> retained_payload(std::string_view host, std::string_view node, topic::Type type);
  // Ends what the node retains, as a client does it. Returns false where it retains nothing.
  bool clear_retained(std::string_view host, std::string_view node);

  // What the node retains is not known yet, and found out by PubsubService::restore(), where it is needed earlier than
  // these tell. Each of them ends that.
  void restore_later(std::string_view host, std::string_view node);
  // Of which nodes that has not ended: a piece, as of node_names().
  NamesPage unrestored_nodes(std::string_view host, std::string_view after, std::size_t most);
  // There is no retained message.
  void restore_none(std::string_view host, std::string_view node);
  // The item `current` of a node that has no retained message here; nobody is told.
  void restore_current(std::string_view host, std::string_view name, const pugi::xml_node& payload,
                       std::string_view publisher = {});
  // A retained message from before a restart.
  void restore_retained(std::string_view host, std::string_view node, Retained retained);
  // The same for the end of one, after which pubsub has had no item: see Hub::item_published().
  void restore_end(std::string_view host, std::string_view node);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace pubsub_mqtt::hub
