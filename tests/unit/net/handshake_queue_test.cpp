#include "admission/handshake_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "admission/handshake_turn.h"

namespace pubsub_mqtt::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class HandshakeQueueTest : public testing::Test {
 protected:
  // A part of a handshake, of those that may go on now.
  void go_on(nanoseconds cost) {
    processor_time += cost;
    queue.spend(cost);
  }

  // Connections from here on wait.
  void use_up() {
    EXPECT_TRUE(queue.enter(1));
    go_on(milliseconds(1));
  }

  // How many handshakes of this cost go on in so many turns of the loop, beside thousands that wait, while the others
  // need `of_others` in each turn.
  int served(int turns, nanoseconds cost, nanoseconds of_others) {
    use_up();
    for (ConnectionId id = 2; id <= 100000; ++id) EXPECT_FALSE(queue.enter(id));
    int count = 0;
    for (int i = 0; i < turns; ++i) {
      queue.begin_turn();
      for (; queue.next(); ++count) go_on(cost);
      processor_time += of_others;
    }
    return count;
  }

  nanoseconds processor_time{0};
  HandshakeQueue queue{[this] { return processor_time; }};
};

TEST_F(HandshakeQueueTest, TheyTakeAsMuchAsAllOthers) {
  EXPECT_NEAR(served(100, milliseconds(1), milliseconds(5)), 500, 5);
}
TEST_F(HandshakeQueueTest, ThoseThatResumeASessionAreMore) {
  EXPECT_NEAR(served(100, microseconds(100), milliseconds(5)), 5000, 50);
}
TEST_F(HandshakeQueueTest, OthersThatNeedLittleWaitForAMillisecond) {
  EXPECT_EQ(served(100, microseconds(250), microseconds(50)), 400);
}
TEST_F(HandshakeQueueTest, WhateverOneCostsItGoesOnInTheEnd) {
  EXPECT_EQ(served(100, milliseconds(30), microseconds(50)), 100);
}
TEST_F(HandshakeQueueTest, OthersThatNeedMuchWaitForTenMilliseconds) {
  EXPECT_NEAR(served(100, milliseconds(1), milliseconds(50)), 1000, 10);
}

TEST_F(HandshakeQueueTest, NobodyWaitsWhereThereIsTime) {
  for (ConnectionId id = 1; id <= 4; ++id) {
    EXPECT_TRUE(queue.enter(id));
    go_on(microseconds(250));
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.enter(5));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.next(), std::nullopt);
  queue.begin_turn();
  EXPECT_EQ(queue.next(), 5U);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.enter(6));
}

TEST_F(HandshakeQueueTest, FirstComeFirstServed) {
  use_up();
  for (ConnectionId id = 5; id <= 6; ++id) EXPECT_FALSE(queue.enter(id));
  queue.begin_turn();
  // There is time, but not for who has just come.
  EXPECT_FALSE(queue.enter(9));
  EXPECT_EQ(queue.next(), 5U);
  go_on(milliseconds(1));
  EXPECT_EQ(queue.next(), std::nullopt);
  queue.begin_turn();
  EXPECT_EQ(queue.next(), 6U);
}

TEST_F(HandshakeQueueTest, WhoHasBegunGoesFirst) {
  use_up();
  for (ConnectionId id = 5; id <= 6; ++id) EXPECT_FALSE(queue.enter(id));
  EXPECT_FALSE(queue.enter(1));
  queue.begin_turn();
  EXPECT_EQ(queue.next(), 1U);
}

TEST_F(HandshakeQueueTest, WhoLeavesIsNotNamed) {
  use_up();
  for (ConnectionId id = 5; id <= 7; ++id) EXPECT_FALSE(queue.enter(id));
  queue.leave(5);
  queue.leave(77);
  queue.begin_turn();
  EXPECT_EQ(queue.next(), 6U);
  queue.leave(7);
  EXPECT_TRUE(queue.empty());
}

TEST_F(HandshakeQueueTest, OneThatCostNothingHoldsUpNobody) {
  use_up();
  EXPECT_FALSE(queue.enter(5));
  EXPECT_FALSE(queue.enter(6));
  queue.begin_turn();
  EXPECT_EQ(queue.next(), 5U);
  EXPECT_EQ(queue.next(), 6U);
}

TEST_F(HandshakeQueueTest, ATurnComesWhenItIsNamedAndIsForOnePart) {
  use_up();
  HandshakeTurn turn(queue, 5);
  EXPECT_FALSE(turn.has_come());
  queue.begin_turn();
  EXPECT_FALSE(turn.has_come()) << "there is time, but the queue has named nobody";
  EXPECT_EQ(queue.next(), 5U);
  EXPECT_TRUE(turn.has_come());
  go_on(milliseconds(1));
  EXPECT_FALSE(turn.has_come());
  EXPECT_TRUE(queue.has(5));
}

TEST_F(HandshakeQueueTest, WhatATurnCostsIsMeasured) {
  HandshakeTurn turn(queue, 5);
  EXPECT_TRUE(turn.has_come());
  EXPECT_EQ(turn.go_on([this] {
    processor_time += milliseconds(1);
    return 42;
  }),
            42);
  EXPECT_FALSE(turn.has_come());
}

TEST_F(HandshakeQueueTest, ATurnLeavesTheQueueWithItsOwner) {
  use_up();
  {
    HandshakeTurn turn(queue, 5);
    EXPECT_FALSE(turn.has_come());
    EXPECT_TRUE(queue.has(5));
  }
  EXPECT_TRUE(queue.empty());
}

TEST(ThreadProcessorTime, IsThatOfWorkNotOfSleep) {
  const auto before = thread_processor_time();
  while (thread_processor_time() < before + milliseconds(1)) continue;
  EXPECT_LT(thread_processor_time(), before + std::chrono::seconds(10));
}

}  // namespace
}  // namespace pubsub_mqtt::net
