#include "pubsub_mqtt/store/items.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <limits>
#include <new>

#include "item_changes.h"
#include "known_items.h"

namespace pubsub_mqtt::store {
namespace {

// Of what is posted and not committed: beyond it who posts waits.
constexpr std::size_t most_posted_bytes = std::size_t{64} << 20U;
constexpr std::chrono::seconds longest_wait{10};
// Of that, what is some hundred milliseconds of writing.
constexpr std::size_t crowded_bytes = std::size_t{16} << 20U;
// Keys whose positions are known, of all stores.
constexpr std::size_t most_weight = 200000;
constexpr std::size_t unknown = std::numeric_limits<std::size_t>::max();

std::shared_ptr<ItemRow> make_item(RowNumber store, std::string_view key, double at,
                                   std::optional<std::string_view> with, std::string value) {
  auto item = std::make_shared<ItemRow>();
  item->store = store;
  item->key = key;
  item->at = at;
  if (with) item->with.emplace(*with);
  item->value = std::move(value);
  return item;
}

std::vector<Item> merge(const std::vector<Item>& read, const PostedItems& posted, const ItemQuery& query,
                        std::size_t limit) {
  std::vector<Item> ours;
  for (const auto& item : posted.items) {
    if (query.matches(*item)) ours.push_back(item);
  }
  if (query.reverse) std::reverse(ours.begin(), ours.end());
  std::vector<Item> theirs;
  for (const auto& item : read) {
    if (!posted.keys.contains(item->key)) theirs.push_back(item);
  }
  std::vector<Item> merged;
  std::merge(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(merged),
             [&](const Item& one, const Item& other) {
               return query.reverse ? one->position > other->position : one->position < other->position;
             });
  if (merged.size() > limit) merged.resize(limit);
  return merged;
}

}  // namespace

Items::Items(Store& store, Access access)
    : store_(store), access_(access), reader_(store.settings()), appended_(std::make_unique<ItemChanges>()) {
  store_.on_commit([this] {
    Lock lock(mutex_);
    settle(lock);
  });
}

Items::~Items() = default;

void Items::close_before_fork() { reader_.close(); }

// --- What is posted

Items::Lock Items::lock_to_write() {
  Lock lock(mutex_);
  if (last_position_ == 0) last_position_ = reader_.last_position();
  if (!store_.is_started()) return lock;
  const auto has_room = [this] { return posted_bytes_ < most_posted_bytes || store_.is_failing(); };
  if (!has_room() && !settled_.wait_for(lock, longest_wait, has_room)) {
    throw ItemsError("The disk is too slow for what is to be stored");
  }
  if (store_.is_failing()) throw ItemsError("The store cannot be written, see above");
  return lock;
}

// Two processes never take the same: only one of them is the server.
Position Items::next_position() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const Position owner = access_ == Access::alone ? 0 : 1;
  Position next = static_cast<Position>(microseconds) * 2 + owner;
  if (next <= last_position_) next = (last_position_ / 2 + 1) * 2 + owner;
  return last_position_ = next;
}

KnownItems& Items::known(RowNumber store) {
  const auto place = known_.find(store);
  if (place != known_.end()) return *place->second;
  return *known_.emplace(store, std::make_unique<KnownItems>()).first->second;
}

CommitNumber Items::post(std::span<Change> changes, RowNumber store, std::size_t bytes) {
  if (next_row_.empty()) next_row_.emplace_back();
  const CommitNumber number = store_.post_with_last(changes);
  last_posted_ = number;
  ++times_posted_;
  if (posted_.empty() || posted_.back().number != number || posted_.back().store != store) {
    next_row_.front() = {.number = 0, .store = store, .bytes = 0};
    posted(std::move(next_row_), number);
  }
  posted_.back().bytes += bytes;
  posted_bytes_ += bytes;
  return number;
}

CommitNumber Items::post(Change&& change, RowNumber store, std::size_t bytes) {
  return post(std::span(&change, 1), store, bytes);
}

void Items::posted(std::list<Posted>&& rows, CommitNumber number) noexcept {
  newest_posted_ = number;
  for (auto& row : rows) {
    row.number = number;
    posted_bytes_ += row.bytes;
  }
  posted_.splice(posted_.end(), rows);
}

template <typename Change>
void Items::change_known(KnownItems& items, Change&& change) {
  const std::size_t before = items.weight();
  change();
  weight_ += items.weight() - before;
}

// All memory first, here and below: what is posted is known, and what was not posted leaves all as it was.
void Items::put(Item item) {
  const RowNumber store = item->store;
  const std::size_t size = item->size();
  KnownItems& items = known(store);
  const Position replaces = items.posted(item->key);
  auto prepared = items.prepare(item);
  CommitNumber number = 0;
  if (companion_ && companion_->key == item->key) {
    std::array<Change, 2> changes{PutItem{.item = std::move(item), .replaces = replaces}, companion_->change};
    number = post(changes, store, size);
    companion_.reset();
  } else {
    number = post(PutItem{.item = std::move(item), .replaces = replaces}, store, size);
  }
  if (replaces != 0) appended_->erase(store, replaces);
  change_known(items, [&] { items.set(std::move(prepared), number); });
}

void Items::remove_up_to(RowNumber store, KnownItems& items, Position position) {
  const auto number = post(RemoveItemsUpTo{.store = store, .position = position}, store);
  appended_->erase_up_to(store, position);
  change_known(items, [&] { items.remove_up_to(position, number); });
}

// Without a thread, what was posted was committed, or has failed.
void Items::check_commit() {
  if (store_.is_started()) return;
  Lock lock(mutex_);
  settle(lock);
  if (store_.is_failing()) throw ItemsError("The store cannot be written, see above");
}

// Without memory, of which there may be none where a commit fails.
void Items::settle(Lock& /*lock*/) {
  const CommitNumber committed = store_.committed();
  for (; !posted_.empty() && posted_.front().number <= committed; posted_.pop_front()) {
    posted_bytes_ -= posted_.front().bytes;
    const auto place = known_.find(posted_.front().store);
    if (place == known_.end()) continue;
    KnownItems& items = *place->second;
    change_known(items, [&] { items.settle(committed); });
    if (items.is_empty()) known_.erase(place);
  }
  std::erase_if(posted_stores_, [&](const auto& posted) { return posted.second.second <= committed; });
  if (weight_ > most_weight) forget_some();
  settled_.notify_all();
}

// Of those that nobody has put anything into for the longest time, so many that there is room for as many again: a busy
// store stays known, however many others there are. Where there is no memory to order them, after a later commit.
void Items::forget_some() {
  std::vector<std::pair<Position, RowNumber>> by_age;
  try {
    by_age.reserve(known_.size());
  } catch (const std::bad_alloc&) {
    return;
  }
  for (const auto& [store, items] : known_) by_age.emplace_back(items->last_put(), store);
  std::sort(by_age.begin(), by_age.end());
  for (const auto& [age, store] : by_age) {
    if (weight_ <= most_weight / 2) return;
    KnownItems& items = known(store);
    change_known(items, [&] { items.forget_count(); });
    if (items.is_empty()) known_.erase(store);
  }
}

// What was posted, or appended, before: others go on.
ItemReader& Items::committed() {
  Lock lock(mutex_);
  const bool awaits_post = !appended_->empty();
  const auto posts = posts_;
  std::optional<CommitNumber> awaited;
  const auto is_committed = [&] {
    if (!awaited && (!awaits_post || posts != posts_)) awaited = newest_posted_;
    return awaited && store_.committed() >= *awaited;
  };
  if (store_.is_started()) {
    store_.post({});  // so that they are committed at once
    settled_.wait_for(lock, longest_wait, [&] { return is_committed() || store_.is_failing(); });
  }
  if (!is_committed()) throw ItemsError("The store cannot be written, see above");
  return reader_;
}

// --- By a route

bool Items::takes_appends(RowNumber store) {
  const Lock lock(mutex_);
  const auto place = known_.find(store);
  return place != known_.end() && place->second->takes_one_more();
}

// With the mutex the route is asked, too: what Prosody's thread does after it has withdrawn it comes afterwards.
Appended Items::append_by(const Route& route, std::string_view key, double at,
                          std::optional<std::string_view> with, std::string value) {
  const RowNumber store = route.items();
  auto item = make_item(store, key, at, with, std::move(value));
  const Lock lock(mutex_);
  if (!route.is_open() || !store_.is_started() || store_.is_failing()) return Appended::no;
  const auto place = known_.find(store);
  if (place == known_.end() || !place->second->takes_one_more()) return Appended::no;
  if (waiting_bytes() >= most_posted_bytes) return Appended::no;
  item->position = next_position();
  append_and_trim(std::move(item));
  return waiting_bytes() >= crowded_bytes ? Appended::and_is_crowded : Appended::yes;
}

// Where the last removal is is noted in the place that it has by then.
void Items::append_and_trim(Item item) {
  const RowNumber store = item->store;
  KnownItems& items = known(store);
  auto prepared = items.prepare(item);
  if (items.is_full()) appended_->add(RemoveItemsUpTo{.store = store, .position = 0});
  appended_->add(PutItem{.item = std::move(item), .replaces = 0});
  change_known(items, [&] {
    items.set(std::move(prepared), KnownItems::not_posted);
    const Position last = items.excess();
    if (last == 0) return;
    appended_->add(RemoveItemsUpTo{.store = store, .position = last});
    items.remove_up_to(last, KnownItems::not_posted);
  });
}

std::size_t Items::waiting_bytes() const { return posted_bytes_ + appended_->bytes(); }

bool Items::has_room() {
  const Lock lock(mutex_);
  return waiting_bytes() <= crowded_bytes / 2;
}

CommitNumber Items::post(Unit&& unit) {
  const Lock lock(mutex_);
  const std::size_t own = unit.changes.size();
  std::list<Posted> rows;
  CommitNumber number = 0;
  try {
    add_appended(unit.changes, rows);
    number = store_.post(std::move(unit));
  } catch (...) {
    unit.changes.resize(own);
    throw;
  }
  if (!appended_->empty()) post_appended(std::move(rows), number);
  return number;
}

void Items::add_appended(std::vector<Change>& changes, std::list<Posted>& rows) const {
  for (const auto& [store, position] : appended_->removed_up_to) {
    changes.emplace_back(RemoveItemsUpTo{.store = store, .position = position});
    rows.push_back({.number = 0, .store = store, .bytes = 0});
  }
  for (const auto& [place, item] : appended_->items) {
    changes.emplace_back(PutItem{.item = item, .replaces = 0});
    if (rows.empty() || rows.back().store != item->store) {
      rows.push_back({.number = 0, .store = item->store, .bytes = 0});
    }
    rows.back().bytes += item->size();
  }
}

// What the network thread has appended and removed was posted with that number.
void Items::post_appended(std::list<Posted>&& rows, CommitNumber number) {
  posted(std::move(rows), number);
  for (const auto& [store, position] : appended_->removed_up_to) known(store).removal_was_posted(number);
  for (const auto& [place, item] : appended_->items) known(item->store).was_posted(item->position, number);
  *appended_ = ItemChanges();
  ++posts_;
}

// --- Stores

RowNumber Items::find_store(const StoreName& name) {
  {
    const Lock lock(mutex_);
    const auto place = posted_stores_.find(name);
    if (place != posted_stores_.end()) return place->second.first;
  }
  return reader_.find_store(name);
}

RowNumber Items::find_or_make_store(const StoreName& name) {
  if (const RowNumber found = find_store(name); found != 0) return found;
  RowNumber number = 0;
  {
    const Lock lock = lock_to_write();
    number = next_position();
    post_store(name, number, PutStore{.row = {.number = number, .name = name}});
  }
  check_commit();
  return number;
}

bool Items::drop_store(const StoreName& name) {
  const RowNumber number = find_store(name);
  if (number == 0) return false;
  {
    const Lock lock = lock_to_write();
    post_store(name, 0, DropStore{.store = number});
    ++drops_;
    appended_->forget(number);
    const auto place = known_.find(number);
    if (place != known_.end()) {
      weight_ -= place->second->weight();
      known_.erase(place);
    }
  }
  check_commit();
  return true;
}

// The store of that name has this number from now on; 0: there is none.
void Items::post_store(const StoreName& name, RowNumber number, Change&& change) {
  PostedStores row;
  const auto place = row.try_emplace(name, number, CommitNumber{0}).first;
  place->second.second = post(std::move(change), number);
  posted_stores_.erase(name);
  posted_stores_.merge(row);
}

// --- Items

void Items::append(RowNumber store, std::string_view key, double at, std::optional<std::string_view> with,
                   std::string value) {
  auto item = make_item(store, key, at, with, std::move(value));
  {
    const Lock lock = lock_to_write();
    item->position = next_position();
    put(std::move(item));
  }
  check_commit();
}

void Items::accompany(std::string_view key, Change change) {
  companion_ = Companion{.key = std::string(key), .change = std::move(change)};
}

std::optional<Change> Items::take_companion() {
  if (!companion_) return std::nullopt;
  std::optional<Change> change(std::move(companion_->change));
  companion_.reset();
  return change;
}

void Items::replace(const ItemRow& old, double at, std::optional<std::string_view> with, std::string value) {
  auto item = make_item(old.store, old.key, at, with, std::move(value));
  item->position = old.position;
  {
    const Lock lock = lock_to_write();
    put(std::move(item));
  }
  check_commit();
}

void Items::set_all(RowNumber store, std::vector<std::pair<std::string, std::string>> values) {
  {
    const Lock lock = lock_to_write();
    const Position before = last_position_;
    KnownItems& items = known(store);
    std::vector<Change> changes{RemoveItemsUpTo{.store = store, .position = before}};
    std::vector<KnownItems::Prepared> prepared;
    std::size_t bytes = 0;
    for (auto& each : values) {
      auto item = std::make_shared<ItemRow>();
      item->store = store;
      item->position = next_position();
      item->key = std::move(each.first);
      item->value = std::move(each.second);
      bytes += item->size();
      prepared.push_back(items.prepare(item));
      changes.emplace_back(PutItem{.item = std::move(item), .replaces = 0});
    }
    const auto number = post(changes, store, bytes);
    appended_->erase_up_to(store, before);
    change_known(items, [&] {
      items.remove_up_to(before, number);
      for (auto& each : prepared) items.set(std::move(each), number);
    });
  }
  check_commit();
}

void Items::remove(RowNumber store, std::string_view key) {
  auto removal = std::make_shared<ItemRow>();
  removal->key = key;
  {
    const Lock lock = lock_to_write();
    KnownItems& items = known(store);
    const Position posted = items.posted(key);
    auto prepared = items.prepare(std::move(removal));
    const auto number = post(RemoveItem{.store = store, .key = std::string(key), .posted = posted}, store);
    if (posted != 0) appended_->erase(store, posted);
    change_known(items, [&] { items.set(std::move(prepared), number); });
  }
  check_commit();
}

std::size_t Items::truncate(RowNumber store, std::size_t keep) {
  std::size_t removed = 0;
  {
    const Lock lock = lock_to_write();
    const auto place = known_.find(store);
    if (place == known_.end() || !place->second->set_keeps(keep)) {
      removed = unknown;
    } else if (const Position last = place->second->excess(); last != 0) {
      removed = place->second->size() - keep;
      remove_up_to(store, *place->second, last);
    }
  }
  if (removed == unknown) removed = truncate_unknown(store, keep);
  check_commit();
  return removed;
}

// Afterwards they are known.
std::size_t Items::truncate_unknown(RowNumber store, std::size_t keep) {
  const std::size_t most = std::min(keep, KnownItems::most_complete);
  auto items = find(store, {.reverse = true}, most + 1);
  if (items.size() > most && keep > most) return truncate_many(store, keep);
  std::size_t removed = 0;
  if (items.size() > most) {
    removed = committed().count(store, {}) - keep;
    const Lock lock = lock_to_write();
    remove_up_to(store, known(store), items.back()->position);
    items.pop_back();
  }
  const Lock lock(mutex_);
  KnownItems& all = known(store);
  change_known(all, [&] { all.complete(items, keep); });
  return removed;
}

// Afterwards it is known how many they are.
std::size_t Items::truncate_many(RowNumber store, std::size_t keep) {
  ItemReader& reader = committed();
  const std::size_t all = reader.count(store, {});
  const std::size_t removed = all > keep ? all - keep : 0;
  const Position last = removed == 0 ? 0 : reader.position_from_end(store, keep);
  const Lock lock = lock_to_write();
  KnownItems& items = known(store);
  if (last != 0) remove_up_to(store, items, last);
  change_known(items, [&] { items.bound(all - removed, keep); });
  return removed;
}

// --- What is read

Item Items::find(RowNumber store, std::string_view key) {
  Position removed_up_to = 0;
  {
    const Lock lock(mutex_);
    if (const auto place = known_.find(store); place != known_.end()) {
      if (const auto posted = place->second->find(key)) return *posted;
      removed_up_to = place->second->removed_up_to();
    }
  }
  auto item = reader_.find(store, key);
  return item != nullptr && item->position > removed_up_to ? item : nullptr;
}

std::vector<Item> Items::find(RowNumber store, const ItemQuery& query, std::size_t limit) {
  if (query.names_keys()) return find_keys(store, query, limit);
  PostedItems posted;
  {
    const Lock lock(mutex_);
    if (const auto place = known_.find(store); place != known_.end()) posted = place->second->posted_items();
  }
  ItemQuery in_database = query;
  in_database.after = std::max(query.after, posted.removed_up_to);
  // No more than these are read in vain.
  const auto read = reader_.find(store, in_database, limit + posted.keys.size());
  return merge(read, posted, query, limit);
}

std::vector<Item> Items::find_keys(RowNumber store, const ItemQuery& query, std::size_t limit) {
  std::vector<Item> items;
  for (const auto& key : query.named_keys()) {
    auto item = find(store, key);
    if (item != nullptr && query.matches(*item)) items.push_back(std::move(item));
  }
  std::sort(items.begin(), items.end(),
            [](const Item& one, const Item& other) { return one->position < other->position; });
  if (query.reverse) std::reverse(items.begin(), items.end());
  if (items.size() > limit) items.resize(limit);
  return items;
}

}  // namespace pubsub_mqtt::store
