#include "pubsub_mqtt/base/token_bucket.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt {
namespace {

using std::chrono::seconds;

TEST(TokenBucketTest, HoldsOneSecondsWorth) {
  const TokenRate rate(3, seconds(1));
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(bucket.is_empty(rate, seconds(100)));
    bucket.spend(1, rate, seconds(100));
  }
  EXPECT_TRUE(bucket.is_empty(rate, seconds(100)));
}

TEST(TokenBucketTest, HoldsNoMoreAfterALongRest) {
  const TokenRate rate(5, seconds(1));
  TokenBucket bucket;
  bucket.spend(5, rate, seconds(1));
  bucket.spend(5, rate, seconds(1000));
  EXPECT_TRUE(bucket.is_empty(rate, seconds(1000)));
}

TEST(TokenBucketTest, TokensComeBackEvenly) {
  const TokenRate rate(1000, seconds(1));
  TokenBucket bucket;
  bucket.spend(1000, rate, seconds(1));
  EXPECT_FALSE(bucket.is_empty(rate, Time(1250)));
  bucket.spend(249, rate, Time(1250));
  EXPECT_FALSE(bucket.is_empty(rate, Time(1250)));
  bucket.spend(1, rate, Time(1250));
  EXPECT_TRUE(bucket.is_empty(rate, Time(1250)));
}

TEST(TokenBucketTest, IsWorthGoingOnWithATenthOfASecondsWorth) {
  const TokenRate rate(1000, seconds(1));
  TokenBucket bucket;
  bucket.spend(1000, rate, seconds(7));
  EXPECT_EQ(bucket.worth_going_on(rate), Time(7100));
}

TEST(TokenBucketTest, ADebtIsWaitedOut) {
  const TokenRate rate(1000, seconds(1));
  TokenBucket bucket;
  bucket.spend(10000, rate, seconds(1));
  EXPECT_TRUE(bucket.is_empty(rate, seconds(9)));
  EXPECT_TRUE(bucket.is_empty(rate, Time(10000)));
  EXPECT_FALSE(bucket.is_empty(rate, Time(10001)));
  EXPECT_EQ(bucket.worth_going_on(rate), Time(10100));
}

TEST(TokenBucketTest, TakesTheLargestPacketAtTheLowestRate) {
  const TokenRate rate(1, seconds(1));
  TokenBucket bucket;
  bucket.spend(268435460, rate, seconds(1));
  EXPECT_TRUE(bucket.is_empty(rate, seconds(268435460)));
  EXPECT_FALSE(bucket.is_empty(rate, seconds(268435461)));
}

TEST(TokenBucketTest, TakesOneAtATimeWhileThereIsOne) {
  const TokenRate rate(4, seconds(2));  // eight of them
  TokenBucket bucket;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(bucket.take(rate, Time(0)));
  EXPECT_FALSE(bucket.take(rate, Time(249)));
  EXPECT_EQ(bucket.next(rate), Time(250));
  EXPECT_TRUE(bucket.take(rate, Time(250)));
  EXPECT_FALSE(bucket.take(rate, Time(250)));
  bucket.give_back(rate);
  EXPECT_TRUE(bucket.take(rate, Time(250)));
}

}  // namespace
}  // namespace pubsub_mqtt
