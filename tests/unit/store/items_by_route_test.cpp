// Items that go past Prosody's thread.
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "database.h"
#include "items_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::ElementsAre;

// With the packet identifiers of the same turn: who publishes again after a crash must not have two items.
TEST_F(ItemsByRoute, AreCommittedWithTheUnitOfTheirTurnAndNotBefore) {
  open->items.committed();
  append({"a"});
  publish("by Prosody");
  open->items.add(RemoveSession{1});
  for (int i = 0; i < 3; ++i) {
    open->store.gather();
    const CommitNumber number = open->store.post({.changes = {new_session(2)}, .last_number = 2});
    while (open->store.committed() < number) std::this_thread::yield();
  }
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 1) << "the first";
  open->items.post({.changes = {new_session(3, "3")}, .last_number = 3});
  while (!open->items.is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 3);
}

// Where memory does not suffice for that unit.
TEST_F(ItemsByRoute, AreCommittedWithoutTheUnitOfATurnThatDoesNotEnd) {
  append({"a"});
  publish("by Prosody");
  while (!open->items.is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 3);
}

TEST_F(ItemsByRoute, AreCommittedAtTheEndOfTheThread) {
  append({"a"});
  publish("by Prosody");
  open->store.stop(patience);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 3);
}

TEST_F(ItemsByRoute, AreSeenAtOnceAndTrimmed) {
  append({"a", "b", "c", "d"});
  EXPECT_THAT(keys(), ElementsAre("b", "c", "d"));
  EXPECT_EQ(open->items.find(number, "a"), nullptr);
  EXPECT_EQ(open->items.find(number, "d")->with, "publisher");
  publish("e");
  append({"f"});
  EXPECT_THAT(open->keys(number, {.reverse = true}, 2), ElementsAre("f", "e"));
  EXPECT_THAT(keys_after_restart(), ElementsAre("d", "e", "f"));
}

TEST_F(ItemsByRoute, AreCommittedWithTheUnitThatIsPostedNext) {
  append({"a"});
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item WHERE key = 'a'"), 0);
  open->items.post({.changes = {new_session(1)}, .last_number = 1});
  EXPECT_EQ(open->items.committed().count(number, {}), 2U);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item WHERE key = 'a'"), 1);
  EXPECT_EQ(number_in_database("SELECT count(*) FROM session"), 1);
}

// The limit is that of the moment when an item is put, not when its route was given.
TEST_F(ItemsByRoute, AreAsManyAsPubsubKeepsNow) {
  append({"a", "b"});
  open->items.truncate(number, 1);
  EXPECT_THAT(keys(), ElementsAre("b"));
  append({"c", "d"});
  EXPECT_THAT(keys(), ElementsAre("d"));
  open->items.truncate(number, 2);
  append({"e", "f"});
  EXPECT_THAT(keys_after_restart(), ElementsAre("e", "f"));
}

// What Prosody changes before the turn ends stays changed.
TEST_F(ItemsByRoute, AreChangedBeforeTheyArePosted) {
  append({"a", "b", "c"});
  open->items.remove(number, "a");
  open->items.replace(*open->items.find(number, "b"), 2, std::nullopt, "new");
  EXPECT_THAT(keys_after_restart(), ElementsAre("b", "c"));
  EXPECT_EQ(open->items.find(number, "b")->value, "new");
}

TEST_F(ItemsByRoute, AreGoneWithTheirStore) {
  append({"a"});
  open->items.drop_store(name());
  EXPECT_FALSE(append("b"));
  EXPECT_NE(open->items.find_or_make_store(name()), number);
  open->items.post({});
  open->items.committed();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM item"), 0);
}

TEST_F(ItemsByRoute, GoThroughPubsubWhereThatMustSeeThem) {
  EXPECT_TRUE(open->items.takes_appends(number));
  route();
  route_->withdraw();
  EXPECT_FALSE(append("a"));
  const RowNumber unknown = open->items.find_or_make_store(name("other"));
  open->append(unknown, "b");
  EXPECT_FALSE(open->items.takes_appends(unknown));
  EXPECT_EQ(open->items.append_by(Route(2, 100, unknown), "c", 1, std::nullopt, ""), Appended::no);
  EXPECT_THAT(keys(), ElementsAre("first"));
}

// Of a store with more than that keys are not known, but how many there are.
TEST_F(ItemsByRoute, AreManyWhereManyStay) {
  constexpr int many = 10200;
  open->items.truncate(number, many);
  int last = 0;
  const auto append_next = [&] {
    if (!append(std::to_string(last + 1))) return false;
    if (++last % 1000 == 0) open->items.post({});
    return true;
  };
  while (last < many + 100) ASSERT_TRUE(append_next()) << last;
  open->items.post({});
  EXPECT_EQ(open->items.truncate(number, many), 0U) << "few are too many";
  while (append_next()) continue;
  open->items.post({});
  EXPECT_FALSE(open->items.takes_appends(number));
  open->append(number, "by pubsub");
  EXPECT_GT(open->items.truncate(number, many), 100U);
  EXPECT_TRUE(open->items.takes_appends(number));
  EXPECT_EQ(open->items.committed().count(number, {}), static_cast<std::size_t>(many));
  EXPECT_EQ(open->items.truncate(number, 10), many - 10U);
  append({"last"});
  EXPECT_THAT(open->keys(number, {.reverse = true}, 2), ElementsAre("last", "by pubsub"));
  open->items.post({});
  EXPECT_EQ(open->items.committed().count(number, {}), 10U);
}

// There is no cliff: the one that is busy stays known while others come and go.
TEST_F(ItemsByRoute, OfStoresThatNobodyUsesAreForgottenFirst) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 10000; ++i) many.emplace_back(std::to_string(i), "value");
  std::vector<RowNumber> others;
  for (int i = 0; i < 25; ++i) {
    others.push_back(open->items.find_or_make_store(name("user" + std::to_string(i))));
    open->items.set_all(others.back(), many);
    open->items.truncate(others.back(), many.size());
    open->items.committed();
    EXPECT_TRUE(append(std::to_string(i))) << "it is known all the time";
    open->items.post({});
  }
  EXPECT_FALSE(open->items.takes_appends(others.front()));
  EXPECT_TRUE(open->items.takes_appends(others.back()));
}

// Who publishes waits, long before Prosody's thread has to.
TEST_F(ItemsByRoute, SayWhenTheyAreMoreThanCanBeWritten) {
  const std::string large(std::size_t{1} << 20U, 'a');
  int appended = 0;
  while (open->items.append_by(route(), std::to_string(++appended), 1, std::nullopt, large) ==
         Appended::yes) {
    open->items.truncate(number, 100);
  }
  EXPECT_EQ(appended, 16);
  EXPECT_FALSE(open->items.has_room());
  open->items.post({});
  open->items.committed();
  EXPECT_TRUE(open->items.has_room());
}

// Of a thousand that are posted while one commit lasts, those are written that stay.
TEST_F(ItemsByRoute, ThatDoNotStayAreNotWritten) {
  open->items.committed();
  Database database;
  database.open(settings());
  database.run("CREATE TABLE written (key TEXT)");
  database.run("CREATE TRIGGER writes AFTER INSERT ON item BEGIN INSERT INTO written VALUES (new.key); END");
  std::promise<void> posted;
  std::atomic<bool> is_held = false;
  open->store.start([&, goes_on = posted.get_future().share()] {
    is_held = true;
    is_held.notify_all();
    goes_on.wait();
  });
  open->items.post({.changes = {new_session(1)}, .last_number = 1});
  is_held.wait(false);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(append(std::to_string(i)));
    open->items.post({});
  }
  posted.set_value();
  open->items.committed();
  open->store.stop_notifying();
  EXPECT_EQ(number_in_database("SELECT count(*) FROM written"), static_cast<std::int64_t>(keeps));
  EXPECT_THAT(keys(), ElementsAre("997", "998", "999"));
}

// When a route was withdrawn, what is read next has all that went by it, whatever the other thread is about.
TEST_F(ItemsByRoute, NoneComesAfterTheRouteWasWithdrawn) {
  int last = 0;
  for (int round = 0; round < 200; ++round) {
    Route way(1, 100, number);
    std::atomic<int> appended = 0;
    std::jthread network([&] {
      while (open->items.append_by(way, std::to_string(last + 1), 1, std::nullopt, "") != Appended::no) {
        appended = ++last;
        appended.notify_all();
        if (last % 10 == 0) open->items.post({});
      }
    });
    appended.wait(0);
    way.withdraw();
    const auto newest = open->items.find(number, {.reverse = true}, 1);
    network.join();
    ASSERT_EQ(newest.at(0)->key, std::to_string(last));
  }
  EXPECT_THAT(keys(), testing::SizeIs(keeps));
}

}  // namespace
}  // namespace pubsub_mqtt::store
