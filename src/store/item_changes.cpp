#include "item_changes.h"

#include <algorithm>
#include <limits>

namespace pubsub_mqtt::store {

void ItemChanges::add(const PutStore& change) {
  stores[change.row.number] = change.row;
  saw(change.row.number);
}

void ItemChanges::add(const DropStore& change) {
  forget(change.store);
  if (stores.erase(change.store) == 0) dropped_stores.push_back(change.store);
}

void ItemChanges::add(const PutItem& change) {
  const ItemRow& item = *change.item;
  if (change.replaces != 0) erase(item.store, change.replaces);
  items[{item.store, item.position}] = change.item;
  bytes_ += item.size();
  saw(item.position);
}

void ItemChanges::add(const RemoveItem& change) {
  if (change.posted != 0) erase(change.store, change.posted);
  removed.emplace(change.store, change.key);
}

void ItemChanges::add(const RemoveItemsUpTo& change) {
  erase_up_to(change.store, change.position);
  auto& position = removed_up_to[change.store];
  position = std::max(position, change.position);
}

std::size_t ItemChanges::rows() const {
  return dropped_stores.size() + stores.size() + removed_up_to.size() + removed.size() + items.size();
}

void ItemChanges::erase(RowNumber store, Position position) {
  const auto place = items.find({store, position});
  if (place == items.end()) return;
  bytes_ -= place->second->size();
  items.erase(place);
}

void ItemChanges::erase_up_to(RowNumber store, Position position) {
  const auto first = items.lower_bound({store, 0});
  const auto last = items.upper_bound({store, position});
  for (auto place = first; place != last; ++place) bytes_ -= place->second->size();
  items.erase(first, last);
}

void ItemChanges::forget(RowNumber store) {
  erase_up_to(store, std::numeric_limits<Position>::max());
  removed_up_to.erase(store);
}

void ItemChanges::saw(Position position) { last_position_ = std::max(last_position_, position); }

}  // namespace pubsub_mqtt::store
