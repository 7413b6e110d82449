#include "loop/deadlines.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::net {
namespace {

TEST(DeadlinesTest, ComeInTheOrderOfTime) {
  Deadlines deadlines;
  EXPECT_EQ(deadlines.first(), std::nullopt);
  deadlines.add(1, Time(30));
  deadlines.add(2, Time(10));
  deadlines.add(3, Time(20));
  EXPECT_EQ(deadlines.first(), Time(10));
  EXPECT_EQ(deadlines.next(Time(9)), std::nullopt);
  EXPECT_EQ(deadlines.next(Time(20)), 2U);
  EXPECT_EQ(deadlines.next(Time(20)), 3U);
  EXPECT_EQ(deadlines.next(Time(20)), std::nullopt);
  EXPECT_EQ(deadlines.first(), Time(30));
}

// A client may come, say that it will be silent for hours, and go, again and again.
TEST(DeadlinesTest, ThoseOfTheGoneDoNotPileUp) {
  Deadlines deadlines;
  for (ConnectionId id = 1; id <= 10000; ++id) deadlines.add(id, Time(id));
  const auto is_there = [](ConnectionId id, Time at) { return id > 9000 && at == Time(id); };
  deadlines.forget_if_many(9000, is_there);
  EXPECT_EQ(deadlines.size(), 10000U);
  deadlines.forget_if_many(1000, is_there);
  EXPECT_EQ(deadlines.size(), 1000U);
  EXPECT_EQ(deadlines.next(Time(20000)), 9001U);
}

}  // namespace
}  // namespace pubsub_mqtt::net
