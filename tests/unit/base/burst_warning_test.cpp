#include "pubsub_mqtt/base/burst_warning.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt {
namespace {

class BurstWarningTest : public testing::Test {
 protected:
  void happens(Time now, const std::string& line = "it happens") {
    warning.happens(now, [&] { return line; });
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> texts;
    for (const LogLine& line : log) {
      EXPECT_EQ(line.level, LogLevel::warn);
      texts.push_back(line.text);
    }
    return texts;
  }

  std::vector<LogLine> log;
  BurstWarning warning{Time(1000), "times it happened", log};
};

using Lines = std::vector<std::string>;

TEST_F(BurstWarningTest, ManyAreTwoLines) {
  for (int i = 0; i < 500; ++i) happens(Time(i), "it happens: " + std::to_string(i));
  EXPECT_EQ(lines(), Lines{"it happens: 0"});
  warning.expire(Time(999));
  EXPECT_EQ(log.size(), 1U);
  warning.expire(Time(1000));
  EXPECT_EQ(lines(), (Lines{"it happens: 0", "500 times it happened"}));
  warning.expire(Time(5000));
  EXPECT_EQ(log.size(), 2U);
}

TEST_F(BurstWarningTest, OneNeedsNoCount) {
  happens(Time(0));
  warning.expire(Time(1000));
  EXPECT_EQ(lines(), Lines{"it happens"});
}

TEST_F(BurstWarningTest, TheNextIntervalBeginsAnew) {
  happens(Time(0));
  happens(Time(1));
  happens(Time(1000), "again");
  happens(Time(1999));
  warning.expire(Time(1999));
  warning.expire(Time(2000));
  EXPECT_EQ(lines(), (Lines{"it happens", "2 times it happened", "again", "2 times it happened"}));
}

}  // namespace
}  // namespace pubsub_mqtt
