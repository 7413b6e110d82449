#include "pubsub_mqtt/topic/filter_tree.h"

#include <utility>

namespace pubsub_mqtt::topic {
namespace {

// The first level, what is behind its slash, and whether there was none.
struct Split {
  std::string_view level;
  std::string_view rest;
  bool last = false;
};

Split split(std::string_view levels) {
  const std::size_t slash = levels.find('/');
  if (slash == std::string_view::npos) return {.level = levels, .rest = {}, .last = true};
  return {.level = levels.substr(0, slash), .rest = levels.substr(slash + 1), .last = false};
}

}  // namespace

void FilterTree::insert(std::string_view filter, Owner owner) {
  Level* level = &root_;
  for (bool last = false; !last;) {
    const Split parts = split(filter);
    auto& next = level->next.try_emplace(std::string(parts.level)).first->second;
    if (!next) next = std::make_unique<Level>();
    level = next.get();
    filter = parts.rest;
    last = parts.last;
  }
  level->owners.insert(owner);
}

void FilterTree::erase(std::string_view filter, Owner owner) { erase_below(root_, filter, false, owner); }

// True: nothing is left of the level.
bool FilterTree::erase_below(Level& level, std::string_view rest, bool at_end, Owner owner) {
  if (at_end) {
    const auto one = level.owners.find(owner);
    if (one != level.owners.end()) level.owners.erase(one);
  } else {
    const Split parts = split(rest);
    const auto next = level.next.find(parts.level);
    if (next != level.next.end() && erase_below(*next->second, parts.rest, parts.last, owner))
      level.next.erase(next);
  }
  return level.next.empty() && level.owners.empty();
}

std::set<FilterTree::Owner> FilterTree::match(std::string_view host, std::string_view node) const {
  std::set<Owner> found;
  add_multi_level(root_, found);
  for (const std::string_view name : {host, std::string_view("+")}) {
    const auto next = root_.next.find(name);
    if (next != root_.next.end()) match_type(*next->second, node, found);
  }
  return found;
}

// `#` below a level selects the level itself and everything under it (4.7.1.2).
void FilterTree::add_multi_level(const Level& level, std::set<Owner>& found) {
  const auto multi = level.next.find("#");
  if (multi != level.next.end()) found.insert(multi->second->owners.begin(), multi->second->owners.end());
}

// Every TYPE of the node counts.
void FilterTree::match_type(const Level& level, std::string_view node, std::set<Owner>& found) {
  add_multi_level(level, found);
  for (const auto& [type, below] : level.next) {
    if (type != "#") match_node(*below, node, false, found);
  }
}

void FilterTree::match_node(const Level& level, std::string_view rest, bool at_end, std::set<Owner>& found) {
  add_multi_level(level, found);
  if (at_end) {
    found.insert(level.owners.begin(), level.owners.end());
    return;
  }
  const Split parts = split(rest);
  for (const std::string_view name : {parts.level, std::string_view("+")}) {
    const auto next = level.next.find(name);
    if (next != level.next.end()) match_node(*next->second, parts.rest, parts.last, found);
  }
}

}  // namespace pubsub_mqtt::topic
