// The direct ways that Prosody's thread has given a session, by topic, as the client names it. Network thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/meaning.h"
#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/topic/type.h"

namespace pubsub_mqtt::session {

// How a session may publish to one topic.
struct DirectWay {
  std::shared_ptr<const Route> route;
  topic::Type type = topic::Type::json;  // of the topic
  std::string mounted = {};              // HOST/TYPE/NODE, where the client names less of it

  std::string_view meaning(std::string_view named) const { return mounted.empty() ? named : mounted; }
};

class DirectWays {
 public:
  void add(MeantTopic topic, std::shared_ptr<const Route> route);

  void erase(std::string_view topic);

  // Returns nullptr where there is none that is open.
  const DirectWay* find(std::string_view topic);

 private:
  // No hash table: whoever chooses the topic would choose its place in it.
  std::map<std::string, DirectWay, std::less<>> by_topic_;
};

}  // namespace pubsub_mqtt::session
