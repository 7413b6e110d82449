// What a group leaves of its units.
#include "group.h"

#include <gtest/gtest.h>

#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

Unit unit(std::vector<Change> changes) { return {.changes = std::move(changes), .last_number = 9}; }

TEST(GroupTest, WhatIsPutAndRemovedLeavesNothing) {
  Group group;
  group.add(unit({new_message(5), new_inflight(1, 7, 5)}), 1);
  EXPECT_EQ(group.rows(), 2U);
  group.add(unit({RemoveInflight{.session = 1, .packet_identifier = 7}, RemoveMessage{5}}), 2);
  EXPECT_TRUE(group.leaves_nothing());
  EXPECT_EQ(group.number(), 2U);
}

TEST(GroupTest, WhatWasThereIsRemovedFromTheDatabase) {
  Group group;
  group.add(unit({RemoveMessage{5}}), 1);
  ASSERT_EQ(group.messages.size(), 1U);
  EXPECT_FALSE(group.messages.rows().begin()->second.second.has_value());
}

TEST(GroupTest, APacketIdentifierThatIsUsedAgainIsThere) {
  Group group;
  group.add(unit({new_inflight(1, 7, 5)}), 1);
  group.add(unit({RemoveInflight{.session = 1, .packet_identifier = 7}}), 2);
  group.add(unit({new_inflight(1, 7, 6)}), 3);
  ASSERT_EQ(group.inflight.size(), 1U);
  const auto& [key, row] = *group.inflight.rows().begin();
  ASSERT_TRUE(row.second.has_value());
  EXPECT_EQ(row.second->message, 6U);
}

TEST(GroupTest, OneThatWasThereAndIsUsedAgainAndRemovedIsRemovedFromTheDatabase) {
  Group group;
  group.add(unit({RemoveInflight{.session = 1, .packet_identifier = 7}}), 1);
  group.add(unit({new_inflight(1, 7, 6), RemoveInflight{.session = 1, .packet_identifier = 7}}), 2);
  ASSERT_EQ(group.inflight.size(), 1U);
  EXPECT_FALSE(group.inflight.rows().begin()->second.second.has_value());
}

TEST(GroupTest, PacketIdentifiersOfTwoSessionsAreTwo) {
  Group group;
  group.add(unit({new_inflight(1, 7, 5), new_inflight(2, 7, 5)}), 1);
  EXPECT_EQ(group.inflight.size(), 2U);
}

}  // namespace
}  // namespace pubsub_mqtt::store
