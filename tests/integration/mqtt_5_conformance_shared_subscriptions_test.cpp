// Statements of MQTT 5.0 on shared subscriptions, each against a real Prosody; docs/conformance-5.md has them all.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "mqtt_5_conformance_fixture.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

using enum mqtt::QoS;
using mqtt::Reason;

class SharedSubscriptions : public Mqtt5Conformance {
 protected:
  static constexpr const char* shared = "$share/group/pubsub.localhost/utf8/node";
  const Client member_options{.identifier = "member", .clean_start = false, .properties = expiry_60};
};

TEST_F(SharedSubscriptions, HaveAGroupAndAFilter) {  // [MQTT5-4.8.2-1], [MQTT5-4.8.2-2]
  RawMqtt subscriber = client("subscriber");
  for (const char* bad : {"$share", "$share/", "$share//pubsub.localhost/utf8/node", "$share/group",
                          "$share/group/", "$share/+/pubsub.localhost/utf8/node"}) {
    EXPECT_EQ(subscribe(subscriber, {.topic_filter = bad}), Reason::topic_filter_invalid) << bad;
  }
  EXPECT_EQ(subscribe(subscriber, {.topic_filter = shared}), Reason::granted_qos_0);
}

TEST_F(SharedSubscriptions, AMessageGoesToOneMemberAtItsQos) {  // [MQTT5-4.8.2-3]
  RawMqtt one = client("one");
  RawMqtt two = client("two");
  subscribe(one, {.topic_filter = shared, .qos = at_least_once});
  subscribe(two, {.topic_filter = shared, .qos = at_least_once});
  RawMqtt publisher = client("publisher");
  std::multiset<std::string> payloads;
  for (int i = 0; i < 6; ++i) publish(publisher, {.topic = topic, .payload = std::to_string(i)});
  for (RawMqtt* member : {&one, &two}) {
    for (int i = 0; i < 3; ++i) {
      const auto received = receive(*member);
      EXPECT_EQ(received.qos, at_least_once);
      member->send(mqtt::Puback{received.packet_identifier});
      payloads.insert(received.payload);
    }
    expect_silence(*member);
  }
  EXPECT_EQ(payloads, (std::multiset<std::string>{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(SharedSubscriptions, APlainOneBesideItGetsItsOwnCopy) {  // [MQTT5-3.3.4-5]
  RawMqtt subscriber = client("subscriber");
  subscribe(subscriber, {.topic_filter = shared}, properties({{Id::subscription_identifier, 1U}}));
  subscribe(subscriber, {.topic_filter = topic}, properties({{Id::subscription_identifier, 2U}}));
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "1"});
  std::set<std::uint32_t> identifiers;
  for (int i = 0; i < 2; ++i) {
    identifiers.insert(receive(subscriber).integer(Id::subscription_identifier).value_or(0));
  }
  EXPECT_EQ(identifiers, (std::set<std::uint32_t>{1, 2}));
}

TEST_F(SharedSubscriptions, WhatIsInFlightAtQos2IsCompletedWithItsMember) {  // [MQTT5-4.8.2-4]
  RawMqtt member = client(member_options);
  subscribe(member, {.topic_filter = shared, .qos = exactly_once});
  RawMqtt publisher = client("publisher");
  publisher.send(mqtt::Publish{.topic = topic, .payload = "1", .qos = exactly_once, .packet_identifier = 1});
  publisher.read_packet<mqtt::Pubrec>();
  const auto received = receive(member);
  RawMqtt other = client("other");
  subscribe(other, {.topic_filter = shared, .qos = exactly_once});
  abort(member);
  RawMqtt back = client(member_options, true);
  EXPECT_EQ(receive(back).packet_identifier, received.packet_identifier);
  expect_silence(other);
}

TEST_F(SharedSubscriptions, TheEndOfASessionGivesQos1ToOthersButNotQos2) {  // [MQTT5-4.8.2-5]
  RawMqtt member = client("member");
  subscribe(member, {.topic_filter = shared, .qos = exactly_once});
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "1"});
  publisher.send(mqtt::Publish{.topic = topic, .payload = "2", .qos = exactly_once, .packet_identifier = 1});
  publisher.read_packet<mqtt::Pubrec>();
  EXPECT_EQ(receive(member).payload, "1");
  EXPECT_EQ(receive(member).payload, "2");
  RawMqtt other = client("other");
  subscribe(other, {.topic_filter = shared, .qos = exactly_once});
  abort(member);
  EXPECT_EQ(receive(other).payload, "1");
  expect_silence(other);
}

TEST_F(SharedSubscriptions, WhatAMemberRefusesGoesToNobodyElse) {  // [MQTT5-4.8.2-6]
  RawMqtt member = client("member");
  subscribe(member, {.topic_filter = shared, .qos = at_least_once});
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "1"});
  const auto received = receive(member);
  RawMqtt other = client("other");
  subscribe(other, {.topic_filter = shared, .qos = at_least_once});
  member.send(mqtt::Puback{received.packet_identifier, Reason::unspecified_error});
  member.ping();
  disconnect(member);
  expect_silence(other);
}

}  // namespace
}  // namespace pubsub_mqtt::tests::mqtt_5
