#include "latencies.h"

#include <gtest/gtest.h>

#include <limits>

namespace pubsub_mqtt::bench {
namespace {

TEST(Latencies, None) {
  const Latencies latencies;
  EXPECT_EQ(latencies.percentile(0.99), 0U);
  EXPECT_EQ(latencies.max(), 0U);
}

TEST(Latencies, PercentilesAreExactToThreePerCent) {
  Latencies latencies;
  for (std::uint64_t value = 1; value <= 1'000'000; ++value) latencies.add(value);
  EXPECT_EQ(latencies.count(), 1'000'000U);
  EXPECT_NEAR(static_cast<double>(latencies.percentile(0.5)), 500'000, 500'000 * 0.032);
  EXPECT_NEAR(static_cast<double>(latencies.percentile(0.99)), 990'000, 990'000 * 0.032);
  EXPECT_EQ(latencies.max(), 1'000'000U);
}

TEST(Latencies, APercentileIsNeverMoreThanTheMaximum) {
  Latencies latencies;
  latencies.add(1'000'001);
  EXPECT_EQ(latencies.percentile(0.5), 1'000'001U);
  EXPECT_EQ(latencies.percentile(1), 1'000'001U);
}

TEST(Latencies, OneThatIsSlowAmongAHundred) {
  Latencies latencies;
  for (int i = 0; i < 99; ++i) latencies.add(10);
  latencies.add(5'000);
  EXPECT_EQ(latencies.percentile(0.5), 10U);
  EXPECT_EQ(latencies.percentile(0.99), 5'000U);
}

TEST(Latencies, TheLongest) {
  Latencies latencies;
  latencies.add(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(latencies.percentile(0.5), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace pubsub_mqtt::bench
