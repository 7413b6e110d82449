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

void Backlog::add(SessionId session, std::size_t bytes, const Limits& limits) {
  bytes_of_[session] += bytes;
  bytes_ += bytes;
  full_ = full_ || bytes_ > limits.max_pending_bytes;
}

void Backlog::remove(SessionId session, std::size_t bytes, const Limits& limits) {
  const auto found = bytes_of_.find(session);
  if (found != bytes_of_.end() && (found->second -= bytes) == 0) bytes_of_.erase(found);
  bytes_ -= bytes;
  if (!full_ || bytes_ > limits.max_pending_bytes / 2) return;
  full_ = false;
  has_shrunk_ = true;
}

bool Backlog::has_share(SessionId session, std::size_t bytes, const Limits& limits) const {
  if (!full_) return true;
  const auto found = bytes_of_.find(session);
  const bool is_new = found == bytes_of_.end();
  const std::size_t sessions = bytes_of_.size() + (is_new ? 1 : 0);
  // All shares together are half of the budget, so that there is an end of its being full, and what is larger than a
  // share is read, too.
  return (is_new ? 0 : found->second) + bytes <= limits.max_pending_bytes / 2 / sessions;
}

void Backlog::add_publish(SessionId session, std::string_view topic, std::size_t bytes,
                          const Limits& limits) {
  add(session, bytes, limits);
  try {
    count(topic);
  } catch (...) {
    remove(session, bytes, limits);
    throw;
  }
}

void Backlog::count(std::string_view topic) {
  const auto found = publishes_.find(topic);
  if (found != publishes_.end()) {
    ++found->second;
  } else {
    publishes_.emplace(topic, 1);
  }
}

void Backlog::remove_publish(SessionId session, std::string_view topic, std::size_t bytes,
                             const Limits& limits) {
  remove(session, bytes, limits);
  const auto found = publishes_.find(topic);
  if (found != publishes_.end() && --found->second == 0) publishes_.erase(found);
}

}  // namespace pubsub_mqtt::session
