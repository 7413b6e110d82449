#include "send_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace pubsub_mqtt::net {
namespace {

std::string contents(const SendQueue& queue) {
  std::string bytes;
  for (const auto& buffer : queue.buffers()) bytes.append(buffer.base, buffer.len);
  return bytes;
}

TEST(SendQueueTest, SmallWritesAreOnePiece) {
  SendQueue queue;
  queue.push("one");
  queue.push("two");
  EXPECT_EQ(queue.buffers().size(), 1U);
  EXPECT_EQ(contents(queue), "onetwo");
  EXPECT_EQ(queue.size(), 6U);
}

TEST(SendQueueTest, SharedBytesAreNotCopied) {
  SendQueue queue;
  const auto shared = std::make_shared<const std::string>("shared");
  queue.push("one");
  queue.push(shared);
  queue.push("two");
  ASSERT_EQ(queue.buffers().size(), 3U);
  EXPECT_EQ(queue.buffers()[1].base, shared->data());
  EXPECT_EQ(contents(queue), "onesharedtwo");
}

TEST(SendQueueTest, AnyNumberOfBytesMayBeSent) {
  std::string expected;
  for (int i = 0; i < 30; ++i) expected += std::to_string(i) + (i % 3 == 0 ? std::string(4000, 'x') : "y");
  for (const std::size_t step : {1UL, 7UL, 3999UL, 4000UL, 10000UL}) {
    SendQueue queue;
    for (int i = 0; i < 30; ++i) {
      const std::string piece = std::to_string(i) + (i % 3 == 0 ? std::string(4000, 'x') : "y");
      if (i % 2 == 0) {
        queue.push(piece);
      } else {
        queue.push(std::make_shared<const std::string>(piece));
      }
    }
    std::string sent;
    while (!queue.empty()) {
      const std::string front = contents(queue).substr(0, step);
      sent += front;
      queue.pop(front.size());
    }
    EXPECT_EQ(sent, expected) << step;
    EXPECT_EQ(queue.size(), 0U);
  }
}

TEST(SendQueueTest, NothingIsEmpty) {
  SendQueue queue;
  queue.push("");
  queue.push(std::make_shared<const std::string>());
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.buffers().empty());
}

}  // namespace
}  // namespace pubsub_mqtt::net
