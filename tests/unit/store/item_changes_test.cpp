// Changes are posted in batches, and batches are committed in groups: what is in the database in the end must not
// depend on where these end.
#include "pubsub_mqtt/store/item_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using Positions = std::map<std::string, Position>;  // by key

// Stores and their items, as the table has them: one of each key, one at each position.
struct Tables {
  // In the order of ItemWriter.
  void write(const ItemChanges& changes) {
    for (const RowNumber store : changes.dropped_stores) stores.erase(store);
    for (const auto& [store, position] : changes.removed_up_to) {
      std::erase_if(stores[store], [&](const auto& item) { return item.second <= position; });
    }
    for (const auto& [store, key] : changes.removed) stores[store].erase(key);
    for (const auto& [place, item] : changes.items) stores[place.first][item->key] = place.second;
    std::erase_if(stores, [](const auto& store) { return store.second.empty(); });
  }
  std::map<RowNumber, Positions> stores;
};

class Changer {
 public:
  explicit Changer(unsigned seed) : random_(seed) {}

  void change(ItemChanges& changes) {
    const RowNumber store = 1 + random_() % 3;
    const std::string key(1, static_cast<char>('a' + random_() % 5));
    Positions& items = expected.stores[store];
    const Position there = items.contains(key) ? items[key] : 0;
    switch (random_() % 10) {
      case 0:
        changes.remove(store, key, there);
        items.erase(key);
        break;
      case 1: {
        const Position up_to = last_ - random_() % 5;
        changes.remove_up_to(store, up_to);
        std::erase_if(items, [&](const auto& item) { return item.second <= up_to; });
        break;
      }
      case 2:  // in its place
        if (there != 0) changes.put(new_item(store, there, key), there);
        break;
      case 3:
        if (random_() % 4 != 0) break;
        changes.drop_store(store);
        items.clear();
        break;
      default:
        changes.put(new_item(store, ++last_, key), there);
        items[key] = last_;
    }
    std::erase_if(expected.stores, [](const auto& each) { return each.second.empty(); });
  }
  bool ends(unsigned one_of) { return random_() % one_of == 0; }

  Tables expected;

 private:
  std::minstd_rand random_;
  Position last_ = 10;
};

TEST(ItemChangesTest, LeaveTheSameWhereverBatchesEnd) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Changer changer(seed);
    Tables tables;
    ItemChanges group;
    for (int batches = 0; batches < 40; ++batches) {
      ItemChanges batch;
      do changer.change(batch);
      while (!changer.ends(4));
      group.add(batch);
      if (!changer.ends(3)) continue;
      tables.write(group);
      ASSERT_EQ(tables.stores, changer.expected.stores);
      group = ItemChanges();
    }
  }
}

TEST(ItemChangesTest, LeaveOnlyWhatStays) {
  ItemChanges group;
  for (Position position = 1; position <= 1000; ++position) {
    ItemChanges changes;
    changes.put(new_item(1, position, std::to_string(position)), 0);
    if (position > 20) changes.remove_up_to(1, position - 20);
    group.add(changes);
  }
  EXPECT_EQ(group.items.size(), 20U);
  EXPECT_EQ(group.rows(), 21U);
}

TEST(ItemChangesTest, CountTheBytesOfWhatStays) {
  ItemChanges changes;
  for (Position position = 1; position <= 5; ++position)
    changes.put(new_item(1, position, "key"), position - 1);
  EXPECT_EQ(changes.bytes(), new_item(1, 5, "key")->size());
  ItemChanges more;
  more.put(new_item(1, 5, "other"), 5);
  more.put(new_item(2, 6, "key"), 0);
  changes.add(more);
  EXPECT_EQ(changes.bytes(), new_item(1, 5, "other")->size() + new_item(2, 6, "key")->size());
  changes.drop_store(2);
  changes.remove(1, "other", 5);
  EXPECT_EQ(changes.bytes(), 0U);
  EXPECT_EQ(changes.last_position(), 6U);
}

TEST(ItemChangesTest, NameTheStoresThatHaveChanged) {
  ItemChanges changes;
  changes.put_store({.number = 7, .name = {}});
  changes.put(new_item(1, 8, "a"), 0);
  changes.put(new_item(1, 9, "b"), 0);
  changes.remove(2, "a", 0);
  changes.remove_up_to(3, 5);
  changes.drop_store(4);
  const auto changed = changes.changed_stores();
  EXPECT_THAT(std::set(changed.begin(), changed.end()), ::testing::ElementsAre(1, 2, 3, 4, 7));
}

}  // namespace
}  // namespace pubsub_mqtt::store
