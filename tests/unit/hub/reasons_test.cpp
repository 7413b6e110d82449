// What a client of MQTT 5.0 is told of what it asked (MQTT 5.0, 2.4; docs/mapping.md, "MQTT 5.0").
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"
#include "pubsub_mqtt/payload/xml_text.h"

namespace pubsub_mqtt::hub {
namespace {

using enum mqtt::Reason;

class ReasonsTest : public HubTest {
 protected:
  PublishReply reply_to(const std::string& topic, const std::string& payload, bool retain = false) {
    ask(AskToPublish{.session = 1, .topic = topic, .payload = payload, .retain = retain});
    return last_of<PublishReply>();
  }

  SubscribeReply reply_to_subscribe(const std::vector<std::string>& filters) {
    AskToSubscribe request{.session = 1, .packet_identifier = 1, .filters = {}};
    for (const auto& filter : filters) request.filters.push_back({.topic_filter = filter});
    ask(request);
    return last_of<SubscribeReply>();
  }

  mqtt::Reason reason_of(const std::string& filter) { return reply_to_subscribe({filter}).results.at(0); }
};

TEST_F(ReasonsTest, WhatIsPublishedToATopicThatIsNoNodes) {
  for (const std::string topic :
       {"node", "elsewhere/json/node", "pubsub/nope/node", "pubsub/json/a\x01", "$x/json/n"}) {
    const auto reply = reply_to(topic, "1");
    EXPECT_EQ(reply.reason, topic_name_invalid) << topic;
    ASSERT_FALSE(service.lines.empty());
    EXPECT_FALSE(reply.reason_string.empty());
    EXPECT_NE(service.lines.back().find(reply.reason_string), std::string::npos) << service.lines.back();
  }
}

TEST_F(ReasonsTest, APayloadThatIsNotOfItsType) {
  EXPECT_EQ(reply_to("pubsub/json/node", "{").reason, payload_format_invalid);
  EXPECT_EQ(reply_to("pubsub/utf8/node", "\xFF").reason, payload_format_invalid);
  std::string many = "<x xmlns='urn:x'>";
  for (std::size_t i = 0; i < Limits{}.max_xml_elements; ++i) many += "<y/>";
  const auto reply = reply_to("pubsub/xml/node", many + "</x>");
  EXPECT_EQ(reply.reason, quota_exceeded);
  EXPECT_NE(reply.reason_string.find("mqtt_max_xml_elements"), std::string::npos);
}

TEST_F(ReasonsTest, WhatPubsubRefuses) {
  service.outcome = Outcome::refused;
  for (const bool is_clear : {false, true}) {
    const auto reply = reply_to("pubsub/json/node", is_clear ? "" : "1", is_clear);
    EXPECT_EQ(reply.reason, not_authorized);
    EXPECT_EQ(reply.reason_string, "because");
  }
}

// It is not acknowledged: a code of 0x80 or more would keep the client from sending it again [MQTT5-4.4.0-2].
TEST_F(ReasonsTest, WhatFailsForNowIsNotRefused) {
  service.outcome = Outcome::failed;
  EXPECT_EQ(reply_to("pubsub/json/node", "1").outcome, Outcome::failed);
  service.outcome = Outcome::accepted;
  service.enabled = false;
  EXPECT_EQ(reply_to("pubsub/json/node", "1").outcome, Outcome::failed);
}

// [MQTT5-3.4.2-1], table 3-24
TEST_F(ReasonsTest, NoMatchingSubscribersWhereNobodyHasIt) {
  service.unobserved = true;
  EXPECT_EQ(reply_to("pubsub/json/node", "1").reason, no_matching_subscribers);
  EXPECT_EQ(reply_to("pubsub/json/node", "1", true).reason, success);  // retained
  EXPECT_EQ(reply_to("pubsub/json/node", "", true).reason, success);
  service.unobserved = false;  // stored, or seen over XMPP
  EXPECT_EQ(reply_to("pubsub/json/node", "1").reason, success);
}

TEST_F(ReasonsTest, ASubscriberHasItWhetherConnectedOrAway) {
  service.unobserved = true;
  subscribe(1, "pubsub/json/node");
  EXPECT_EQ(reply_to("pubsub/json/node", "1").reason, success);
  EXPECT_EQ(reply_to("pubsub/utf8/node", "1").reason, no_matching_subscribers);  // of another TYPE
  ask(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {"pubsub/json/node"}});
  EXPECT_EQ(reply_to("pubsub/json/node", "1").reason, no_matching_subscribers);
}

TEST_F(ReasonsTest, WhoMayNotReceiveItDoesNotHaveIt) {
  service.unobserved = true;
  subscribe(1, "pubsub/json/#");
  service.open["node"] = false;
  hub.node_changed("pubsub", "node");
  EXPECT_EQ(reply_to("pubsub/json/node", "1").reason, no_matching_subscribers);
}

TEST_F(ReasonsTest, AFilterThatCanNeverMatch) {
  for (const std::string filter : {"node", "pubsub/json", "pubsub/nope/node", "elsewhere/json/node",
                                   "elsewhere/#", "pubsub/json/a\x01", "$x/#"}) {
    EXPECT_EQ(reason_of(filter), topic_filter_invalid) << filter;
  }
  EXPECT_EQ(reason_of("pubsub/json/" + std::string(100, '/')), topic_filter_invalid);
}

TEST_F(ReasonsTest, AFilterWithoutTheRight) { EXPECT_EQ(reason_of("pubsub/json/secret"), not_authorized); }

TEST_F(ReasonsTest, TooManyFilters) {
  Limits limits;
  limits.max_subscriptions = 2;
  limits.max_wildcard_subscriptions = 1;
  hub.set_limits(limits);
  EXPECT_EQ(
      reply_to_subscribe({"pubsub/json/#", "pubsub/utf8/#", "pubsub/json/node", "pubsub/json/other"}).results,
      (std::vector{granted_qos_0, quota_exceeded, granted_qos_0, quota_exceeded}));
}

TEST_F(ReasonsTest, TheReasonStringIsOfTheFirstFilterThatWasRefused) {
  EXPECT_EQ(reply_to_subscribe({"pubsub/json/node"}).reason_string, "");
  const auto reply = reply_to_subscribe({"pubsub/json/node", "pubsub/json/secret", "elsewhere/json/node"});
  EXPECT_EQ(reply.results, (std::vector{granted_qos_0, not_authorized, topic_filter_invalid}));
  EXPECT_NE(reply.reason_string.find("access_model"), std::string::npos);
  EXPECT_NE(service.lines.at(0).find(reply.reason_string), std::string::npos);
  EXPECT_EQ(reply_to_subscribe({"pubsub/json/node"}).reason_string, "");  // forgotten
}

}  // namespace
}  // namespace pubsub_mqtt::hub
