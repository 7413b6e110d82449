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

Backlog::Asked& Backlog::find_or_add(const Asker& asker) {
  const auto [place, is_new] = asked_.try_emplace(asker.session, Asked{.bytes = 0, .party = parties_.end()});
  Asked& asked = place->second;
  if (!is_new) return asked;
  if (asker.party.empty()) {
    ++lone_;
    return asked;
  }
  try {
    asked.party = parties_.try_emplace(std::string(asker.party)).first;
  } catch (...) {
    asked_.erase(place);
    throw;
  }
  return asked;
}

void Backlog::add(const Asker& asker, std::size_t bytes, const Limits& limits) {
  if (bytes == 0) return;
  Asked& asked = find_or_add(asker);
  asked.bytes += bytes;
  if (asked.party != parties_.end()) asked.party->second += bytes;
  bytes_ += bytes;
  full_ = full_ || bytes_ > limits.max_pending_bytes;
}

void Backlog::remove(SessionId session, std::size_t bytes, const Limits& limits) noexcept {
  const auto found = asked_.find(session);
  if (found == asked_.end()) return;
  auto& [own, party] = found->second;
  const bool is_lone = party == parties_.end();
  own -= bytes;
  if (!is_lone && (party->second -= bytes) == 0) parties_.erase(party);
  if (own == 0) {
    if (is_lone) --lone_;
    asked_.erase(found);
  }
  bytes_ -= bytes;
  if (!full_ || bytes_ > limits.max_pending_bytes / 2) return;
  full_ = false;
  has_shrunk_ = true;
}

std::size_t Backlog::bytes_of(const Asker& asker) const {
  if (!asker.party.empty()) {
    const auto party = parties_.find(asker.party);
    return party == parties_.end() ? 0 : party->second;
  }
  const auto found = asked_.find(asker.session);
  return found == asked_.end() ? 0 : found->second.bytes;
}

bool Backlog::has_share(const Asker& asker, std::size_t bytes, const Limits& limits) const {
  if (!full_) return true;
  const std::size_t own = bytes_of(asker);
  const std::size_t parties = parties_.size() + lone_ + (own == 0 ? 1 : 0);
  // All shares together are half of the budget, so that there is an end of its being full, and what is larger than a
  // share is read, too.
  return own + bytes <= limits.max_pending_bytes / 2 / parties;
}

void Backlog::add_publish(const Asker& asker, std::string_view topic, std::size_t bytes,
                          const Limits& limits) {
  add(asker, bytes, limits);
  try {
    count(topic);
  } catch (...) {
    remove(asker.session, bytes, limits);
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
