// How work is shared with Prosody's loop, with a clock of its own: each step takes so long.
#include "work_slices.h"

#include <gtest/gtest.h>

#include <chrono>

namespace pubsub_mqtt::lua {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class TestWork final : public WorkSlices::Work {
 public:
  void take() override {
    steps += posted;
    posted = 0;
  }
  bool step_until(WorkSlices::Clock::time_point deadline) override {
    do {
      if (steps == 0) return true;
      --steps;
      ++done;
      time += step;
    } while (time < deadline);
    return steps == 0;
  }
  void set_readable(bool is) override {
    readable = is;
    if (!is && posts_when_drained) {
      posted = 1;
      posts_when_drained = false;
      readable = true;  // the network thread has written to the descriptor
    }
  }
  WorkSlices::Clock::time_point now() override { return time; }

  int posted = 0;
  int steps = 0;
  int done = 0;
  microseconds step{100};
  bool readable = true;
  bool posts_when_drained = false;
  WorkSlices::Clock::time_point time{};
};

class WorkSlicesTest : public testing::Test {
 protected:
  TestWork work;
  WorkSlices slices;
};

TEST_F(WorkSlicesTest, LittleWorkIsDoneAtOnce) {
  work.posted = 3;
  EXPECT_FALSE(slices.run(work, false));
  EXPECT_EQ(work.done, 3);
  EXPECT_FALSE(work.readable);
}

TEST_F(WorkSlicesTest, NoSliceIsMuchLongerThanItMayBe) {
  work.posted = 100;
  EXPECT_FALSE(slices.run(work, false));
  EXPECT_EQ(work.done, 5);  // of 100 microseconds each
  EXPECT_TRUE(work.readable);
}

TEST_F(WorkSlicesTest, ALongStepIsDoneAndNoOtherBehindIt) {
  work.posted = 2;
  work.step = milliseconds(5);
  EXPECT_FALSE(slices.run(work, false));
  EXPECT_EQ(work.done, 1);
}

TEST_F(WorkSlicesTest, WhatIsPostedWhileTheDescriptorIsDrainedIsNotLost) {
  work.posted = 1;
  work.posts_when_drained = true;
  slices.run(work, false);
  EXPECT_TRUE(work.done == 2 || work.readable);
}

// Prosody 0.12 runs no timers while any descriptor is readable.
TEST_F(WorkSlicesTest, AfterABurstTheRestWaitsForATimer) {
  work.posted = 1000;
  bool more = false;
  int slices_run = 0;
  while (!more && slices_run < 1000) {
    ASSERT_TRUE(work.readable);
    more = slices.run(work, false);
    ++slices_run;
  }
  EXPECT_TRUE(more);
  EXPECT_FALSE(work.readable);
  EXPECT_GT(work.time.time_since_epoch(), WorkSlices::burst);
  EXPECT_LT(work.time.time_since_epoch(), WorkSlices::burst + 2 * WorkSlices::slice);
}

TEST_F(WorkSlicesTest, WhileATimerIsAwaitedTheDescriptorDoesNothing) {
  work.posted = 1000;
  while (!slices.run(work, false)) {
  }
  const int done = work.done;
  work.readable = true;  // something new was posted
  EXPECT_FALSE(slices.run(work, false));
  EXPECT_EQ(work.done, done);
  EXPECT_FALSE(work.readable);
}

TEST_F(WorkSlicesTest, TheTimerGoesOnThroughTheDescriptor) {
  work.posted = 1000;
  while (!slices.run(work, false)) {
  }
  const int done = work.done;
  EXPECT_FALSE(slices.run(work, true));  // a burst begins again
  EXPECT_EQ(work.done, done + 5);
  EXPECT_TRUE(work.readable);
}

TEST_F(WorkSlicesTest, AllIsDoneInTheEnd) {
  work.posted = 1000;
  bool from_timer = false;
  for (int i = 0; i < 1000 && (work.readable || from_timer); ++i) from_timer = slices.run(work, from_timer);
  EXPECT_EQ(work.done, 1000);
  EXPECT_FALSE(work.readable);
}

}  // namespace
}  // namespace pubsub_mqtt::lua
