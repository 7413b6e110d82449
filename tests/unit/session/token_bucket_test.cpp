#include "pubsub_mqtt/session/token_bucket.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::session {
namespace {

using std::chrono::seconds;

TEST(TokenBucketTest, HoldsOneSecondsWorth) {
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(bucket.is_empty(seconds(100)));
    bucket.take(1, 3, seconds(100));
  }
  EXPECT_TRUE(bucket.is_empty(seconds(100)));
}

TEST(TokenBucketTest, HoldsNoMoreAfterALongRest) {
  TokenBucket bucket;
  bucket.take(5, 5, seconds(1));
  bucket.take(5, 5, seconds(1000));
  EXPECT_TRUE(bucket.is_empty(seconds(1000)));
}

TEST(TokenBucketTest, TokensComeBackEvenly) {
  TokenBucket bucket;
  bucket.take(1000, 1000, seconds(1));
  EXPECT_FALSE(bucket.is_empty(Time(1250)));
  bucket.take(249, 1000, Time(1250));
  EXPECT_FALSE(bucket.is_empty(Time(1250)));
  bucket.take(1, 1000, Time(1250));
  EXPECT_TRUE(bucket.is_empty(Time(1250)));
}

TEST(TokenBucketTest, IsWorthGoingOnWithATenthOfASecondsWorth) {
  TokenBucket bucket;
  bucket.take(1000, 1000, seconds(7));
  EXPECT_EQ(bucket.refilled_at(), Time(7100));
}

TEST(TokenBucketTest, ADebtIsWaitedOut) {
  TokenBucket bucket;
  bucket.take(10000, 1000, seconds(1));
  EXPECT_TRUE(bucket.is_empty(seconds(9)));
  EXPECT_TRUE(bucket.is_empty(Time(10000)));
  EXPECT_FALSE(bucket.is_empty(Time(10001)));
  EXPECT_EQ(bucket.refilled_at(), Time(10100));
}

TEST(TokenBucketTest, TakesTheLargestPacketAtTheLowestRate) {
  TokenBucket bucket;
  bucket.take(268435460, 1, seconds(1));
  EXPECT_TRUE(bucket.is_empty(seconds(268435460)));
  EXPECT_FALSE(bucket.is_empty(seconds(268435461)));
}

}  // namespace
}  // namespace pubsub_mqtt::session
