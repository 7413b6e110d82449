#include "pubsub_mqtt/boundary/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace pubsub_mqtt {
namespace {

std::vector<int> take(Mailbox<int>& box) {
  std::vector<int> taken;
  box.take(taken);
  return taken;
}

TEST(MailboxTest, OnlyThePostIntoAnEmptyBoxWakes) {
  Mailbox<int> box;
  EXPECT_TRUE(box.post(1));
  EXPECT_FALSE(box.post(2));
  std::vector<int> batch{3, 4};
  EXPECT_FALSE(box.post(batch));
  EXPECT_EQ(take(box), (std::vector{1, 2, 3, 4}));
  batch = {5};
  EXPECT_TRUE(box.post(batch));
}

TEST(MailboxTest, KnowsWhatWaits) {
  Mailbox<int> box;
  EXPECT_EQ(box.size(), 0U);
  box.post(1);
  box.post(2);
  EXPECT_EQ(box.size(), 2U);
  take(box);
  EXPECT_EQ(box.size(), 0U);
}

TEST(MailboxTest, ABatchIsLeftEmpty) {
  Mailbox<int> box;
  std::vector<int> first{1};
  std::vector<int> second{2};
  box.post(first);
  box.post(second);
  EXPECT_TRUE(first.empty());
  EXPECT_TRUE(second.empty());
}

TEST(MailboxTest, AnEmptyBatchWakesNobody) {
  Mailbox<int> box;
  std::vector<int> batch;
  EXPECT_FALSE(box.post(batch));
  EXPECT_TRUE(take(box).empty());
}

TEST(MailboxTest, WhatIsTakenIsGone) {
  Mailbox<int> box;
  box.post(1);
  EXPECT_EQ(take(box), std::vector{1});
  EXPECT_TRUE(take(box).empty());
}

TEST(MailboxTest, CarriesWhatCannotBeCopied) {
  Mailbox<std::unique_ptr<int>> box;
  box.post(std::make_unique<int>(7));
  std::vector<std::unique_ptr<int>> taken;
  box.take(taken);
  EXPECT_EQ(*taken.at(0), 7);
}

// Each wake-up finds what was posted before it: the taker sleeps when post() says that nobody need be woken.
TEST(MailboxTest, KeepsTheOrderOfAnotherThread) {
  constexpr int all = 100000;
  Mailbox<int> box;
  std::thread poster([&] {
    std::vector<int> batch;
    for (int i = 0; i < all; ++i) {
      batch.push_back(i);
      if (i % 7 == 0) box.post(batch);
    }
    box.post(batch);
  });
  std::vector<int> received;
  while (received.size() < all) {
    const auto taken = take(box);
    received.insert(received.end(), taken.begin(), taken.end());
  }
  poster.join();
  for (int i = 0; i < all; ++i) ASSERT_EQ(received[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace pubsub_mqtt
