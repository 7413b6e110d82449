#include "connection/send_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"

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

TEST(SendQueueTest, WhatIsAppendedIsMoved) {
  const auto shared = std::make_shared<const std::string>("shared");
  SendQueue queue;
  for (const std::string_view more : {"one", "two"}) {
    SendQueue other;
    other.push(more);
    other.push(shared);
    queue.append(std::move(other));
  }
  ASSERT_EQ(pieces(queue).size(), 4U);
  EXPECT_EQ(pieces(queue)[1].data(), shared->data());
  EXPECT_EQ(pieces(queue)[3].data(), shared->data());
  EXPECT_EQ(contents(queue), "onesharedtwoshared");
  EXPECT_EQ(queue.size(), 18U);
}

TEST(SendQueueTest, SmallWritesAreOnePieceThoughTheyAreAppended) {
  SendQueue queue;
  for (const std::string_view more : {"one", "two"}) {
    SendQueue other;
    other.push(more);
    queue.append(std::move(other));
  }
  EXPECT_EQ(pieces(queue).size(), 1U);
  EXPECT_EQ(contents(queue), "onetwo");
}

TEST(SendQueueTest, WhatWasSentIsNotAppended) {
  for (const std::size_t sent : {1UL, 3UL, 5UL}) {
    SendQueue queue;
    queue.push("first");
    SendQueue other;
    other.push("one");
    other.push(std::make_shared<const std::string>("shared"));
    other.pop(sent);
    queue.append(std::move(other));
    EXPECT_EQ(contents(queue), "first" + std::string("oneshared").substr(sent));
    EXPECT_EQ(queue.size(), 14 - sent);
  }
}

TEST(SendQueueTest, AWriteThatFindsNoMemoryChangesNothing) {
  for (std::size_t n = 1; n < 10; ++n) {
    SendQueue queue;
    const auto shared = std::make_shared<const std::string>(100, 'x');
    bool thrown = false;
    {
      const tests::FailingAllocation failing(n, tests::FailIn::this_thread);
      try {
        queue.push(*shared);
        queue.push(shared);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
    }
    EXPECT_EQ(queue.size(), contents(queue).size()) << n;
    EXPECT_EQ(queue.empty(), contents(queue).empty()) << n;
    if (!thrown) return;
  }
  FAIL() << "allocates without an end";
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
