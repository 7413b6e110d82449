#include "admission/handshake_queue.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "admission/handshake_turn.h"

namespace pubsub_mqtt::net {
namespace {

class HandshakeQueueTest : public testing::Test {
 protected:
  // Connections from here on wait; the time is 0.
  void use_up() {
    for (ConnectionId id = 1; id <= 4; ++id) EXPECT_TRUE(queue.enter(id, Time(0)));
  }

  Limits limits{.max_tls_handshake_rate = 4};
  std::vector<LogLine> log;
  HandshakeQueue queue{limits, log};
};

TEST_F(HandshakeQueueTest, OneSecondsWorthAtOnce) {
  use_up();
  EXPECT_FALSE(queue.deadline().has_value());
  EXPECT_FALSE(queue.enter(5, Time(0)));
  EXPECT_EQ(queue.deadline(), Time(250));
  EXPECT_EQ(queue.next(Time(249)), std::nullopt);
  EXPECT_EQ(queue.next(Time(250)), 5U);
  EXPECT_EQ(queue.next(Time(10000)), std::nullopt);
  EXPECT_FALSE(queue.deadline().has_value());
}

TEST_F(HandshakeQueueTest, FirstComeFirstServed) {
  use_up();
  for (ConnectionId id = 5; id <= 8; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  // There is a token, but not for who has just come.
  EXPECT_FALSE(queue.enter(9, Time(250)));
  EXPECT_EQ(queue.next(Time(250)), 5U);
  EXPECT_EQ(queue.next(Time(250)), std::nullopt);
  EXPECT_EQ(queue.next(Time(750)), 6U);
  EXPECT_EQ(queue.next(Time(750)), 7U);
  EXPECT_EQ(queue.next(Time(750)), std::nullopt);
  EXPECT_EQ(queue.next(Time(1250)), 8U);
  EXPECT_EQ(queue.next(Time(1250)), 9U);
}

TEST_F(HandshakeQueueTest, WhoLeavesIsNotNamed) {
  use_up();
  for (ConnectionId id = 5; id <= 7; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  queue.leave(5);
  queue.leave(77);
  EXPECT_EQ(queue.next(Time(250)), 6U);
  queue.leave(7);
  EXPECT_FALSE(queue.deadline().has_value());
}

TEST_F(HandshakeQueueTest, OneThatWasSkippedCostsNothing) {
  use_up();
  EXPECT_FALSE(queue.enter(5, Time(0)));
  EXPECT_FALSE(queue.enter(6, Time(0)));
  EXPECT_EQ(queue.next(Time(250)), 5U);
  queue.skipped();
  EXPECT_EQ(queue.deadline(), Time(250));
  EXPECT_EQ(queue.next(Time(250)), 6U);
}

TEST_F(HandshakeQueueTest, ATurnComesWhenItIsNamed) {
  HandshakeTurn first(queue, 1);
  EXPECT_TRUE(first.has_come(Time(0)));
  for (ConnectionId id = 2; id <= 4; ++id) EXPECT_TRUE(queue.enter(id, Time(0)));
  HandshakeTurn second(queue, 5);
  EXPECT_FALSE(second.has_come(Time(0)));
  EXPECT_FALSE(second.has_come(Time(250))) << "there is a token, but the queue has named nobody";
  EXPECT_EQ(queue.next(Time(250)), 5U);
  EXPECT_TRUE(second.has_come(Time(250)));
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

TEST_F(HandshakeQueueTest, AReloadChangesTheRate) {
  use_up();
  EXPECT_FALSE(queue.enter(5, Time(0)));
  limits.max_tls_handshake_rate = 100;
  EXPECT_EQ(queue.next(Time(10)), 5U);
}

TEST_F(HandshakeQueueTest, DeadlineIsNotBeforeTheTokenIsThere) {
  const Limits odd{.max_tls_handshake_rate = 3};
  HandshakeQueue thirds(odd, log);
  for (ConnectionId id = 1; id <= 3; ++id) EXPECT_TRUE(thirds.enter(id, Time(0)));
  EXPECT_FALSE(thirds.enter(4, Time(0)));
  EXPECT_EQ(thirds.deadline(), Time(334));
  EXPECT_EQ(thirds.next(Time(334)), 4U);
}

TEST_F(HandshakeQueueTest, WaitingIsLoggedOnceABurst) {
  use_up();
  for (ConnectionId id = 5; id <= 100; ++id) EXPECT_FALSE(queue.enter(id, Time(0)));
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].level, LogLevel::warn);
  EXPECT_EQ(log[0].text,
            "TLS handshakes have to wait: more in a second than mqtt_max_tls_handshake_rate (4)");
  queue.expire(Time(60000));
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[1].text, "96 TLS handshakes had to wait because of mqtt_max_tls_handshake_rate");
}

}  // namespace
}  // namespace pubsub_mqtt::net
