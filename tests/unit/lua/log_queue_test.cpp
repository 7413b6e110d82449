#include "log_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../hub/hub_fixture.h"

namespace pubsub_mqtt::lua {
namespace {

class LogQueueTest : public testing::Test {
 protected:
  void accept(int lines) {
    std::vector<LogLine> batch(static_cast<std::size_t>(lines), {.level = LogLevel::debug, .text = "line"});
    queue.accept(batch);
    EXPECT_TRUE(batch.empty());
  }

  hub::TestService service;
  LogQueue queue;
};

TEST_F(LogQueueTest, AFloodOfLinesIsCutAndCounted) {
  accept(5000);
  EXPECT_TRUE(service.lines.empty());
  EXPECT_TRUE(queue.write_some(service));
  EXPECT_LT(service.lines.size(), 100U);  // the loop is given back
  while (queue.write_some(service)) {
  }
  EXPECT_EQ(service.lines.size(), 1001U);
  EXPECT_EQ(service.lines.back(), "4000 log lines were left out");
}

TEST_F(LogQueueTest, LinesPassThrough) {
  std::vector<LogLine> batch{{.level = LogLevel::info, .text = "hello"}};
  queue.accept(batch);
  EXPECT_TRUE(queue.write_some(service));
  EXPECT_FALSE(queue.write_some(service));
  EXPECT_EQ(service.lines, std::vector<std::string>{"hello"});
}

}  // namespace
}  // namespace pubsub_mqtt::lua
