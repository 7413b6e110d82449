// Which SUBSCRIBEs bring retained messages (MQTT 5.0, 3.3.1.3, 3.8.3.1).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub_fixture.h"

namespace pubsub_mqtt::hub {
namespace {

using enum mqtt::RetainHandling;

class RetainHandlingTest : public HubTest {
 protected:
  RetainHandlingTest() { retain("pubsub/json/node", "1", mqtt::QoS::exactly_once); }

  std::vector<std::string> retained_for(const std::vector<Subscription>& subscriptions) {
    ask(AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = subscriptions});
    std::vector<std::string> payloads;
    for (auto batches = take<RetainedMessages>(); !batches.empty(); batches = take<RetainedMessages>()) {
      for (const auto& message : batches.at(0).messages) payloads.push_back(message.payload);
      ask(RetainedRequest{.session = 1});
    }
    return payloads;
  }

  static Subscription to(const std::string& filter, mqtt::RetainHandling handling) {
    return {.topic_filter = filter, .qos = mqtt::QoS::exactly_once, .retain_handling = handling};
  }

  const std::vector<std::string> one{"1"};
  const std::vector<std::string> none;
};

TEST_F(RetainHandlingTest, AlwaysIsOnEachSubscribe) {  // [MQTT5-3.3.1-9]
  for (const std::string filter : {"pubsub/json/node", "pubsub/json/#"}) {
    EXPECT_EQ(retained_for({to(filter, always)}), one) << filter;
    EXPECT_EQ(retained_for({to(filter, always)}), one) << filter;
  }
}

TEST_F(RetainHandlingTest, OfANewSubscriptionIsNotOnARepeatedOne) {  // [MQTT5-3.3.1-10]
  for (const std::string filter : {"pubsub/json/node", "pubsub/json/#"}) {
    EXPECT_EQ(retained_for({to(filter, new_subscription)}), one) << filter;
    EXPECT_EQ(retained_for({to(filter, new_subscription)}), none) << filter;
    EXPECT_EQ(retained_for({to(filter, always)}), one) << filter;
    ask(AskToUnsubscribe{.session = 1, .packet_identifier = 2, .topic_filters = {filter}});
    EXPECT_EQ(retained_for({to(filter, new_subscription)}), one) << filter;
  }
}

TEST_F(RetainHandlingTest, NeverIsNever) {  // [MQTT5-3.3.1-11]
  EXPECT_EQ(retained_for({to("pubsub/json/node", never), to("pubsub/json/#", never)}), none);
  EXPECT_EQ(retained_for({to("pubsub/json/node", new_subscription)}), none);  // it exists by now
}

// As if each were in a SUBSCRIBE of its own [MQTT5-3.8.4-5].
TEST_F(RetainHandlingTest, EachFilterOfASubscribeHasItsOwn) {
  service.open["secret"] = false;
  EXPECT_EQ(retained_for({to("pubsub/json/secret", always), to("pubsub/json/node", never),
                          to("pubsub/json/#", always)}),
            one);
  EXPECT_EQ(
      retained_for({to("pubsub/xml/node", new_subscription), to("pubsub/xml/node", new_subscription)}).size(),
      1U);
}

TEST_F(RetainHandlingTest,
       ARepeatedOneDoesNotStopWhatTheFirstHasToBringAndReplacesItsQos) {  // [MQTT5-3.8.4-3]
  for (int i = 0; i < 30; ++i) {
    create("n" + std::to_string(i));
    retain("pubsub/json/n" + std::to_string(i), "1", mqtt::QoS::exactly_once);
  }
  ask(AskToSubscribe{.session = 1, .packet_identifier = 1, .filters = {to("pubsub/json/#", always)}});
  EXPECT_EQ(last_of<RetainedMessages>().messages.size(), 20U);
  Subscription lower = to("pubsub/json/#", never);
  lower.qos = mqtt::QoS::at_most_once;
  ask(AskToSubscribe{.session = 1, .packet_identifier = 2, .filters = {lower}});
  ask(RetainedRequest{.session = 1});
  const auto rest = last_of<RetainedMessages>().messages;
  EXPECT_EQ(rest.size(), 11U);
  for (const auto& message : rest) EXPECT_EQ(message.envelope.qos, mqtt::QoS::at_most_once);
}

}  // namespace
}  // namespace pubsub_mqtt::hub
