#include "known_items.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace pubsub_mqtt::store {
namespace {

// Of a store that is bounded, the part of its limit by which it may be beyond that: to find out costs time that grows
// with the limit.
constexpr std::size_t part_beyond = 64;
// Of a busy store, between two commits.
constexpr std::size_t usual_unsettled = 256;

template <typename Map>
typename Map::node_type make_node() {
  Map one;
  one.try_emplace(typename Map::key_type());
  return one.extract(one.begin());
}

}  // namespace

KnownItems::Place KnownItems::place(std::string_view key) {
  Place place;
  place.next_ = keys_.lower_bound(key);
  place.is_taken_ = place.next_ != keys_.end() && place.next_->first == key;
  return place;
}

Position KnownItems::posted(const Place& place) const {
  return place.is_taken_ && place.next_->second.item != nullptr ? place.next_->second.position : 0;
}

std::optional<Item> KnownItems::find(std::string_view key) const {
  const auto place = keys_.find(key);
  if (place == keys_.end() || place->second.item == nullptr) return std::nullopt;
  return place->second.position == 0 ? nullptr : place->second.item;
}

// Where there is room for one more, mostly of one that it takes the place of: then nothing is allocated.
KnownItems::Prepared KnownItems::prepare(const Item& item) {
  unsettled_.push_back(item);
  Prepared prepared;
  prepared.key_ = std::move(spare_key_);
  if (prepared.key_.empty()) prepared.key_ = make_node<Keys>();
  prepared.key_.key() = item->key;
  prepared.key_.mapped() = {.position = item->position, .batch = 0, .item = item};
  if (item->position == 0) return prepared;
  prepared.position_ = std::move(spare_position_);
  if (prepared.position_.empty()) prepared.position_ = make_node<Positions>();
  prepared.position_.key() = item->position;
  return prepared;
}

void KnownItems::set(Prepared&& prepared, const Place& place, BatchNumber batch) noexcept {
  auto known = place.next_;
  if (place.is_taken_) {
    const Position before = known->second.position;
    if (before != prepared.key_.mapped().position) positions_.erase(before);
    known->second = std::move(prepared.key_.mapped());
  } else {
    known = keys_.insert(known, std::move(prepared.key_));
  }
  known->second.batch = batch;
  if (prepared.position_.empty()) return;
  last_put_ = prepared.position_.key();
  prepared.position_.mapped() = known;
  positions_.insert(positions_.end(), std::move(prepared.position_));
  ++most_;
  // One more may be there until it is truncated.
  if (count_ == Count::complete && positions_.size() > most_complete + 1) bound(positions_.size(), keeps_);
}

void KnownItems::remove_up_to(Position position, BatchNumber batch) noexcept {
  while (!positions_.empty() && positions_.begin()->first <= position) {
    spare_position_ = positions_.extract(positions_.begin());
    spare_key_ = keys_.extract(spare_position_.mapped());
    spare_key_.mapped().item = nullptr;
  }
  removed_up_to_ = position;
  removal_ = batch;
}

void KnownItems::settle(BatchNumber committed) {
  if (removal_ <= committed) removed_up_to_ = 0;
  while (settled_ < unsettled_.size() && is_settled(unsettled_[settled_], committed)) {
    unsettled_[settled_++] = nullptr;
  }
  // Now and then, so that each is moved once.
  if (settled_ < unsettled_.size() / 2) return;
  unsettled_.erase(unsettled_.begin(), unsettled_.begin() + static_cast<std::ptrdiff_t>(settled_));
  settled_ = 0;
  if (unsettled_.empty() && unsettled_.capacity() > usual_unsettled) unsettled_ = {};
}

// Or it was put again since, or removed, or not posted.
bool KnownItems::is_settled(const Item& item, BatchNumber committed) {
  const auto place = keys_.find(item->key);
  if (place == keys_.end() || place->second.item != item) return true;
  Known& known = place->second;
  if (known.batch > committed) return false;
  known.batch = 0;
  known.item = nullptr;
  if (count_ != Count::complete || known.position == 0) forget(place);
  return true;
}

PostedItems KnownItems::posted_items() const {
  PostedItems all{.removed_up_to = removed_up_to_, .keys = {}, .items = {}};
  for (const auto& item : std::span(unsettled_).subspan(settled_)) {
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
  forget_count();  // what is left where memory ran out
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
