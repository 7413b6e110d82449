#include "known_items.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace pubsub_mqtt::store {
namespace {

// Of a store that is bounded, the part of its limit by which it may be beyond that: to find out costs time that grows
// with the limit.
constexpr std::size_t part_beyond = 64;

}  // namespace

Position KnownItems::posted(std::string_view key) const {
  const auto place = keys_.find(key);
  return place == keys_.end() || place->second.item == nullptr ? 0 : place->second.position;
}

std::optional<Item> KnownItems::find(std::string_view key) const {
  const auto place = keys_.find(key);
  if (place == keys_.end() || place->second.item == nullptr) return std::nullopt;
  return place->second.position == 0 ? nullptr : place->second.item;
}

Position KnownItems::set(std::string_view key, Known known) {
  unsettled_.push_back(known.item);  // what is found under no key is passed over
  auto place = keys_.lower_bound(key);
  const bool is_new = place == keys_.end() || place->first != key;
  if (is_new) place = keys_.emplace_hint(place, key, Known());
  try {
    if (known.position != 0) positions_.emplace_hint(positions_.end(), known.position, place);
  } catch (...) {
    if (is_new) keys_.erase(place);
    throw;
  }
  const Position before = place->second.position;
  const Position replaced = place->second.item == nullptr ? 0 : before;
  if (before != 0 && before != known.position) positions_.erase(before);
  place->second = std::move(known);
  return replaced;
}

Position KnownItems::put(Item item, CommitNumber number) {
  const ItemRow& row = *item;
  const Position replaced =
      set(row.key, {.position = row.position, .number = number, .item = std::move(item)});
  last_put_ = row.position;
  ++most_;
  // One more may be there until it is truncated.
  if (count_ == Count::complete && positions_.size() > most_complete + 1) bound(positions_.size(), keeps_);
  return replaced;
}

void KnownItems::take_back(Position position) {
  const auto place = positions_.find(position);
  if (place != positions_.end()) forget(place->second);
  forget_count();
}

void KnownItems::remove(std::string_view key, CommitNumber number) {
  auto removed = std::make_shared<ItemRow>();
  removed->key = key;
  set(key, {.position = 0, .number = number, .item = std::move(removed)});
}

void KnownItems::remove_up_to(Position position, CommitNumber number) {
  const auto last = positions_.upper_bound(position);
  for (auto place = positions_.begin(); place != last; ++place) keys_.erase(place->second);
  positions_.erase(positions_.begin(), last);
  removed_up_to_ = position;
  removal_ = number;
}

void KnownItems::was_posted(Position position, CommitNumber number) {
  const auto place = positions_.find(position);
  if (place != positions_.end()) place->second->second.number = number;
}

void KnownItems::removal_was_posted(CommitNumber number) {
  if (removal_ == not_posted) removal_ = number;
}

void KnownItems::settle(CommitNumber committed) {
  if (removal_ <= committed) removed_up_to_ = 0;
  auto first = unsettled_.begin();
  for (; first != unsettled_.end(); ++first) {
    const auto place = keys_.find((*first)->key);
    if (place == keys_.end() || place->second.item != *first) continue;
    Known& known = place->second;
    if (known.number > committed) break;
    known.number = 0;
    known.item = nullptr;
    if (count_ != Count::complete || known.position == 0) forget(place);
  }
  unsettled_.erase(unsettled_.begin(), first);
  if (unsettled_.empty()) unsettled_.shrink_to_fit();
}

PostedItems KnownItems::posted_items() const {
  PostedItems all{.removed_up_to = removed_up_to_, .keys = {}, .items = {}};
  for (const auto& item : unsettled_) {
    const auto place = keys_.find(item->key);
    if (place == keys_.end() || place->second.item != item) continue;
    all.keys.insert(item->key);
    if (place->second.position != 0) all.items.push_back(item);
  }
  std::sort(all.items.begin(), all.items.end(),
            [](const Item& one, const Item& other) { return one->position < other->position; });
  return all;
}

void KnownItems::complete(const std::vector<Item>& items, std::size_t keeps) {
  for (const auto& item : items) {
    const auto [place, is_new] = keys_.try_emplace(item->key);
    if (!is_new) continue;  // it was posted
    place->second.position = item->position;
    positions_.emplace(item->position, place);
  }
  count_ = Count::complete;
  keeps_ = keeps;
}

void KnownItems::bound(std::size_t most, std::size_t keeps) {
  forget_count();
  count_ = Count::bounded;
  most_ = most;
  keeps_ = keeps;
}

void KnownItems::forget_count() {
  count_ = Count::unknown;
  for (auto place = keys_.begin(); place != keys_.end();) {
    const auto next = std::next(place);
    if (place->second.item == nullptr) forget(place);
    place = next;
  }
}

bool KnownItems::is_too_many(std::size_t size) const {
  return size > keeps_ && size - keeps_ > keeps_ / part_beyond;
}

bool KnownItems::set_keeps(std::size_t keeps) {
  keeps_ = keeps;
  return count_ == Count::complete || (count_ == Count::bounded && !is_too_many(most_));
}

bool KnownItems::takes_one_more() const {
  return count_ == Count::complete || (count_ == Count::bounded && !is_too_many(most_ + 1));
}

Position KnownItems::excess() const {
  if (count_ != Count::complete || positions_.size() <= keeps_) return 0;
  const auto too_many = static_cast<std::ptrdiff_t>(positions_.size() - keeps_);
  return std::next(positions_.begin(), too_many - 1)->first;
}

std::size_t KnownItems::weight() const {
  return count_ == Count::complete ? positions_.size() + 1 : (count_ == Count::bounded ? 1 : 0);
}

void KnownItems::forget(Keys::iterator place) {
  if (place->second.position != 0) positions_.erase(place->second.position);
  keys_.erase(place);
}

}  // namespace pubsub_mqtt::store
