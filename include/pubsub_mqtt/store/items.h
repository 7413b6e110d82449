// Prosody's stores, read and written through the store.
//
// What is changed is seen by whoever reads from then on, committed or not: what is not known to be committed is taken
// first, then the database is read, and what both have goes by the former. It is posted some milliseconds later, or
// with the unit that post() gets before that. No lock is held while SQLite reads, and no statement stays open between
// two calls.
//
// Where the store cannot be read or written, a call throws ItemsError, or where memory runs out std::bad_alloc, and
// nothing was changed; but what is removed on a full disk is, and that is written while nothing else can be. A call
// throws before the store's thread has started, too, where the commit of a change fails: then the change was made, and
// is tried again with the next.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pubsub_mqtt/boundary/route.h"
#include "pubsub_mqtt/store/item_reader.h"
#include "pubsub_mqtt/store/item_rows.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::store {

// What was done with an item that goes by a route: nothing; or it was appended, and there is more than can be written
// soon, so that its publisher should wait until there is room again.
enum class Appended : std::uint8_t { no, yes, and_is_crowded };

class KnownItems;

// Of changes that are posted together, from 1.
using BatchNumber = std::uint64_t;

class Items {
 public:
  // `store` was opened, for `access`; this outlives its thread.
  Items(Store& store, Access access);
  ~Items();
  Items(const Items&) = delete;
  Items& operator=(const Items&) = delete;

  // Prosody's thread, as all that says nothing else. 0: there is none.
  RowNumber find_store(const StoreName& name);
  RowNumber find_or_make_store(const StoreName& name);
  // With its items. Returns false where there is none.
  bool drop_store(const StoreName& name);
  // Grows with each store that is dropped, and where another process may have dropped one: a number from before may be
  // that of one.
  std::uint64_t drops() const { return drops_ + store_.times_others_wrote(); }

  // Puts it at the end, in the place of one with the same key.
  void append(RowNumber store, std::string_view key, double at, std::optional<std::string_view> with,
              std::string value);
  // Has the change committed with the item of that key which is put next, in whatever store: both or neither.
  void accompany(std::string_view key, Change change);
  // Returns the change where there was no such item, and forgets it.
  std::optional<Change> take_companion();
  // Puts it where `old`, one of the store's, is.
  void replace(const ItemRow& old, double at, std::optional<std::string_view> with, std::string value);
  // All others are gone, in the same commit.
  void set_all(RowNumber store, std::vector<std::pair<std::string, std::string>> values);
  void remove(RowNumber store, std::string_view key);
  // Removes the oldest. Returns how many. Of more than 10,000 a sixty-fourth may stay beyond `keep` for a while.
  std::size_t truncate(RowNumber store, std::size_t keep);

  // At most `limit`, in order.
  std::vector<Item> find(RowNumber store, const ItemQuery& query, std::size_t limit);
  Item find(RowNumber store, std::string_view key);

  // What asks for more than items waits until all is committed that was changed before, and reads that.
  ItemReader& committed();

  void close_before_fork();

  // Has the change, of other rows, committed with what is changed here before it or soon after it, and no earlier.
  // Returns the number of their batch. Does not throw ItemsError.
  BatchNumber add(Change change);
  // All batches up to that one are committed.
  BatchNumber settled_batch();
  // Nothing that Prosody's thread has changed waits to be committed.
  bool is_all_committed();
  // How often Prosody's thread has changed something here.
  std::uint64_t times_changed() const { return times_changed_; }

  // --- Past Prosody's thread, by a route (boundary/route.h)

  // Whether append_by() would do so.
  bool takes_appends(RowNumber store);
  // The network thread, as what follows. Puts an item at the end of the route's store, and removes the oldest, so that
  // as many are left as the last truncate() was to keep. All see that at once; it is committed with the unit that
  // post() gets next, at the end of the turn. `no` where the route was withdrawn, or this is Prosody's thread's work: how
  // many items there are is not known, or the store cannot be written.
  Appended append_by(const Route& route, std::string_view key, double at,
                     std::optional<std::string_view> with, std::string value);
  // It is crowded no more.
  bool has_room();
  // Posts the unit, and in it all that has changed here since the last one. Where memory runs out, `unit` is as it was.
  CommitNumber post(Unit&& unit);

 private:
  using Lock = std::unique_lock<std::mutex>;
  // What is posted together is a batch, with a number of its own.
  struct Posted {
    CommitNumber number = 0;
    BatchNumber batch = 0;
    std::size_t bytes = 0;
    std::vector<RowNumber> stores = {};
  };
  // By name: the number, 0 where it was dropped, and the batch that has it so, which may still be pending.
  using PostedStores = std::map<StoreName, std::pair<RowNumber, BatchNumber>>;

  Lock lock_to_write();
  Lock lock_to_remove();
  void changed(Lock& lock);
  void commit_soon(Lock& lock);
  // With the mutex.
  bool is_pending() const;
  CommitNumber post_pending(Unit&& unit);
  Position next_position();
  KnownItems& known(RowNumber store);
  PostedStores::node_type posted_store(const StoreName& name, RowNumber number) const;
  template <typename Work>
  void change_known(KnownItems& items, Work&& work);
  void put(Item item);
  void append_and_trim(Item item);
  void remove_up_to(RowNumber store, KnownItems& items, Position position);
  void settle(Lock& lock);
  void forget_some();
  std::size_t waiting_bytes() const;

  std::vector<Item> find_keys(RowNumber store, const ItemQuery& query, std::size_t limit);
  std::size_t truncate_unknown(RowNumber store, std::size_t keep);
  std::size_t truncate_many(RowNumber store, std::size_t keep);

  Store& store_;
  const Access access_;
  ItemReader reader_;
  std::uint64_t drops_ = 0;
  std::uint64_t times_changed_ = 0;
  struct Companion {
    std::string key;
    Change change;
  };
  std::optional<Companion> companion_;

  std::mutex mutex_;
  std::condition_variable settled_;
  // With the mutex.
  Position last_position_ = 0;
  std::unordered_map<RowNumber, std::unique_ptr<KnownItems>> known_;
  ItemChanges pending_;             // that are not posted
  std::vector<Change> companions_;  // that go with these
  BatchNumber batch_ = 1;           // the one that they are to be
  BatchNumber changed_batch_ = 0;   // the last one that Prosody's thread has changed
  bool is_gathered_ = false;        // the store's thread was asked to post them
  bool is_in_turn_ = false;         // some belong to the unit of a turn that has not ended
  int times_left_ = 0;              // to that, in a row
  PostedStores posted_stores_;
  std::list<Posted> posted_;
  std::size_t posted_bytes_ = 0;
  BatchNumber settled_batch_ = 0;
  std::size_t weight_ = 0;  // of all known_
};

}  // namespace pubsub_mqtt::store
