#include "pubsub_mqtt/session/backlog.h"

#include <functional>

namespace pubsub_mqtt::session {

std::size_t node_key(std::string_view topic) {
  const std::hash<std::string_view> hash;
  const std::size_t type = topic.find('/');
  if (type == std::string_view::npos) return hash(topic);
  const std::size_t node = topic.find('/', type + 1);
  if (node == std::string_view::npos) return hash(topic);
  return hash(topic.substr(0, type)) * 31 + hash(topic.substr(node));
}

}  // namespace pubsub_mqtt::session
