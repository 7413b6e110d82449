#include "admission/handshake_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "admission/handshake_turn.h"

namespace pubsub_mqtt::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Half of 20 ms at once, and then a millisecond of work in each two.
class HandshakeQueueTest : public testing::Test {
 protected:
  // Connections from here on wait; the time is 0.
  void use_up() {
    EXPECT_TRUE(queue.enter(1, Time(0)));
    queue.spend(milliseconds(10), Time(0));
  }

  // How many handshakes of this cost may go on in ten seconds, beside thousands that wait.
  int begun_in_ten_seconds(nanoseconds cost) {
    int begun = 0;
    for (ConnectionId id = 1; id <= 100000; ++id)
      begun += queue.enter(id, Time(0)) ? spent(cost, Time(0)) : 0;
    for (Time now(0); now <= Time(10000); ++now) {
      while (queue.next(now)) begun += spent(cost, now);
    }
    return begun;
  }

  int spent(nanoseconds cost, Time now) {
    queue.spend(cost, now);
    return 1;
  }

  Limits limits;
  std::vector<LogLine> log;
  nanoseconds processor_time{0};
  HandshakeQueue queue{limits, log, [this] { return processor_time; }};
};

TEST_F(HandshakeQueueTest, HalfOfTheTimeWhateverAHandshakeCosts) {
  EXPECT_NEAR(begun_in_ten_seconds(milliseconds(1)), 5000, 20);
}
TEST_F(HandshakeQueueTest, ExpensiveOnesAreFewer) {
  EXPECT_NEAR(begun_in_ten_seconds(milliseconds(25)), 200, 2);
}
TEST_F(HandshakeQueueTest, ThoseThatResumeASessionAreMore) {
  EXPECT_NEAR(begun_in_ten_seconds(std::chrono::microseconds(100)), 50000, 200);
}

TEST_F(HandshakeQueueTest, SoMuchAtOnceAsOthersDoNotNotice) {
  for (ConnectionId id = 1; id <= 10; ++id) {
    EXPECT_TRUE(queue.enter(id, Time(0)));
    queue.spend(milliseconds(1), Time(0));
  }
  EXPECT_FALSE(queue.deadline().has_value());
  EXPECT_FALSE(queue.enter(11, Time(0)));
  EXPECT_EQ(queue.deadline(), Time(1));
  EXPECT_EQ(queue.next(Time(0)), std::nullopt);
  EXPECT_EQ(queue.next(Time(1)), 11U);
  queue.spend(milliseconds(1), Time(1));
  EXPECT_EQ(queue.next(Time(10000)), std::nullopt);
  EXPECT_FALSE(queue.deadline().has_value());
}

TEST_F(HandshakeQueueTest, WhatCostMoreThanThereWasIsWaitedOut) {
  EXPECT_TRUE(queue.enter(1, Time(0)));
  queue.spend(milliseconds(60), Time(0));
  EXPECT_FALSE(queue.enter(2, Time(0)));
  EXPECT_EQ(queue.deadline(), Time(101));
  EXPECT_EQ(queue.next(Time(100)), std::nullopt);
  EXPECT_EQ(queue.next(Time(101)), 2U);
}

TEST_F(HandshakeQueueTest, FirstComeFirstServed) {
  use_up();
  for (ConnectionId id = 5; id <= 6; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  // There is time, but not for who has just come.
  EXPECT_FALSE(queue.enter(9, Time(2)));
  EXPECT_EQ(queue.next(Time(2)), 5U);
  queue.spend(milliseconds(1), Time(2));
  EXPECT_EQ(queue.next(Time(2)), std::nullopt);
  EXPECT_EQ(queue.next(Time(5)), 6U);
}

TEST_F(HandshakeQueueTest, WhoHasBegunGoesFirst) {
  use_up();
  for (ConnectionId id = 5; id <= 6; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  EXPECT_FALSE(queue.enter(1, Time(0)));
  EXPECT_EQ(queue.next(Time(1)), 1U);
}

TEST_F(HandshakeQueueTest, WhoLeavesIsNotNamed) {
  use_up();
  for (ConnectionId id = 5; id <= 7; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  queue.leave(5);
  queue.leave(77);
  EXPECT_EQ(queue.next(Time(1)), 6U);
  queue.leave(7);
  EXPECT_FALSE(queue.deadline().has_value());
}

TEST_F(HandshakeQueueTest, OneThatCostNothingHoldsUpNobody) {
  use_up();
  EXPECT_FALSE(queue.enter(5, Time(0)));
  EXPECT_FALSE(queue.enter(6, Time(0)));
  EXPECT_EQ(queue.next(Time(1)), 5U);
  EXPECT_EQ(queue.next(Time(1)), 6U);
}

TEST_F(HandshakeQueueTest, ATurnComesWhenItIsNamedAndIsForOnePart) {
  use_up();
  HandshakeTurn turn(queue, 5);
  EXPECT_FALSE(turn.has_come(Time(0)));
  EXPECT_FALSE(turn.has_come(Time(5))) << "there is time, but the queue has named nobody";
  EXPECT_EQ(queue.next(Time(5)), 5U);
  EXPECT_TRUE(turn.has_come(Time(5)));
  queue.spend(milliseconds(10), Time(5));
  EXPECT_FALSE(turn.has_come(Time(5)));
  EXPECT_TRUE(queue.has(5));
}

TEST_F(HandshakeQueueTest, WhatATurnCostsIsMeasured) {
  HandshakeTurn turn(queue, 5);
  EXPECT_TRUE(turn.has_come(Time(1000)));
  EXPECT_EQ(turn.go_on([this] {
    processor_time += milliseconds(60);
    return 42;
  }),
            42);
  EXPECT_FALSE(turn.has_come(Time(1000)));
  EXPECT_EQ(queue.deadline(), Time(1101));
}

TEST_F(HandshakeQueueTest, ATurnLeavesTheQueueWithItsOwner) {
  use_up();
  {
    HandshakeTurn turn(queue, 5);
    EXPECT_FALSE(turn.has_come(Time(0)));
    EXPECT_TRUE(queue.has(5));
  }
  EXPECT_FALSE(queue.has(5));
  EXPECT_FALSE(queue.deadline().has_value());
}

TEST_F(HandshakeQueueTest, WaitingIsLoggedOnceABurst) {
  use_up();
  for (ConnectionId id = 5; id <= 100; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].level, LogLevel::info);
  EXPECT_EQ(
      log[0].text,
      "TLS handshakes have to wait: so many clients come at once that they would take more than half of the "
      "network thread's time");
  queue.expire(Time(60000));
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[1].text, "96 TLS handshakes had to wait");
}

TEST(ThreadProcessorTime, IsThatOfWorkNotOfSleep) {
  const auto before = thread_processor_time();
  while (thread_processor_time() < before + milliseconds(1)) continue;
  EXPECT_LT(thread_processor_time(), before + std::chrono::seconds(10));
}

}  // namespace
}  // namespace pubsub_mqtt::net
