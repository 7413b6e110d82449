#include "routing/backlog.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt::session {
namespace {

// All shares together are 500 bytes.
class BacklogTest : public ::testing::Test {
 protected:
  static constexpr Backlog::Asker juliet{.session = 1, .party = "juliet@host"};
  static constexpr Backlog::Asker again{.session = 2, .party = "juliet@host"};
  static constexpr Backlog::Asker romeo{.session = 3, .party = "romeo@host"};
  static constexpr Backlog::Asker proxied{.session = 4};
  static constexpr Backlog::Asker other{.session = 5};

  void add(const Backlog::Asker& asker, std::size_t bytes) { backlog.add(asker, bytes, limits); }
  void remove(const Backlog::Asker& asker, std::size_t bytes) {
    backlog.remove(asker.session, bytes, limits);
  }
  // What the asker may have more.
  std::size_t share(const Backlog::Asker& asker) {
    std::size_t bytes = 0;
    while (bytes <= 1000 && backlog.has_share(asker, bytes + 1, limits)) ++bytes;
    return bytes;
  }

  Limits limits{.max_pending_bytes = 1000};
  Backlog backlog;
};

TEST_F(BacklogTest, WhileItIsNotTooMuchNobodyIsCounted) {
  add(juliet, 1000);
  EXPECT_GT(share(juliet), 1000U);
}

TEST_F(BacklogTest, TheSessionsOfAPartyHaveOneShare) {
  add(juliet, 600);
  add(again, 600);
  EXPECT_EQ(share(juliet), 0U);
  EXPECT_EQ(share(again), 0U);
  EXPECT_EQ(share(romeo), 250U);
  add(romeo, 100);
  EXPECT_EQ(share(romeo), 150U);
}

TEST_F(BacklogTest, WhoComesAndGoesGainsNothingAndTakesNothingFromOthers) {
  for (SessionId session = 100; session < 200; ++session) {
    add({.session = session, .party = "192.0.2.1"}, 20);
  }
  EXPECT_EQ(share({.session = 200, .party = "192.0.2.1"}), 0U);
  EXPECT_EQ(share(romeo), 250U);
  for (SessionId session = 100; session < 199; ++session) remove({.session = session}, 20);
  EXPECT_TRUE(backlog.has_shrunk());
  EXPECT_FALSE(backlog.has_shrunk());
}

TEST_F(BacklogTest, ThoseWhoMayBeBehindAProxyAreCountedOneByOne) {
  add(proxied, 1100);
  EXPECT_EQ(share(proxied), 0U);
  EXPECT_EQ(share(other), 250U);
  add(other, 50);
  EXPECT_EQ(share(other), 200U);
  EXPECT_EQ(share(romeo), 166U);
  remove(other, 50);
  EXPECT_EQ(share(romeo), 250U);
}

TEST_F(BacklogTest, APartyIsForgottenWithTheLastOfItsBytes) {
  add(juliet, 600);
  add(again, 1);
  add(romeo, 1);
  add(proxied, 500);
  remove(romeo, 1);
  remove(again, 1);
  EXPECT_EQ(share(other), 166U);
  remove(juliet, 599);
  EXPECT_EQ(share(other), 166U);
  remove(juliet, 1);
  EXPECT_TRUE(backlog.has_shrunk());
  add(proxied, 501);
  EXPECT_EQ(share(other), 250U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
