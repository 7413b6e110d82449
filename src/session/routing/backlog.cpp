#include "routing/backlog.h"

namespace pubsub_mqtt::session {
namespace {

struct HostAndNode {
  std::string_view host;
  std::string_view node;  // with the slash before it

  auto operator<=>(const HostAndNode&) const = default;  // NOLINT(modernize-use-nullptr)
};

// What can be no node's topic is one by itself.
HostAndNode host_and_node(std::string_view topic) {
  const std::size_t type = topic.find('/');
  if (type == std::string_view::npos) return {.host = topic, .node = {}};
  const std::size_t node = topic.find('/', type + 1);
  if (node == std::string_view::npos) return {.host = topic, .node = {}};
  return {.host = topic.substr(0, type), .node = topic.substr(node)};
}

}  // namespace

bool Backlog::NodeOrder::operator()(std::string_view a, std::string_view b) const {
  return host_and_node(a) < host_and_node(b);
}

void Backlog::add_publish(std::string_view topic) {
  const auto found = publishes_.find(topic);
  if (found != publishes_.end()) {
    ++found->second;
  } else {
    publishes_.emplace(topic, 1);
  }
}

void Backlog::remove_publish(std::string_view topic) {
  const auto found = publishes_.find(topic);
  if (found != publishes_.end() && --found->second == 0) publishes_.erase(found);
}

}  // namespace pubsub_mqtt::session
