// Memory runs out at each allocation of the store's thread, one after the other: nothing of that group is said to be
// committed, and all of it is when there is memory again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../base/failing_allocation.h"
#include "pubsub_mqtt/store/items.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::HasSubstr;
using tests::Fail;
using tests::FailIn;
using tests::FailingAllocation;

constexpr std::size_t most_allocations = 1000;

ItemChanges of_items(void (*change)(ItemChanges&)) {
  ItemChanges changes;
  change(changes);
  return changes;
}

// Of each kind that a group keeps apart, and what one unit puts and the next removes.
std::vector<Change> first_unit() {
  return {new_session(1),
          new_session(2, "a client with a long identifier"),
          new_audience(3, std::string(100, 'm')),
          new_message(4, std::string(2000, 'p')),
          new_message(5),
          new_inflight(1, 1, 4),
          CursorRow{.session = 1, .message = 4},
          Put<FilterRow>{.row = {.session = 1, .subscription = {.topic_filter = TopicFilter("h/utf8/#")}}},
          Put<ReceivedRow>{.row = {.session = 1, .packet_identifier = 9}},
          Put<IntentRow>{.row = {.session = 1, .packet_identifier = 7, .item = std::string(40, 'i')}},
          Put<WillRow>{.row = {.session = 1}},
          Put<CleanWillRow>{.row = {.number = 6}},
          PutRetained{std::make_shared<const RetainedRow>(RetainedRow{.host = "h", .node = "n"})},
          of_items([](ItemChanges& changes) {
            changes.put_store({.number = 8, .name = {.host = "h", .name = "n", .user = {}}});
            changes.put_store({.number = 9, .name = {.host = "h", .name = "o", .user = {}}});
            for (Position position = 10; position < 12; ++position)
              changes.put(new_item(8, position, std::to_string(position)), 0);
          })};
}
std::vector<Change> second_unit() {
  return {RemoveSession{2}, RemoveMessage{5}, RemoveMessagesUpTo{.audience = 3, .message = 2},
          RemoveReceived{.session = 1, .packet_identifier = 9}, of_items([](ItemChanges& changes) {
            changes.drop_store(9);
            changes.drop_store(80);
            changes.remove(8, "10", 10);
            changes.put(new_item(8, 12, "11"), 11);
            changes.remove_up_to(80, 1);
          })};
}

class OutOfMemoryTest : public StoreTest {
 protected:
  void begin_anew() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
  }
  std::int64_t count(const std::string& table) const {
    return query(path(), ("SELECT count(*) FROM " + table).c_str());
  }
  void check_whole() const {
    for (const char* table : {"session", "audience", "message", "inflight", "cursor", "filter", "intent",
                              "will", "clean_will", "retained", "prosody_store", "item"}) {
      EXPECT_EQ(count(table), 1) << table;
    }
    EXPECT_EQ(count("received"), 0);
  }
};

TEST_F(OutOfMemoryTest, AtEachAllocationNothingIsLost) {
  std::size_t n = 0;
  bool failed = true;
  std::size_t said = 0;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    begin_anew();
    RunningStore store(settings());
    ASSERT_TRUE(store.await(store.post({})));
    auto first = first_unit();
    auto second = second_unit();
    {
      const FailingAllocation failing(n, FailIn::other_threads);
      store.post(std::move(first));
      const auto last = store.post(std::move(second));
      ASSERT_TRUE(store.await(last));
      failed = failing.has_failed();
    }
    check_whole();
    if (store.log().find("cannot be written: memory has run out") != std::string::npos) ++said;
  }
  EXPECT_GT(said, 20U);
  EXPECT_LT(n, most_allocations);
}

TEST_F(OutOfMemoryTest, WhileThereIsNoneNothingIsCommittedAndThenAllIs) {
  RunningStore store(settings());
  ASSERT_TRUE(store.await(store.post({})));
  const auto before = store.committed();
  const auto failures = store.metrics().failed_commits;
  CommitNumber last = 0;
  {
    FailingAllocation failing(1, FailIn::other_threads, Fail::from_then_on);
    store.post(first_unit());
    last = store.post(second_unit());
    ASSERT_TRUE(store.await([&] { return failing.has_failed() && store.store().is_failing(); }));
    EXPECT_EQ(store.committed(), before);
    EXPECT_EQ(store.metrics().failed_commits, failures) << "nothing was tried";
    EXPECT_EQ(count("session"), 0);
  }
  ASSERT_TRUE(store.await(last));
  EXPECT_THAT(store.log(), HasSubstr("can be written again"));
  check_whole();
}

// SQLite's own memory.
TEST_F(OutOfMemoryTest, OfSqlitesNothingIsLostEither) {
  RunningStore store(settings());
  ASSERT_TRUE(store.await(store.post({})));
  sqlite3_hard_heap_limit64(1);
  store.post(first_unit());
  const auto last = store.post(second_unit());
  EXPECT_TRUE(store.await_log("cannot be written: memory has run out"));
  EXPECT_LT(store.committed(), last);
  sqlite3_hard_heap_limit64(0);
  ASSERT_TRUE(store.await(last));
  EXPECT_THAT(store.log(), HasSubstr("can be written again"));
  check_whole();
}

TEST_F(OutOfMemoryTest, APageIsReadAllTheSame) {
  RunningStore store(settings());
  std::vector<Change> changes{new_audience(1)};
  for (RowNumber i = 2; i <= 50; ++i) changes.emplace_back(new_message(i, std::string(100, 'x')));
  ASSERT_TRUE(store.await(store.post(std::move(changes))));
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    const FailingAllocation failing(n, FailIn::other_threads);
    const auto page =
        store.read({.audiences = {1}, .after = 0, .up_to = 50, .messages = 100, .bytes = 1000000});
    failed = failing.has_failed();
    ASSERT_EQ(page.messages.size(), 49U);
    EXPECT_EQ(page.messages.back().publication->payload, std::string(100, 'x'));
    EXPECT_FALSE(page.is_damaged);
  }
  EXPECT_GT(n, 50U);
  EXPECT_LT(n, most_allocations);
}

TEST_F(OutOfMemoryTest, OnTheThreadAllThatWasPostedOfItemsIsSettled) {
  Store store(settings());
  Items items(store, Access::alone);
  ASSERT_TRUE(store.open_for_items(Access::alone));
  ASSERT_TRUE(store.start(nullptr));
  const auto number =
      items.find_or_make_store({.host = "h", .kind = StoreKind::archive, .name = "n", .user = {}});
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    const FailingAllocation failing(n, FailIn::other_threads);
    items.append(number, std::to_string(n), 1, std::nullopt, "<a/>");
    while (!items.is_all_committed()) std::this_thread::yield();
    failed = failing.has_failed();
  }
  EXPECT_EQ(items.committed().count(number, {}), n);
  EXPECT_GT(n, 1U);
  EXPECT_LT(n, most_allocations);
  store.stop(patience);
}

// What is to be forgotten of the stores is ordered, which takes memory, after a commit that fails for lack of memory.
TEST_F(OutOfMemoryTest, OnTheThreadManyStoresAreForgottenLater) {
  constexpr std::size_t stores = 20;
  constexpr std::size_t items_of_each = 10000;
  Store store(settings());
  Items items(store, Access::alone);
  ASSERT_TRUE(store.open_for_items(Access::alone));
  ASSERT_TRUE(store.start(nullptr));
  std::vector<std::pair<std::string, std::string>> values;
  for (std::size_t i = 0; i < items_of_each; ++i) values.emplace_back(std::to_string(i), "1");
  RowNumber number = 0;
  for (std::size_t i = 0; i < stores; ++i) {
    number = items.find_or_make_store(
        {.host = "h", .kind = StoreKind::keyval, .name = "n", .user = std::to_string(i)});
    items.set_all(number, values);
    items.truncate(number, items_of_each);  // its keys are known
  }
  {
    const FailingAllocation failing(1, FailIn::other_threads, Fail::from_then_on);
    items.append(number, "one more", 1, std::nullopt, "1");
    while (!store.is_failing()) std::this_thread::yield();
  }
  while (!items.is_all_committed()) std::this_thread::yield();
  EXPECT_EQ(items.committed().count(number, {}), items_of_each + 1);
  EXPECT_FALSE(items.takes_appends(number - 1)) << "a store that nobody has";
  store.stop(patience);
}

// Before the thread runs, where a call is a commit.
TEST_F(OutOfMemoryTest, WithoutAThreadWhatWasPostedIsCommittedWithTheNext) {
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    begin_anew();
    Store store(settings());
    ASSERT_TRUE(store.open_for_items(Access::alone));
    Unit unit{.changes = first_unit(), .last_number = 100};
    {
      const FailingAllocation failing(n, FailIn::this_thread);
      try {
        store.post(std::move(unit));
      } catch (const std::bad_alloc&) {  // it was not posted
      }
      failed = failing.has_failed();
    }
    if (!unit.changes.empty()) store.post(std::move(unit));
    const auto last = store.post({.changes = second_unit(), .last_number = 100});
    EXPECT_EQ(store.committed(), last);
    check_whole();
  }
  EXPECT_GT(n, 20U);
  EXPECT_LT(n, most_allocations);
}

}  // namespace
}  // namespace pubsub_mqtt::store
