// Who receives each node, and bringing messages to them: what Prosody's thread has published, and what goes past
// pubsub. Network thread only.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/mqtt/packets.h"
#include "pubsub_mqtt/topic/form.h"
#include "routing/audience.h"
#include "routing/direct_ways.h"
#include "routing/shared_groups.h"

namespace pubsub_mqtt::session {

class Message;
class Session;
class SessionTable;

class Audiences {
 public:
  // The references outlive this.
  Audiences(const SessionTable& sessions, SharedGroups& groups, const Limits& limits)
      : sessions_(sessions), groups_(groups), limits_(limits) {}

  // Nodes have their mounted topics by that from now on; nullptr: none has one. It outlives this, or the next call.
  void follow_mountpoint(const topic::Mountpoint* mountpoint);

  void carry_out(NodeOpened& opened);
  void carry_out(const AudienceChange& change);
  void carry_out(const NodeClosed& closed);
  void carry_out(ItemPublished& item);
  void carry_out(RetainedMessages& retained);

  // A message from the store, which knows nodes by their names: it gets its node's number, or when that is opened.
  // Until then nobody may have it.
  void set_node(std::string_view host, std::string_view node, const std::shared_ptr<Message>& message);

  // HOST/TYPE/NODE of a message, whatever its topic; empty where nobody listens to its node any more.
  std::string full_topic(const Message& message) const;

  // A publish on the direct way: it is stored, where the node persists, and sent. `publisher`: whose it is, where it is
  // to be stored. Returns for how many sessions it was, connected or not; nullopt where pubsub must see it. Throws
  // std::bad_alloc where one that outlives its connection has not got it for lack of memory.
  std::optional<std::size_t> publish(const DirectWay& way, const mqtt::Publish& packet,
                                     const Envelope& envelope, Session* publisher = nullptr);

  // A message for one member of the group, which may have gone. Returns false where the one that is to have it outlives
  // its connection, and has not got it for lack of memory.
  bool give(GroupNumber group, const std::shared_ptr<Message>& message);

  // Whether the session has the right to a message that has waited for it: by itself, or as a member of a group.
  bool may_have(const Session& session, const Message& message) const;
  bool may_share(const Session& session, const Message& message) const;

 private:
  // Of an item, one for each form, made when somebody wants it, whoever receives it.
  using Messages = std::array<std::shared_ptr<Message>, topic::form_count>;

  using Name = std::pair<std::string_view, std::string_view>;  // host and node

  void give_number(const NodeOpened& opened);
  static std::optional<std::string> store(const Route& route, std::string element, Session* publisher);
  struct Sent {
    std::size_t receivers = 0;  // of whom a group is one
    bool is_lost = false;       // one that outlives its connection may not have got it: memory ran out
  };
  Sent send(const Audience& audience, ItemPublished& item);
  void send_to_sessions(const Audience& audience, ItemPublished& item, Messages& messages, Sent& sent);
  void send_to_groups(const Audience& audience, ItemPublished& item, Messages& messages, Sent& sent);
  void give(SharedGroup& group, const Audience& audience, const std::shared_ptr<Message>& message,
            Sent& sent);
  void send(Session& session, RetainedMessages& retained) const;

  const SessionTable& sessions_;
  SharedGroups& groups_;
  const Limits& limits_;
  const topic::Mountpoint* mountpoint_ = nullptr;
  std::unordered_map<NodeId, Audience> by_node_;
  // The same by their names, which they hold. No hash tables: who chooses the name would choose its place in it.
  std::map<Name, NodeId> by_name_;
  std::mt19937_64 random_{std::random_device{}()};  // for the identifiers of Atom entries
  // By host and node, with a NUL in between.
  std::map<std::string, std::vector<std::weak_ptr<Message>>> without_node_;
};

}  // namespace pubsub_mqtt::session
