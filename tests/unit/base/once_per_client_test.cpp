#include "pubsub_mqtt/base/once_per_client.h"

#include <gtest/gtest.h>

namespace pubsub_mqtt {
namespace {

TEST(OncePerClient, AClientIsItsIdentifierAndAccount) {
  OncePerClient once;
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "meter")", "cause"));
  EXPECT_FALSE(once.is_first(R"(192.0.2.1:1001 "meter")", "cause"));
  EXPECT_FALSE(once.is_first(R"([2001:db8::1]:1000 "meter")", "cause"));
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "meter" (a@host))", "cause"));
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "meter" (b@host))", "cause"));
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "other")", "cause"));
}

TEST(OncePerClient, WithoutIdentifierItIsItsAddress) {
  OncePerClient once;
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "")", "cause"));
  EXPECT_FALSE(once.is_first(R"(192.0.2.1:1001 "")", "cause"));
  EXPECT_TRUE(once.is_first(R"(192.0.2.2:1000 "")", "cause"));
  EXPECT_TRUE(once.is_first(R"([2001:db8::1]:1000 "" (a@host))", "cause"));
  EXPECT_FALSE(once.is_first(R"([2001:db8::1]:1001 "" (a@host))", "cause"));
}

TEST(OncePerClient, EachCauseIsOneOfItsOwn) {
  OncePerClient once;
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "meter")", "one"));
  EXPECT_TRUE(once.is_first(R"(192.0.2.1:1000 "meter")", "another"));
  EXPECT_FALSE(once.is_first(R"(192.0.2.1:1000 "meter")", "one"));
}

TEST(OncePerClient, TheOldestIsForgotten) {
  OncePerClient once(2);
  EXPECT_TRUE(once.is_first("a \"1\"", "cause"));
  EXPECT_TRUE(once.is_first("a \"2\"", "cause"));
  EXPECT_TRUE(once.is_first("a \"3\"", "cause"));
  EXPECT_FALSE(once.is_first("a \"2\"", "cause"));
  EXPECT_FALSE(once.is_first("a \"3\"", "cause"));
  EXPECT_TRUE(once.is_first("a \"1\"", "cause"));
}

}  // namespace
}  // namespace pubsub_mqtt
