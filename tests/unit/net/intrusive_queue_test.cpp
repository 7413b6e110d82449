#include "loop/intrusive_queue.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::net {
namespace {

struct Item : IntrusiveQueue<Item>::Link {};

TEST(IntrusiveQueueTest, FirstInFirstOut) {
  IntrusiveQueue<Item> queue;
  EXPECT_EQ(queue.pop(), nullptr);
  Item one;
  Item two;
  Item three;
  queue.push(one);
  queue.push(two);
  EXPECT_EQ(queue.pop(), &one);
  queue.push(three);
  queue.push(one);
  EXPECT_EQ(queue.pop(), &two);
  EXPECT_EQ(queue.pop(), &three);
  EXPECT_EQ(queue.pop(), &one);
  EXPECT_EQ(queue.pop(), nullptr);
  queue.push(two);
  EXPECT_EQ(queue.pop(), &two);
  EXPECT_EQ(queue.pop(), nullptr);
}

}  // namespace
}  // namespace pubsub_mqtt::net
