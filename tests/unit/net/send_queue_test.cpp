#include "connection/send_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pubsub_mqtt::net {
namespace {

std::vector<std::string_view> pieces(const SendQueue& queue) {
  SendQueue::Buffers buffers;
  std::vector<std::string_view> pieces;
  for (const auto& buffer : queue.front(buffers)) {
    pieces.emplace_back(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
  }
  return pieces;
}

std::string contents(const SendQueue& queue) {
  std::string bytes;
  for (const auto piece : pieces(queue)) bytes += piece;
  return bytes;
}

TEST(SendQueueTest, SmallWritesAreOnePiece) {
  SendQueue queue;
  queue.push("one");
  queue.push("two");
  EXPECT_EQ(pieces(queue).size(), 1U);
  EXPECT_EQ(contents(queue), "onetwo");
  EXPECT_EQ(queue.size(), 6U);
}

TEST(SendQueueTest, SharedBytesAreNotCopied) {
  SendQueue queue;
  const auto shared = std::make_shared<const std::string>("shared");
  queue.push("one");
  queue.push(shared);
  queue.push("two");
  ASSERT_EQ(pieces(queue).size(), 3U);
  EXPECT_EQ(pieces(queue)[1].data(), shared->data());
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
  EXPECT_TRUE(pieces(queue).empty());
}

}  // namespace
}  // namespace pubsub_mqtt::net
