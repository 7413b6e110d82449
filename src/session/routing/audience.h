// A node, and who receives what of it: walked once an item, changed seldom.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/boundary/deliveries.h"
#include "pubsub_mqtt/topic/form.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::session {

class Audience {
 public:
  // Those who receive the same, so that each of them costs little more than its identifier.
  struct Group {
    Selection selection;
    SharedSelection shared;
    std::vector<SessionId> sessions;  // sorted
  };

  Audience(std::string host, std::string node) : host_(std::move(host)), node_(std::move(node)) {}

  void change(const AudienceChange& change);
  const std::vector<Group>& groups() const { return groups_; }

  // Whether the session receives the topic, or could if that is an item's natural one.
  bool receives(SessionId session, topic::Form form) const;
  // Whether the groups that the session is a member of may give it what is published to the node.
  bool shares(SessionId session) const;
  // Whether anybody does.
  bool is_shared() const { return sharing_ > 0; }

  // Whether anybody receives the topic of an item whose payload is of `natural_type`, by himself or in a group.
  bool is_received(topic::Form form, topic::Type natural_type) const {
    return named_[form.index()] > 0 || (form == natural_type && natural_ > 0);
  }

  const std::string& host() const { return host_; }
  const std::string& node() const { return node_; }
  std::string topic(topic::Form form) const;

 private:
  void add(const AudienceChange& change);
  void remove(SessionId session);
  void count(const Group& group, int by);

  std::string host_;
  std::string node_;
  std::vector<Group> groups_;                   // none is empty, no two are equal
  std::array<int, topic::form_count> named_{};  // members who receive the form by name
  int natural_ = 0;                             // and the natural one
  int sharing_ = 0;                             // and something in a group
};

}  // namespace pubsub_mqtt::session
