// Rows are counted a part at a time.
#include "pubsub_mqtt/store/counted_rows.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

TEST_F(StoreTest, RowsAreCountedAPartAtATime) {
  RunningStore store(settings());
  std::vector<Change> changes;
  for (RowNumber number = 1; number <= 12345; ++number) changes.emplace_back(new_session(number));
  ASSERT_TRUE(store.await(store.post(std::move(changes))));
  const auto first = count_rows(settings(), CountedTable::session, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rows, 10000U);
  const auto second = count_rows(settings(), CountedTable::session, first->next);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->rows, 2345U);
  EXPECT_EQ(second->next, 0);
  EXPECT_EQ(count_rows(settings(), CountedTable::message, 0)->rows, 0U);
  EXPECT_EQ(count_rows(settings(), CountedTable::retained, 0)->rows, 0U);
  EXPECT_EQ(count_rows(settings(), CountedTable::item, 0)->rows, 0U);
}

TEST_F(StoreTest, WhatIsNoDatabaseIsNotCounted) {
  EXPECT_FALSE(count_rows({.path = directory}, CountedTable::session, 0));
}

}  // namespace
}  // namespace pubsub_mqtt::store
