// The rule how long a publisher is not read from, by itself.
#include "routing/pauses.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace pubsub_mqtt::session {
namespace {

using std::chrono::seconds;

class PausesTest : public ::testing::Test {
 protected:
  static constexpr SessionId fast = 1;
  static constexpr SessionId another = 2;
  static constexpr SessionId reader = 10;
  static constexpr SessionId other_reader = 11;

  // A message arrives, which leaves the subscriber with so many bytes.
  bool publish(SessionId publisher, SessionId subscriber, std::size_t waiting) {
    const bool pauses = pauses_.pause(publisher, subscriber, waiting);
    pauses_.wrote(subscriber, waiting + 1000);
    return pauses;
  }
  bool may_read(Time now) { return pauses_.may_read(fast, now); }
  void drain(SessionId subscriber) { pauses_.drained(subscriber, note); }

  Pauses pauses_;
  std::vector<SessionId> read_on;
  std::function<void(SessionId)> note = [this](SessionId publisher) { read_on.push_back(publisher); };
};

TEST_F(PausesTest, APublisherIsNotReadUntilTheSubscriberHasLess) {
  EXPECT_TRUE(may_read(seconds(10)));
  EXPECT_TRUE(publish(fast, reader, 6000));
  EXPECT_FALSE(may_read(seconds(10)));
  EXPECT_TRUE(pauses_.may_read(another, seconds(10)));
  drain(reader);
  EXPECT_EQ(read_on, std::vector<SessionId>{fast});
  EXPECT_TRUE(may_read(seconds(10)));
}

TEST_F(PausesTest, WhoPausesForTwoIsReadWhenBothHaveLess) {
  publish(fast, reader, 6000);
  publish(fast, other_reader, 6000);
  drain(reader);
  EXPECT_TRUE(read_on.empty());
  EXPECT_FALSE(may_read(seconds(10)));
  drain(other_reader);
  EXPECT_EQ(read_on, std::vector<SessionId>{fast});
}

TEST_F(PausesTest, NobodyPausesForHimself) {
  EXPECT_FALSE(publish(fast, fast, 6000));
  EXPECT_TRUE(pauses_.empty());
}

TEST_F(PausesTest, APauseIsAtMostATenthOfASecond) {
  publish(fast, reader, 6000);
  EXPECT_FALSE(may_read(Time(10000)));
  EXPECT_EQ(pauses_.deadline(fast), Time(10100));
  EXPECT_FALSE(may_read(Time(10099)));
  EXPECT_TRUE(may_read(Time(10100)));
  EXPECT_EQ(pauses_.deadline(fast), std::nullopt);
  EXPECT_FALSE(publish(fast, reader, 5000)) << "not again in this second";
  EXPECT_TRUE(may_read(Time(10999)));
  EXPECT_FALSE(publish(fast, reader, 5000));
  EXPECT_TRUE(may_read(Time(11000)));
  EXPECT_TRUE(publish(fast, reader, 5000));
  EXPECT_FALSE(may_read(Time(11000)));
}

TEST_F(PausesTest, ShortPausesAddUp) {
  Time now(10000);
  Time paused{0};
  for (; now < Time(11000); now += Time(20)) {
    if (publish(fast, reader, 6000)) {
      EXPECT_FALSE(may_read(now));
      now += Time(15);
      paused += Time(15);
      drain(reader);
    }
    EXPECT_TRUE(may_read(now));
  }
  EXPECT_GE(paused, Time(100));
  EXPECT_LT(paused, Time(115));
}

TEST_F(PausesTest, ForWhoTakesNothingOnePauseIsEnough) {
  publish(fast, reader, 6000);
  may_read(Time(10000));
  may_read(Time(10100));
  publish(fast, reader, 7000);
  may_read(Time(11100));
  EXPECT_FALSE(publish(fast, reader, 7000));
  EXPECT_FALSE(publish(another, reader, 7000));
  EXPECT_TRUE(publish(fast, other_reader, 6000));
  drain(reader);
  EXPECT_TRUE(publish(another, reader, 6000)) << "it reads again";
}

TEST_F(PausesTest, ForWhoTakesSlowlyThereIsAPauseEachSecond) {
  Time now(10000);
  int pauses = 0;
  may_read(now);
  for (; now < Time(20000); now += Time(100)) {
    if (may_read(now) && publish(fast, reader, 6000)) ++pauses;
  }
  EXPECT_GE(pauses, 9);
  EXPECT_LE(pauses, 11);
}

TEST_F(PausesTest, WhatStandsBeforeAllSubscribersIsCounted) {
  publish(fast, reader, 6000);
  publish(another, reader, 7000);
  publish(fast, other_reader, 3000);
  EXPECT_EQ(pauses_.waiting_bytes(), 12000U);
  drain(reader);
  EXPECT_EQ(pauses_.waiting_bytes(), 4000U);
  pauses_.leave(other_reader, note);
  EXPECT_EQ(pauses_.waiting_bytes(), 0U);
}

TEST_F(PausesTest, WhoLeavesPausesForNobodyAndNobodyForHim) {
  publish(fast, reader, 6000);
  pauses_.leave(reader, note);
  EXPECT_EQ(read_on, std::vector<SessionId>{fast});
  publish(fast, other_reader, 6000);
  pauses_.leave(fast, note);
  EXPECT_TRUE(may_read(seconds(10)));
  drain(other_reader);
  EXPECT_TRUE(pauses_.empty());
}

}  // namespace
}  // namespace pubsub_mqtt::session
