// Who is to have a message, as bytes.
#include <gtest/gtest.h>

#include "durable/members.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

TEST(MembersTest, ComeOutAsTheyWentIn) {
  const std::vector<Member> in{
      {.session = 1, .qos = QoS::at_least_once},
      {.session = 128, .qos = QoS::exactly_once, .retain = true},
      {.session = 1ULL << 46U, .qos = QoS::at_least_once, .identifiers = "identifiers"},
      {.session = 7, .qos = QoS::exactly_once, .identifiers = "i", .shared_filter = "$share/g/h/#"}};
  std::string bytes;
  for (const auto& member : in) append(member, bytes);
  std::string_view left = bytes;
  for (const auto& member : in) EXPECT_EQ(take_member(left), member);
  EXPECT_EQ(take_member(left), std::nullopt);
}

TEST(MembersTest, WhatIsCutOffIsNone) {
  std::string bytes;
  append({.session = 300, .qos = QoS::at_least_once, .identifiers = "identifiers", .shared_filter = "f"},
         bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view left = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(take_member(left), std::nullopt) << size;
  }
}

}  // namespace
}  // namespace pubsub_mqtt::session
