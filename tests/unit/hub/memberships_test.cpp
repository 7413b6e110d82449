// What all filters with a wildcard cost together (docs/configuration.md, "Limits").
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using enum mqtt::Reason;

class MembershipsTest : public HubTest {
 protected:
  MembershipsTest() {
    Limits limits;
    limits.max_total_memberships = 1500;
    limits.max_subscriptions = 2000;
    hub.set_limits(limits);
    for (int i = 0; i < 1000; ++i) create("n" + std::to_string(i));
  }

  SubscribeReply reply_to(SessionId session, const std::vector<std::string>& filters) {
    AskToSubscribe request{.session = session, .packet_identifier = 1, .filters = {}};
    for (const auto& filter : filters) request.filters.push_back({.topic_filter = filter});
    ask(request);
    return last_of<SubscribeReply>();
  }

  std::size_t lines() const {
    std::size_t count = 0;
    for (const auto& line : service.lines)
      count += line.find("mqtt_max_total_memberships") != std::string::npos;
    return count;
  }
};

TEST_F(MembershipsTest, BeyondTheLimitAFilterWithAWildcardIsRefused) {
  open(2);
  EXPECT_EQ(reply_to(1, {"pubsub/json/#"}).results, std::vector{granted_qos_0});
  deliveries.clear();
  const auto reply = reply_to(2, {"pubsub/json/#"});
  EXPECT_EQ(reply.results, std::vector{quota_exceeded});
  EXPECT_NE(reply.reason_string.find("mqtt_max_total_memberships"), std::string::npos);
  EXPECT_EQ(lines(), 1U);
  EXPECT_EQ(hub.subscriptions(2), 0U);
  // Who it had become a subscriber of is told that it is none.
  int receives = 0;
  for (const auto& change : take<AudienceChange>()) receives += change.selection.empty() ? -1 : 1;
  EXPECT_EQ(receives, 0);
  create("new");
  for (const auto& change : take<AudienceChange>()) EXPECT_EQ(change.session, 1U);
}

TEST_F(MembershipsTest, WhatWasRefusedLeavesRoomForLess) {
  open(2);
  EXPECT_EQ(reply_to(1, {"pubsub/json/#"}).results, std::vector{granted_qos_0});
  EXPECT_EQ(
      reply_to(2, {"pubsub/json/+", "pubsub/json/n999", "pubsub/utf8/+", "pubsub/json/n7/#", "pubsub/json/+"})
          .results,
      (std::vector{quota_exceeded, granted_qos_0, quota_exceeded, granted_qos_0, quota_exceeded}));
  EXPECT_EQ(hub.subscriptions(2), 2U);
  ask(CloseSession{.session = 1});
  EXPECT_EQ(reply_to(2, {"pubsub/json/+"}).results, std::vector{granted_qos_0});
}

TEST_F(MembershipsTest, ANodeThatTheClientReceivesAlreadyCostsNothing) {
  open(2);
  EXPECT_EQ(reply_to(1, {"pubsub/json/#"}).results, std::vector{granted_qos_0});
  std::vector<std::string> literals;
  for (int i = 0; i < 500; ++i) literals.push_back("pubsub/json/n" + std::to_string(i));
  reply_to(2, literals);
  EXPECT_EQ(reply_to(1, {"pubsub/utf8/#", "pubsub/json/#", "#"}).results, std::vector(3, granted_qos_0));
  EXPECT_EQ(reply_to(2, {"pubsub/utf8/n7"}).results, std::vector{granted_qos_0});
  EXPECT_EQ(reply_to(2, {"pubsub/utf8/#"}).results, std::vector{quota_exceeded});
}

TEST_F(MembershipsTest, NoRetainedMessagesComeForWhatIsRefused) {
  open(2);
  retain("pubsub/json/n1", "1");
  reply_to(1, {"pubsub/json/#"});
  take<RetainedMessages>();
  reply_to(2, {"pubsub/json/#"});
  EXPECT_TRUE(take<RetainedMessages>().empty());
}

}  // namespace
}  // namespace pubsub_mqtt::hub
