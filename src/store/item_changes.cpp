#include "pubsub_mqtt/store/item_changes.h"

#include <algorithm>
#include <limits>

namespace pubsub_mqtt::store {

void ItemChanges::put_store(const StoreRow& row) {
  stores.insert_or_assign(row.number, row);
  saw(row.number);
}

void ItemChanges::drop_store(RowNumber store) {
  if (!stores.contains(store)) dropped_stores.push_back(store);
  stores.erase(store);
  forget(store);
}

void ItemChanges::put(Item item, Position replaces) {
  const Place place{item->store, item->position};
  expect_void(replaces);
  std::map<Place, Item> one;
  one.emplace(place, std::move(item));
  if (replaces != 0) make_void({place.first, replaces});
  put_in_place(one.extract(one.begin()));
}

void ItemChanges::remove(RowNumber store, std::string_view key, Position was_put) {
  expect_void(was_put);
  removed.emplace(store, key);
  if (was_put != 0) make_void({store, was_put});
}

void ItemChanges::remove_up_to(RowNumber store, Position position) {
  Position& last = removed_up_to[store];
  last = std::max(last, position);
  saw(position);
  erase_up_to(store, position);
}

// All memory first.
void ItemChanges::add(ItemChanges& later) {
  void_.reserve(void_.size() + later.void_.size());
  for (const auto& [number, row] : later.stores) put_store(row);
  for (const RowNumber store : later.dropped_stores) drop_store(store);
  for (const auto& [store, position] : later.removed_up_to) remove_up_to(store, position);
  for (const Place& place : later.void_) make_void(place);
  removed.merge(later.removed);
  while (!later.items.empty()) put_in_place(later.items.extract(later.items.begin()));
  saw(later.last_position_);
}

std::size_t ItemChanges::rows() const {
  return dropped_stores.size() + stores.size() + removed_up_to.size() + removed.size() + items.size();
}

std::vector<RowNumber> ItemChanges::changed_stores() const {
  std::vector<RowNumber> changed = dropped_stores;
  const auto add = [&](RowNumber store) {
    if (changed.empty() || changed.back() != store) changed.push_back(store);
  };
  for (const auto& [number, row] : stores) add(number);
  for (const auto& [store, position] : removed_up_to) add(store);
  for (const auto& [store, key] : removed) add(store);
  for (const auto& [place, item] : items) add(place.first);
  return changed;
}

void ItemChanges::saw(Position position) { last_position_ = std::max(last_position_, position); }

void ItemChanges::expect_void(Position position) {
  if (position != 0 && void_.size() == void_.capacity()) void_.reserve(2 * void_.size() + 1);
}

void ItemChanges::make_void(Place place) noexcept {
  if (!erase(place)) void_.push_back(place);
}

bool ItemChanges::erase(Place place) noexcept {
  const auto found = items.find(place);
  if (found == items.end()) return false;
  bytes_ -= found->second->size();
  items.erase(found);
  return true;
}

void ItemChanges::erase_up_to(RowNumber store, Position position) noexcept {
  const auto first = items.lower_bound({store, 0});
  const auto last = items.upper_bound({store, position});
  for (auto place = first; place != last; ++place) bytes_ -= place->second->size();
  items.erase(first, last);
}

void ItemChanges::forget(RowNumber store) noexcept {
  erase_up_to(store, std::numeric_limits<Position>::max());
  removed_up_to.erase(store);
}

void ItemChanges::put_in_place(std::map<Place, Item>::node_type&& node) noexcept {
  saw(node.key().second);
  bytes_ += node.mapped()->size();
  auto [place, is_new, item] = items.insert(std::move(node));
  if (is_new) return;
  bytes_ -= place->second->size();
  place->second = std::move(item.mapped());
}

}  // namespace pubsub_mqtt::store
