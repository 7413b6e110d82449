#include "pubsub_mqtt/store/items.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <new>
#include <variant>

#include "known_items.h"

namespace pubsub_mqtt::store {
namespace {

// Of what is changed and not committed: beyond it who changes more waits.
constexpr std::size_t most_posted_bytes = std::size_t{64} << 20U;
constexpr std::chrono::seconds longest_wait{10};
// Of that, what is some hundred milliseconds of writing.
constexpr std::size_t crowded_bytes = std::size_t{16} << 20U;
// Keys whose positions are known, of all stores.
constexpr std::size_t most_weight = 200000;
// How often in a row what is gathered is left to the unit of the network thread's turn, for which memory may not suffice.
constexpr int most_left = 50;

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

Items::Items(Store& store, Access access) : store_(store), access_(access), reader_(store.settings()) {
  store_.on_commit([this] {
    Lock lock(mutex_);
    settle(lock);
  });
  store_.on_gather([this](bool is_last) {
    const Lock lock(mutex_);
    const bool posts = is_pending() && (!is_in_turn_ || is_last || ++times_left_ > most_left);
    if (posts) post_pending({});
    is_gathered_ = is_pending();  // not where what has changed leaves nothing
    return !is_gathered_;
  });
}

Items::~Items() = default;

void Items::close_before_fork() { reader_.close(); }

// --- What is changed

Items::Lock Items::lock_to_write() {
  Lock lock(mutex_);
  if (last_position_ == 0) last_position_ = reader_.last_position();
  if (!store_.is_started()) return lock;
  const auto has_room = [this] { return waiting_bytes() < most_posted_bytes || store_.is_failing(); };
  if (!has_room() && !settled_.wait_for(lock, longest_wait, has_room)) {
    throw ItemsError("The disk is too slow for what is to be stored");
  }
  if (store_.is_failing()) throw ItemsError("The store cannot be written, see above");
  return lock;
}

// On a full disk room comes of nothing else.
Items::Lock Items::lock_to_remove() {
  if (!store_.is_failing() || !store_.is_full()) return lock_to_write();
  Lock lock(mutex_);
  if (last_position_ == 0) last_position_ = reader_.last_position();
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

template <typename Work>
void Items::change_known(KnownItems& items, Work&& work) {
  const std::size_t before = items.weight();
  work();
  weight_ += items.weight() - before;
}

// All memory first, here and below: where it runs out, neither what is pending nor what is known has changed.
void Items::put(Item item) {
  KnownItems& items = known(item->store);
  const auto place = items.place(item->key);
  auto prepared = items.prepare(item);
  pending_.put(std::move(item), items.posted(place));
  change_known(items, [&] { items.set(std::move(prepared), place, batch_); });
}

void Items::remove_up_to(RowNumber store, KnownItems& items, Position position) {
  pending_.remove_up_to(store, position);
  change_known(items, [&] { items.remove_up_to(position, batch_); });
}

// By Prosody's thread. Where the store's has not started, it is committed when this returns, or that has failed.
void Items::changed(Lock& lock) {
  commit_soon(lock);
  if (!store_.is_started() && store_.is_failing()) {
    throw ItemsError("The store cannot be written, see above");
  }
}

void Items::commit_soon(Lock& lock) {
  ++times_changed_;
  changed_batch_ = batch_;
  if (!store_.is_started()) {
    post_pending({});
    settle(lock);
  } else if (!std::exchange(is_gathered_, true)) {
    store_.gather();
  }
}

BatchNumber Items::add(Change change) {
  Lock lock(mutex_);
  companions_.push_back(std::move(change));
  const BatchNumber batch = batch_;
  commit_soon(lock);
  return batch;
}

CommitNumber Items::post(Unit&& unit) {
  const Lock lock(mutex_);
  return post_pending(std::move(unit));
}

bool Items::is_pending() const { return !pending_.empty() || !companions_.empty(); }

CommitNumber Items::post_pending(Unit&& unit) {
  if (!is_pending()) return store_.post(std::move(unit));
  std::list<Posted> row(1);
  Posted& posted = row.front();
  posted = {.number = 0, .batch = batch_, .bytes = pending_.bytes(), .stores = pending_.changed_stores()};
  auto& changes = unit.changes;
  const auto own = static_cast<std::ptrdiff_t>(changes.size());
  changes.reserve(changes.size() + companions_.size() + 1);
  std::move(companions_.begin(), companions_.end(), std::back_inserter(changes));
  changes.emplace_back(std::move(pending_));
  try {
    posted.number = store_.post(std::move(unit));
  } catch (const std::bad_alloc&) {
    pending_ = std::get<ItemChanges>(std::move(changes.back()));
    std::move(changes.begin() + own, changes.end() - 1, companions_.begin());
    changes.erase(changes.begin() + own, changes.end());
    throw;
  }
  pending_ = ItemChanges();
  companions_.clear();
  is_gathered_ = is_in_turn_ = false;
  times_left_ = 0;
  ++batch_;
  posted_bytes_ += posted.bytes;
  posted_.splice(posted_.end(), row);
  return posted_.back().number;
}

bool Items::is_all_committed() {
  const Lock lock(mutex_);
  const bool waits = changed_batch_ == batch_ && is_pending();
  return !waits && settled_batch_ >= std::min(changed_batch_, batch_ - 1);
}

BatchNumber Items::settled_batch() {
  const Lock lock(mutex_);
  return settled_batch_;
}

// Without memory, of which there may be none where a commit fails.
void Items::settle(Lock& /*lock*/) {
  const CommitNumber committed = store_.committed();
  for (; !posted_.empty() && posted_.front().number <= committed; posted_.pop_front()) {
    const Posted& posted = posted_.front();
    posted_bytes_ -= posted.bytes;
    settled_batch_ = posted.batch;
    for (const RowNumber store : posted.stores) {
      const auto place = known_.find(store);
      if (place == known_.end()) continue;
      KnownItems& items = *place->second;
      change_known(items, [&] { items.settle(settled_batch_); });
      if (items.is_empty()) known_.erase(place);
    }
  }
  std::erase_if(posted_stores_, [&](const auto& posted) { return posted.second.second <= settled_batch_; });
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

// What was changed before: others go on.
ItemReader& Items::committed() {
  Lock lock(mutex_);
  const auto awaited = is_pending() ? batch_ : batch_ - 1;
  const auto is_committed = [&] { return settled_batch_ >= awaited; };
  if (!is_committed() && store_.is_started()) {
    if (is_in_turn_) {
      store_.gather();
    } else {
      post_pending({});
    }
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
  is_in_turn_ = true;
  return waiting_bytes() >= crowded_bytes ? Appended::and_is_crowded : Appended::yes;
}

// What is removed for the item needs no memory afterwards.
void Items::append_and_trim(Item item) {
  const RowNumber store = item->store;
  KnownItems& items = known(store);
  if (items.is_full()) pending_.remove_up_to(store, 0);
  put(std::move(item));
  if (const Position last = items.excess(); last != 0) remove_up_to(store, items, last);
}

std::size_t Items::waiting_bytes() const { return posted_bytes_ + pending_.bytes(); }

bool Items::has_room() {
  const Lock lock(mutex_);
  return waiting_bytes() <= crowded_bytes / 2;
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
  Lock lock = lock_to_write();
  const RowNumber number = next_position();
  auto row = posted_store(name, number);
  pending_.put_store({.number = number, .name = name});
  posted_stores_.erase(name);
  posted_stores_.insert(std::move(row));
  changed(lock);
  return number;
}

bool Items::drop_store(const StoreName& name) {
  const RowNumber number = find_store(name);
  if (number == 0) return false;
  Lock lock = lock_to_remove();
  auto row = posted_store(name, 0);
  pending_.drop_store(number);
  posted_stores_.erase(name);
  posted_stores_.insert(std::move(row));
  ++drops_;
  const auto place = known_.find(number);
  if (place != known_.end()) {
    weight_ -= place->second->weight();
    known_.erase(place);
  }
  changed(lock);
  return true;
}

// The store of that name has this number from now on; 0: there is none.
Items::PostedStores::node_type Items::posted_store(const StoreName& name, RowNumber number) const {
  PostedStores row;
  row.try_emplace(name, number, batch_);
  return row.extract(row.begin());
}

// --- Items

void Items::append(RowNumber store, std::string_view key, double at, std::optional<std::string_view> with,
                   std::string value) {
  auto item = make_item(store, key, at, with, std::move(value));
  Lock lock = lock_to_write();
  item->position = next_position();
  const bool is_accompanied = companion_ && companion_->key == key;
  if (is_accompanied) companions_.reserve(companions_.size() + 1);
  put(std::move(item));
  if (is_accompanied) companions_.push_back(*take_companion());
  changed(lock);
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
  Lock lock = lock_to_write();
  put(std::move(item));
  changed(lock);
}

void Items::set_all(RowNumber store, std::vector<std::pair<std::string, std::string>> values) {
  Lock lock = lock_to_write();
  const Position before = next_position();  // another process may have put some since the last one
  KnownItems& items = known(store);
  ItemChanges all;
  all.remove_up_to(store, before);
  std::vector<KnownItems::Prepared> prepared;
  for (auto& each : values) {
    auto item = std::make_shared<ItemRow>();
    item->store = store;
    item->position = next_position();
    item->key = std::move(each.first);
    item->value = std::move(each.second);
    prepared.push_back(items.prepare(item));
    all.put(std::move(item), 0);
  }
  pending_.add(all);
  change_known(items, [&] {
    items.remove_up_to(before, batch_);
    for (auto& each : prepared) {
      const auto place = items.place(each.key());
      items.set(std::move(each), place, batch_);
    }
  });
  changed(lock);
}

void Items::remove(RowNumber store, std::string_view key) {
  auto removal = std::make_shared<ItemRow>();
  removal->key = key;
  Lock lock = lock_to_remove();
  KnownItems& items = known(store);
  const auto place = items.place(key);
  auto prepared = items.prepare(removal);
  pending_.remove(store, key, items.posted(place));
  change_known(items, [&] { items.set(std::move(prepared), place, batch_); });
  changed(lock);
}

std::size_t Items::truncate(RowNumber store, std::size_t keep) {
  {
    Lock lock = lock_to_remove();
    const auto place = known_.find(store);
    if (place != known_.end() && place->second->set_keeps(keep)) {
      KnownItems& items = *place->second;
      const Position last = items.excess();
      if (last == 0) return 0;
      const std::size_t removed = items.size() - keep;
      remove_up_to(store, items, last);
      changed(lock);
      return removed;
    }
  }
  return truncate_unknown(store, keep);
}

// Afterwards they are known.
std::size_t Items::truncate_unknown(RowNumber store, std::size_t keep) {
  const std::size_t most = std::min(keep, KnownItems::most_complete);
  auto items = find(store, {.reverse = true}, most + 1);
  if (items.size() > most && keep > most) return truncate_many(store, keep);
  std::size_t removed = 0;
  if (items.size() > most) {
    removed = committed().count(store, {}) - keep;
    Lock lock = lock_to_remove();
    remove_up_to(store, known(store), items.back()->position);
    changed(lock);
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
  Lock lock = lock_to_remove();
  if (last != 0) {
    remove_up_to(store, known(store), last);
    changed(lock);
  }
  KnownItems& items = known(store);
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
