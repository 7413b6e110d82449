// The rule who waits for whom, by itself.
#include "routing/waiting.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace pubsub_mqtt::session {
namespace {

using std::chrono::seconds;
using Publishers = std::vector<SessionId>;

class WaitingTest : public ::testing::Test {
 protected:
  static constexpr SessionId a = 1;
  static constexpr SessionId b = 2;
  static constexpr SessionId c = 3;
  static constexpr SessionId slow = 10;
  static constexpr SessionId other = 11;

  bool wait(SessionId publisher, SessionId subscriber, std::size_t queued = 1000) {
    return waiting.wait(publisher, subscriber, {.messages = queued, .most = most});
  }

  // The subscriber takes one message, or more, from a queue that has so many then.
  void take(SessionId subscriber, std::size_t left, std::size_t messages = 1, std::size_t bytes = 10) {
    waiting.took(subscriber, messages, bytes,
                 {.messages = left, .keeps_to_limits = left <= most, .is_half_empty = left <= most / 2},
                 note);
  }

  void look(Time now) { waiting.look(now, note); }
  void leave(SessionId session, std::size_t unacknowledged = 0) {
    waiting.leave(session, unacknowledged, note);
  }

  std::size_t most = 1000;  // that a queue may hold
  Waiting waiting;
  Publishers went_on;
  std::function<void(SessionId)> note = [this](SessionId publisher) { went_on.push_back(publisher); };
};

TEST_F(WaitingTest, APublisherWaitsUntilTheQueueKeepsToItsLimits) {
  EXPECT_TRUE(waiting.empty());
  EXPECT_FALSE(waiting.waits(a));
  EXPECT_TRUE(wait(a, slow));
  EXPECT_TRUE(wait(a, slow, 1001));
  EXPECT_TRUE(waiting.waits(a));
  EXPECT_FALSE(waiting.waits(slow));
  take(slow, 1001);
  EXPECT_EQ(went_on, Publishers{});
  take(slow, 1000);
  EXPECT_EQ(went_on, Publishers{a});
  EXPECT_FALSE(waiting.waits(a));
}

TEST_F(WaitingTest, AllWhoWaitForASubscriberGoOnTogether) {
  wait(a, slow);
  wait(b, slow);
  wait(c, other);
  take(slow, 1000);
  EXPECT_EQ(went_on, (Publishers{a, b}));
  EXPECT_TRUE(waiting.waits(c));
}

TEST_F(WaitingTest, WhoWaitsForTwoGoesOnWithTheLast) {
  wait(a, slow);
  wait(a, other);
  take(slow, 1000);
  EXPECT_EQ(went_on, Publishers{});
  EXPECT_TRUE(waiting.waits(a));
  take(other, 1000);
  EXPECT_EQ(went_on, Publishers{a});
}

TEST_F(WaitingTest, NobodyWaitsForHimself) {
  EXPECT_FALSE(wait(a, a));
  EXPECT_FALSE(waiting.waits(a));
}

TEST_F(WaitingTest, OfTwoThatPublishToEachOtherOneWaits) {
  EXPECT_TRUE(wait(a, b));
  EXPECT_FALSE(wait(b, a));
  take(b, 1000);
  EXPECT_TRUE(wait(b, a));
  EXPECT_FALSE(wait(a, b));
}

TEST_F(WaitingTest, ThereIsNoChain) {
  EXPECT_TRUE(wait(a, b));
  EXPECT_FALSE(wait(b, c)) << "one that is waited for does not wait";
  EXPECT_FALSE(wait(c, a)) << "nor is one that waits waited for";
  EXPECT_TRUE(wait(c, b));
}

TEST_F(WaitingTest, ThereIsNoCircleAmongMany) {
  constexpr SessionId many = 20;
  for (SessionId publisher = 1; publisher <= many; ++publisher) {
    for (SessionId subscriber = 1; subscriber <= many; ++subscriber) wait(publisher, subscriber);
  }
  std::size_t waiters = 0;
  for (SessionId each = 1; each <= many; ++each) waiters += waiting.waits(each) ? 1 : 0;
  EXPECT_GT(waiters, 0U);
  EXPECT_LT(waiters, many);
  for (SessionId each = 1; each <= many; ++each) {
    if (!waiting.waits(each)) take(each, 1000);
  }
  EXPECT_EQ(went_on.size(), waiters);
}

TEST_F(WaitingTest, WhoStopsTakingIsWaitedForTenSeconds) {
  wait(a, slow);
  look(seconds(100));
  look(seconds(110));
  EXPECT_TRUE(waiting.waits(a));
  look(seconds(111));
  EXPECT_EQ(went_on, Publishers{a});
  EXPECT_FALSE(wait(a, slow)) << "and is not waited for again";
  EXPECT_TRUE(wait(a, other)) << "which costs only itself";
}

TEST_F(WaitingTest, TimeCountsFromTheFirstLook) {
  look(seconds(100));
  wait(a, slow);
  EXPECT_LE(waiting.look_at(), seconds(101));
  look(seconds(1000));
  EXPECT_TRUE(waiting.waits(a));
  EXPECT_EQ(waiting.look_at(), seconds(1001));
}

TEST_F(WaitingTest, WhoTakesItsQueueInTenSecondsIsWaitedForAlways) {
  std::size_t queued = 1000;
  Time now = seconds(100);
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(wait(a, slow, queued));
    look(now);
    now += seconds(1);
    take(slow, queued, 120);
  }
}

TEST_F(WaitingTest, WhoTakesLessThanItsQueueInTenSecondsIsStuck) {
  std::size_t queued = 1000;
  Time now = seconds(100);
  for (int round = 0; round < 12; ++round) {
    wait(a, slow, queued);
    look(now);
    now += seconds(1);
    take(slow, queued, 90);
  }
  EXPECT_FALSE(wait(a, slow, queued));
}

TEST_F(WaitingTest, OneMessageEachNineSecondsIsNobodysPaceHoweverShortTheQueue) {
  most = 1;
  Time now = seconds(100);
  wait(a, slow, 1);
  look(now);
  for (int round = 0; round < 2; ++round) {
    now += seconds(9);
    take(slow, 1);
    wait(a, slow, 1);
    look(now);
  }
  EXPECT_FALSE(waiting.waits(a));
  EXPECT_FALSE(wait(a, slow, 1));
}

TEST_F(WaitingTest, FewLargeMessagesAreFastEnough) {
  most = 10;
  Time now = seconds(100);
  for (int round = 0; round < 40; ++round) {
    ASSERT_TRUE(wait(a, slow, 10));
    look(now);
    now += seconds(1);
    take(slow, 10, 2, 200 * KiB);
  }
}

TEST_F(WaitingTest, WhatPublishersPutBeyondTheLimitsIsNotTheSubscribersDebt) {
  std::size_t queued = 20000;
  Time now = seconds(100);
  for (int round = 0; round < 30; ++round) {
    ASSERT_TRUE(wait(a, slow, queued));
    look(now);
    now += seconds(1);
    take(slow, queued -= 150, 150);
  }
}

TEST_F(WaitingTest, WhoWasStuckIsWaitedForAgainWhenItIsFastAndHasRoom) {
  wait(a, slow);
  look(seconds(100));
  look(seconds(111));
  ASSERT_FALSE(wait(a, slow));
  take(slow, 1000, 1000);
  EXPECT_FALSE(wait(a, slow)) << "not before it has been seen";
  look(seconds(113));
  EXPECT_TRUE(wait(a, slow));
}

TEST_F(WaitingTest, WhoIsStuckAndCatchesUpStartsAnew) {
  wait(a, slow);
  look(seconds(100));
  look(seconds(111));
  take(slow, 500, 500);
  EXPECT_TRUE(waiting.empty());
  EXPECT_TRUE(wait(a, slow));
}

TEST_F(WaitingTest, ASubscriberThatLeavesIsNotWaitedFor) {
  wait(a, slow);
  leave(slow);
  EXPECT_EQ(went_on, Publishers{a});
  EXPECT_TRUE(waiting.empty());
}

TEST_F(WaitingTest, APublisherThatLeavesWaitsForNobody) {
  wait(a, slow);
  leave(a);
  EXPECT_FALSE(waiting.waits(a));
  take(slow, 1000);
  EXPECT_EQ(went_on, Publishers{});
}

TEST_F(WaitingTest, PublishersThatComeAndGoFillNoQueueWithoutEnd) {
  int waited = 0;
  for (int round = 0; round < 100 && wait(a, slow); ++round) {
    ++waited;
    leave(a, 256);
  }
  EXPECT_EQ(waited, 4);
  EXPECT_FALSE(wait(b, slow));
  take(slow, 1000, 1024);
  EXPECT_TRUE(wait(b, slow)) << "since there is room again";
}

}  // namespace
}  // namespace pubsub_mqtt::session
