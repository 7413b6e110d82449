#include "summary.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::bench {
namespace {

Result result_of(const Row& row, const std::vector<std::pair<double, double>>& values) {
  Result result{.row = &row, .pairs = {}, .failure = {}};
  for (const auto& [subject, reference] : values) {
    result.pairs.push_back({.subject = {.value = subject}, .reference = {.value = reference}});
  }
  return result;
}

TEST(Summary, SpreadOfAnOddNumberAndOfAnEvenOne) {
  const Spread odd = spread({3, 1, 2});
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(spread({4, 1, 2, 3}).median, 2.5);
}

// Not the ratio of the medians: what disturbs a pair disturbs both of its sides.
TEST(Summary, TheRatioIsThatOfThePairs) {
  const Row row;
  const Result result = result_of(row, {{10, 10}, {40, 20}, {90, 30}});
  EXPECT_EQ(ratios(result).min, 1);
  EXPECT_EQ(ratios(result).median, 2);
  EXPECT_EQ(ratios(result).max, 3);
  EXPECT_EQ(values(result, &Pair::subject).median, 40);
}

TEST(Summary, ATargetIsMetByTheMedian) {
  const Row row;
  const Result result = result_of(row, {{10, 10}, {40, 20}, {90, 30}});
  EXPECT_TRUE(is_met(result, {.limit = 2}));
  EXPECT_FALSE(is_met(result, {.limit = 2.1}));
  EXPECT_TRUE(
      is_met(result, {.figure = Target::Figure::value, .bound = Target::Bound::at_most, .limit = 40}));
  EXPECT_FALSE(
      is_met(result, {.figure = Target::Figure::value, .bound = Target::Bound::at_most, .limit = 39}));
}

}  // namespace
}  // namespace pubsub_mqtt::bench
