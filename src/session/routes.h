// The direct ways that Prosody's thread has given a session, by topic. Network thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pubsub_mqtt/payload/translate.h"
#include "pubsub_mqtt/route.h"

namespace pubsub_mqtt::session {

class Routes {
 public:
  struct Way {
    std::shared_ptr<const Route> route;
    payload::Type type = payload::Type::json;  // of the topic
    std::size_t node_key = 0;
  };

  void add(std::string topic, std::shared_ptr<const Route> route);

  void erase(std::string_view topic);

  // nullptr: none that is open.
  const Way* find(std::string_view topic);

 private:
  struct TopicHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view topic) const { return std::hash<std::string_view>{}(topic); }
  };
  std::unordered_map<std::string, Way, TopicHash, std::equal_to<>> by_topic_;
};

}  // namespace pubsub_mqtt::session
