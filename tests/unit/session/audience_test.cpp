// Who receives a node, and what that costs: with its half on Prosody's thread (members_test.cpp) at most 16 bytes for
// each client and node.
#include "routing/audience.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../base/allocated_bytes.h"

namespace pubsub_mqtt::session {
namespace {

using topic::Type;

using Both = std::pair<Selection, SharedSelection>;

std::map<SessionId, Both> members(const Audience& audience) {
  std::map<SessionId, Both> all;
  for (const auto& [selection, shared, sessions] : audience.groups()) {
    for (const SessionId session : sessions) all[session] = {selection, shared};
  }
  return all;
}

TEST(AudienceTest, FollowsEachChange) {
  std::mt19937 random(1);
  std::map<SessionId, Both> expected;
  Audience audience("h", "n");
  for (int i = 0; i < 20000; ++i) {
    AudienceChange change{.node = 1, .session = random() % 200, .selection = {}};
    if (random() % 3 != 0) change.selection.by_form[random() % 4] = static_cast<mqtt::QoS>(random() % 3);
    if (random() % 3 != 0) change.selection.natural = static_cast<mqtt::QoS>(random() % 3);
    if (random() % 3 == 0) change.shared.by_form[random() % 4] = true;
    change.shared.natural = random() % 3 == 0;
    audience.change(change);
    if (change.selection.empty() && change.shared.empty()) {
      expected.erase(change.session);
    } else {
      expected[change.session] = {change.selection, change.shared};
    }
  }
  EXPECT_EQ(members(audience), expected);
  for (const auto& [session, both] : expected) {
    const auto& [selection, shared] = both;
    EXPECT_EQ(audience.shares(session), !shared.empty());
    for (const auto type : {Type::json, Type::utf8, Type::atom_title, Type::xml}) {
      EXPECT_EQ(audience.receives(session, type), selection.qos(type, type).has_value());
    }
    audience.change({.node = 1, .session = session, .selection = {}});
    EXPECT_FALSE(audience.receives(session, Type::json));
  }
  EXPECT_TRUE(audience.groups().empty());
  EXPECT_FALSE(audience.is_received(Type::json, Type::json));
  EXPECT_FALSE(audience.is_shared());
}

TEST(AudienceTest, WhatOnlyGroupsReceiveIsReceived) {
  Audience audience("h", "n");
  audience.change({.node = 1, .session = 1, .selection = {}, .shared = {.natural = true}});
  EXPECT_TRUE(audience.is_shared());
  EXPECT_TRUE(audience.is_received(Type::json, Type::json));
  EXPECT_FALSE(audience.is_received(Type::xml, Type::json));
  EXPECT_FALSE(audience.receives(1, Type::json)) << "not by itself";
  audience.change({.node = 1, .session = 1, .selection = {}, .shared = {.by_form = {true}}});
  EXPECT_TRUE(audience.is_received(Type::json, Type::xml));
  audience.change({.node = 1, .session = 1, .selection = {}});
  EXPECT_FALSE(audience.is_received(Type::json, Type::json));
  EXPECT_FALSE(audience.is_shared());
}

TEST(AudienceTest, AWildcardOfManyClientsCostsLittleForEachNode) {
  constexpr std::size_t nodes = 10000;
  constexpr SessionId clients = 500;
  std::vector<Audience> audiences;
  audiences.reserve(nodes);
  for (std::size_t i = 0; i < nodes; ++i) audiences.emplace_back("h", "n");
  const auto before = allocated_bytes();
  AudienceChange change{.node = 1, .session = 0, .selection = {}};
  change.selection.natural = mqtt::QoS::at_most_once;
  for (SessionId session = 1; session <= clients; ++session) {
    change.session = session;
    for (auto& audience : audiences) audience.change(change);
  }
  const auto each = static_cast<double>(allocated_bytes() - before) / nodes / clients;
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 9.0);
}

}  // namespace
}  // namespace pubsub_mqtt::session
