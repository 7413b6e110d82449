// The queue beside std::deque, which has the same meaning and costs more memory.
#include "record/fifo.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "../base/allocated_bytes.h"

namespace pubsub_mqtt::session {
namespace {

std::vector<int> items(const Fifo<int>& fifo) { return {fifo.begin(), fifo.end()}; }

TEST(FifoTest, IsEmptyAtFirst) {
  const Fifo<int> fifo;
  EXPECT_TRUE(fifo.empty());
  EXPECT_EQ(fifo.size(), 0U);
  EXPECT_EQ(items(fifo), std::vector<int>{});
}

TEST(FifoTest, IsOnePointerAndHoldsNoMemoryBeforeItsFirstItem) {
  const auto before = allocated_bytes();
  const std::vector<Fifo<int>> many(1000);
  EXPECT_EQ(sizeof(Fifo<int>), sizeof(void*));
  EXPECT_LE(allocated_bytes() - before, 1000 * sizeof(void*) + 64);
}

TEST(FifoTest, GivesBackTheMemoryOfItsItemsWhenItIsEmpty) {
  Fifo<int> fifo;
  fifo.push_back(1);
  fifo.pop_front();
  const auto before = allocated_bytes();
  for (int i = 0; i < 100000; ++i) fifo.push_back(i);
  while (!fifo.empty()) fifo.pop_front();
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(FifoTest, AnItemIsDestroyedWhenItIsPopped) {
  Fifo<std::shared_ptr<int>> fifo;
  const auto item = std::make_shared<int>(1);
  fifo.push_back(item);
  fifo.push_back(nullptr);
  fifo.pop_front();
  EXPECT_EQ(item.use_count(), 1);
}

TEST(FifoTest, CanBeMovedFrom) {
  Fifo<int> from;
  from.push_back(7);
  const Fifo<int> to = std::move(from);
  EXPECT_EQ(items(to), std::vector{7});
}

TEST(FifoTest, AgreesWithADeque) {
  std::minstd_rand random(1);
  Fifo<int> fifo;
  std::deque<int> expected;
  const auto is_third = [](int item) { return item % 3 == 0; };
  for (int step = 0; step < 200000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        fifo.push_back(step);
        expected.push_back(step);
        break;
      case 3:
      case 4:
        if (!expected.empty()) {
          fifo.pop_front();
          expected.pop_front();
        }
        break;
      case 5:
        if (!expected.empty()) {
          const auto at = static_cast<std::ptrdiff_t>(random() % expected.size());
          fifo.erase(fifo.begin() + at);
          expected.erase(expected.begin() + at);
        }
        break;
      case 6:
        if (random() % 50 == 0) {
          fifo.erase_if(is_third);
          std::erase_if(expected, is_third);
        }
        break;
      default:
        if (random() % 500 == 0) {
          fifo.clear();
          expected.clear();
        }
    }
    ASSERT_EQ(fifo.size(), expected.size());
    if (!expected.empty()) {
      ASSERT_EQ(fifo.front(), expected.front());
      ASSERT_EQ(fifo.back(), expected.back());
    }
    if (step % 1000 == 0) {
      ASSERT_EQ(items(fifo), std::vector<int>(expected.begin(), expected.end()));
    }
  }
}

TEST(FifoTest, WhereThePredicateThrowsWhatItHasNotSaidIsThere) {
  Fifo<std::shared_ptr<int>> fifo;
  for (int i = 0; i < 6; ++i) fifo.push_back(std::make_shared<int>(i));
  fifo.pop_front();
  EXPECT_THROW(fifo.erase_if([](const auto& item) {
    if (*item == 4) throw std::bad_alloc();
    return *item % 2 == 1;
  }),
               std::bad_alloc);
  std::vector<int> left;
  for (const auto& item : fifo) left.push_back(*item);
  EXPECT_EQ(left, (std::vector<int>{2, 4, 5}));
}

}  // namespace
}  // namespace pubsub_mqtt::session
