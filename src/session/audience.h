// A node, and who receives what of it: walked once an item, changed seldom.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pubsub_mqtt/deliveries.h"
#include "pubsub_mqtt/payload/translate.h"

namespace pubsub_mqtt::session {

class Audience {
 public:
  struct Member {
    SessionId session = 0;
    Selection selection;
  };

  Audience(std::string host, std::string node) : host_(std::move(host)), node_(std::move(node)) {}

  void change(const AudienceChange& change);
  const std::vector<Member>& members() const { return members_; }

  // Whether the session receives the topic, or could if an item's payload is of that TYPE.
  bool receives(SessionId session, payload::Type type) const;

  std::string topic(payload::Type type) const;

 private:
  std::string host_;
  std::string node_;
  std::vector<Member> members_;  // sorted by session
};

}  // namespace pubsub_mqtt::session
