#include "known_items.h"

#include <iterator>
#include <utility>

namespace pubsub_mqtt::store {

Position KnownItems::posted(std::string_view key) const {
  const auto place = keys_.find(key);
  return place == keys_.end() || place->second.number == 0 ? 0 : place->second.position;
}

std::optional<Item> KnownItems::find(std::string_view key) const {
  const auto place = keys_.find(key);
  if (place == keys_.end() || place->second.number == 0) return std::nullopt;
  return place->second.item;
}

void KnownItems::put(Item item, CommitNumber number) {
  auto place = keys_.find(item->key);
  if (place == keys_.end()) place = keys_.emplace(item->key, Known()).first;
  auto& known = place->second;
  if (known.position != 0) positions_.erase(known.position);
  const Position position = item->position;
  known = {.position = position, .number = number, .item = std::move(item)};
  positions_.insert_or_assign(position, place);
}

void KnownItems::remove(std::string_view key, CommitNumber number) {
  auto place = keys_.find(key);
  if (place == keys_.end()) place = keys_.emplace(key, Known()).first;
  if (place->second.position != 0) positions_.erase(place->second.position);
  place->second = {.position = 0, .number = number, .item = nullptr};
}

void KnownItems::remove_up_to(Position position, CommitNumber number) {
  const auto last = positions_.upper_bound(position);
  for (auto place = positions_.begin(); place != last; ++place) keys_.erase(place->second);
  positions_.erase(positions_.begin(), last);
  removed_up_to_ = position;
  removal_ = number;
}

void KnownItems::settle(CommitNumber committed) {
  if (removal_ <= committed) removed_up_to_ = 0;
  for (auto place = keys_.begin(); place != keys_.end();) {
    auto& known = place->second;
    const auto next = std::next(place);
    if (known.number != 0 && known.number <= committed) {
      known.number = 0;
      known.item = nullptr;
      if (!is_complete_ || known.position == 0) forget(place);
    }
    place = next;
  }
}

PostedItems KnownItems::posted_items() const {
  PostedItems all{.removed_up_to = removed_up_to_, .keys = {}, .items = {}};
  for (const auto& [key, known] : keys_) {
    if (known.number != 0) all.keys.insert(key);
  }
  for (const auto& [position, place] : positions_) {
    if (place->second.item != nullptr) all.items.push_back(place->second.item);
  }
  return all;
}

void KnownItems::complete(const std::vector<Item>& items) {
  for (const auto& item : items) {
    const auto [place, is_new] = keys_.try_emplace(item->key);
    if (!is_new) continue;  // it was posted
    place->second.position = item->position;
    positions_.emplace(item->position, place);
  }
  is_complete_ = true;
}

void KnownItems::forget_settled() {
  is_complete_ = false;
  for (auto place = keys_.begin(); place != keys_.end();) {
    const auto next = std::next(place);
    if (place->second.number == 0) forget(place);
    place = next;
  }
}

Position KnownItems::last_before(std::size_t keep) const {
  const auto excess = static_cast<std::ptrdiff_t>(size() - keep);
  return std::next(positions_.begin(), excess - 1)->first;
}

void KnownItems::forget(Keys::iterator place) {
  if (place->second.position != 0) positions_.erase(place->second.position);
  keys_.erase(place);
}

}  // namespace pubsub_mqtt::store
