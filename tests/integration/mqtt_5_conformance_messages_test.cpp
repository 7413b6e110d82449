// Statements of MQTT 5.0 on messages and subscriptions, each against a real Prosody; docs/conformance-5.md has them
// all.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mqtt_5_conformance_fixture.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

using enum mqtt::QoS;
using mqtt::Reason;

TEST_F(Mqtt5Conformance, WhatIsTooLargeForAClientIsDroppedForItAlone) {  // [MQTT5-3.1.2-24], [MQTT5-3.1.2-25]
  RawMqtt small =
      client({.identifier = "small",
              .properties = properties({{Id::receive_maximum, 1U}, {Id::maximum_packet_size, 100U}})});
  RawMqtt large = client("large");
  for (RawMqtt* each : {&small, &large}) subscribe(*each, {.topic_filter = topic, .qos = at_least_once});
  RawMqtt publisher = client("publisher");
  const std::string payload(100, 'x');
  publish(publisher, {.topic = topic, .payload = payload});
  publish(publisher, {.topic = topic, .payload = "small enough"});
  EXPECT_EQ(receive(small).payload, "small enough");
  EXPECT_EQ(receive(large).payload, payload);
}

// [MQTT5-3.1.2-26], [MQTT5-3.1.2-27], [MQTT5-3.3.2-7], [MQTT5-3.3.2-11]
TEST_F(Mqtt5Conformance, TopicAliasesOfTheServerKeepToTheClientsMaximum) {
  RawMqtt publisher = client("publisher");
  for (const std::uint32_t maximum : {0U, 2U}) {
    RawMqtt subscriber =
        client({.identifier = "subscriber", .properties = properties({{Id::topic_alias_maximum, maximum}})});
    subscribe(subscriber, {.topic_filter = filter});
    std::map<std::uint32_t, std::string> topics;
    for (int i = 0; i < 20; ++i) {
      const std::string to = topic + std::to_string(i % 3);
      publish(publisher, {.topic = to, .payload = "1"});
      const auto received = receive(subscriber);
      const auto alias = received.integer(Id::topic_alias);
      ASSERT_LE(alias.value_or(0), maximum);
      if (alias && !received.topic.empty()) topics[*alias] = received.topic;
      EXPECT_EQ(received.topic.empty() ? topics[alias.value_or(0)] : received.topic, to);
    }
    EXPECT_EQ(topics.empty(), maximum == 0);
    disconnect(subscriber);
  }
}

// [MQTT5-3.1.2-29]
TEST_F(Mqtt5Conformance, ReasonStringsAreLeftOutWhereTheClientWantsNone) {
  for (const std::uint32_t wanted : {0U, 1U}) {
    RawMqtt asking = client(
        {.identifier = "asking", .properties = properties({{Id::request_problem_information, wanted}})});
    asking.send(mqtt::Publish{.topic = "nowhere", .qos = at_least_once, .packet_identifier = 5});
    const auto puback = asking.read_packet<mqtt::Puback>();
    EXPECT_EQ(puback.reason, Reason::topic_name_invalid);
    EXPECT_EQ(puback.properties.empty(), wanted == 0);
    asking.send(mqtt::Subscribe{.packet_identifier = 6, .subscriptions = {{.topic_filter = "nowhere"}}});
    const auto suback = asking.read_packet<mqtt::Suback>();
    EXPECT_EQ(suback.reasons.at(0), Reason::topic_filter_invalid);
    EXPECT_EQ(suback.properties.empty(), wanted == 0);
  }
}

// [MQTT5-3.2.2-19], [MQTT5-3.4.2-2], [MQTT5-3.5.2-2], [MQTT5-3.6.2-2], [MQTT5-3.7.2-2], [MQTT5-3.9.2-1],
// [MQTT5-3.11.2-1], [MQTT5-3.14.2-3], and their neighbours
TEST_F(Mqtt5Conformance, ReasonStringsAreLeftOutWhereThePacketWouldBeTooLarge) {
  RawMqtt asking =
      client({.identifier = "asking", .properties = properties({{Id::maximum_packet_size, 20U}})});
  asking.send(mqtt::Publish{.topic = "nowhere", .qos = at_least_once, .packet_identifier = 5});
  const auto puback = asking.read_packet<mqtt::Puback>();
  EXPECT_EQ(puback.reason, Reason::topic_name_invalid);
  EXPECT_TRUE(puback.properties.empty());
  asking.send(mqtt::Publish{.topic = "nowhere", .qos = exactly_once, .packet_identifier = 5});
  const auto pubrec = asking.read_packet<mqtt::Pubrec>();
  EXPECT_EQ(pubrec.reason, Reason::topic_name_invalid);
  EXPECT_TRUE(pubrec.properties.empty());
  asking.send(mqtt::Subscribe{.packet_identifier = 6, .subscriptions = {{.topic_filter = "nowhere"}}});
  EXPECT_TRUE(asking.read_packet<mqtt::Suback>().properties.empty());
  asking.send(mqtt::Unsubscribe{.packet_identifier = 7, .topic_filters = {"nowhere"}});
  EXPECT_TRUE(asking.read_packet<mqtt::Unsuback>().properties.empty());
  asking.send(mqtt::Pubrel{42});
  EXPECT_TRUE(asking.read_packet<mqtt::Pubcomp>().properties.empty());
  asking.send(mqtt::Pubrec{42});
  EXPECT_TRUE(asking.read_packet<mqtt::Pubrel>().properties.empty());
  asking.send_bytes("\xC1");
  EXPECT_TRUE(asking.read_packet<mqtt::Disconnect>().properties.empty());
}

// [MQTT5-3.3.2-12], [MQTT5-3.3.2-7]
TEST_F(Mqtt5Conformance, TopicAliasesOfTheClientAreTakenUpToTheMaximumThatWasSaid) {
  RawMqtt publisher(prosody.mqtt_port());
  const auto maximum =
      connect(publisher, {.identifier = "publisher"}).properties.integer(Id::topic_alias_maximum).value_or(0);
  ASSERT_GT(maximum, 0U);
  RawMqtt subscriber = client("subscriber");
  subscribe(subscriber, {.topic_filter = filter});
  for (const bool first : {true, false}) {
    for (std::uint32_t alias = 1; alias <= maximum; ++alias) {
      const std::string to = topic + std::to_string(alias);
      const auto with_alias = properties({{Id::topic_alias, alias}});
      publish(publisher,
              {.topic = first ? to : "", .payload = "1", .properties = mqtt::Properties(with_alias)});
      const auto received = receive(subscriber);
      EXPECT_EQ(received.topic, to);
      EXPECT_EQ(received.integer(Id::topic_alias), std::nullopt);
    }
  }
  disconnect(publisher);
  RawMqtt again = client("publisher");
  const auto with_alias = properties({{Id::topic_alias, 1U}});
  again.send(mqtt::Publish{.payload = "1", .properties = mqtt::Properties(with_alias)});
  EXPECT_EQ(reason_of_disconnect(again), Reason::protocol_error);
}

// [MQTT5-3.3.1-9] to [MQTT5-3.3.1-11]
TEST_F(Mqtt5Conformance, RetainHandlingSaysWhenRetainedMessagesAreSent) {
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "kept", .retain = true});
  RawMqtt subscriber = client("subscriber");
  const auto gets = [&](mqtt::RetainHandling handling) {
    subscribe(subscriber, {.topic_filter = topic, .retain_handling = handling});
    publish(publisher, {.topic = topic, .payload = "live"});
    const auto received = receive(subscriber);
    if (received.payload == "live") return false;
    EXPECT_TRUE(received.retain);
    EXPECT_EQ(receive(subscriber).payload, "live");
    return true;
  };
  EXPECT_FALSE(gets(mqtt::RetainHandling::never));
  EXPECT_FALSE(gets(mqtt::RetainHandling::new_subscription)) << "it existed";
  EXPECT_TRUE(gets(mqtt::RetainHandling::always));
  EXPECT_TRUE(gets(mqtt::RetainHandling::always));
  subscriber.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {topic}});
  subscriber.read_packet<mqtt::Unsuback>();
  EXPECT_TRUE(gets(mqtt::RetainHandling::new_subscription));
}

TEST_F(Mqtt5Conformance, RetainAsPublishedKeepsTheFlag) {  // [MQTT5-3.3.1-12], [MQTT5-3.3.1-13]
  RawMqtt plain = client("plain");
  RawMqtt as_published = client("as published");
  subscribe(plain, {.topic_filter = topic});
  subscribe(as_published, {.topic_filter = topic, .retain_as_published = true});
  RawMqtt publisher = client("publisher");
  for (const bool retain : {true, false}) {
    publish(publisher, {.topic = topic, .payload = "1", .retain = retain});
    EXPECT_FALSE(receive(plain).retain);
    EXPECT_EQ(receive(as_published).retain, retain);
  }
}

const std::string& message_properties() {
  static const std::string all = user_property("b", "1") +
                                 properties({{Id::payload_format_indicator, 1U},
                                             {Id::content_type, "text/plain"},
                                             {Id::response_topic, "pubsub.localhost/utf8/answers"},
                                             {Id::correlation_data, std::string_view("\0\xFF", 2)}}) +
                                 user_property("a", "2") + user_property("b", "1");
  return all;
}

// [MQTT5-3.3.2-4], [MQTT5-3.3.2-15] to [MQTT5-3.3.2-18], [MQTT5-3.3.2-20]
TEST_F(Mqtt5Conformance, PropertiesOfAMessageAreForwardedUnaltered) {
  RawMqtt live = client("live");
  subscribe(live, {.topic_filter = topic});
  RawMqtt publisher = client("publisher");
  publish(
      publisher,
      {.topic = topic, .payload = "1", .retain = true, .properties = mqtt::Properties(message_properties())});
  EXPECT_EQ(receive(live).properties, message_properties());
  RawMqtt late = client("late");
  subscribe(late, {.topic_filter = topic});
  EXPECT_EQ(receive(late).properties, message_properties()) << "retained";
}

TEST_F(Mqtt5Conformance, PropertiesOfAWillAreForwardedUnaltered) {  // [MQTT5-3.1.3-10]
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  RawMqtt mortal = client(
      {.identifier = "mortal",
       .will = Will{.topic = will_topic,
                    .properties = properties({{Id::will_delay_interval, 0U}}) + message_properties()}});
  abort(mortal);
  EXPECT_EQ(receive(witness).properties, message_properties());
}

TEST_F(Mqtt5Conformance, WhatIsForwardedHasTheRestOfItsExpiryInterval) {  // [MQTT5-3.3.2-6]
  RawMqtt publisher = client("publisher");
  const auto expiry = properties({{Id::message_expiry_interval, 100U}});
  publish(publisher,
          {.topic = topic, .payload = "1", .retain = true, .properties = mqtt::Properties(expiry)});
  RawMqtt late = client("late");
  subscribe(late, {.topic_filter = topic});
  const auto rest = receive(late).integer(Id::message_expiry_interval).value_or(0);
  EXPECT_LE(rest, 100U);
  EXPECT_GT(rest, 70U);
}

TEST_F(Mqtt5Conformance, ARetainedMessageEndsWithItsExpiryInterval) {  // [MQTT5-3.3.2-5]
  RawMqtt publisher = client("publisher");
  const auto expiry = properties({{Id::message_expiry_interval, 1U}});
  publish(publisher,
          {.topic = topic, .payload = "1", .retain = true, .properties = mqtt::Properties(expiry)});
  RawMqtt late = client("late");
  const auto end = deadline();
  bool is_there = true;
  while (is_there && Clock::now() < end) {
    subscribe(late, {.topic_filter = topic});
    publish(publisher, {.topic = topic, .payload = "live"});
    is_there = receive(late).payload != "live";
    if (is_there) receive(late);
  }
  EXPECT_FALSE(is_there);
}

// [MQTT5-3.3.4-2] to [MQTT5-3.3.4-4]
TEST_F(Mqtt5Conformance, OneCopyHasTheSubscriptionIdentifiersOfAllFiltersThatMatch) {
  RawMqtt subscriber = client("subscriber");
  const auto identifier = [](std::uint32_t number) {
    return properties({{Id::subscription_identifier, number}});
  };
  subscribe(subscriber, {.topic_filter = topic}, identifier(1));
  subscribe(subscriber, {.topic_filter = filter, .qos = at_least_once}, identifier(268435455));
  subscribe(subscriber, {.topic_filter = "pubsub.localhost/+/node"});
  RawMqtt publisher = client("publisher");
  for (const bool retain : {false, true}) {
    publish(publisher, {.topic = topic, .payload = "1", .retain = retain});
    const auto received = receive(subscriber);
    EXPECT_EQ(received.qos, at_least_once);
    std::set<std::uint32_t> identifiers;
    for (const auto& property : mqtt::Properties(received.properties)) {
      if (property.identifier == Id::subscription_identifier) {
        identifiers.insert(std::get<std::uint32_t>(property.value));
      }
    }
    EXPECT_EQ(identifiers, (std::set<std::uint32_t>{1, 268435455}));
  }
  expect_silence(subscriber);
  // A retained message has the identifier of the filter that brought it.
  RawMqtt late = client("late");
  subscribe(late, {.topic_filter = topic}, identifier(7));
  EXPECT_EQ(receive(late).integer(Id::subscription_identifier), 7U);
}

// [MQTT5-3.3.4-7]
TEST_F(Mqtt5Conformance, MoreThanReceiveMaximumIsTold) {
  RawMqtt publisher(prosody.mqtt_port());
  const auto maximum =
      connect(publisher, {.identifier = "publisher"}).properties.integer(Id::receive_maximum).value_or(65535);
  for (std::uint32_t i = 1; i <= maximum + 1; ++i) {
    publisher.send(mqtt::Publish{.topic = topic,
                                 .payload = "1",
                                 .qos = exactly_once,
                                 .packet_identifier = static_cast<mqtt::PacketIdentifier>(i)});
  }
  EXPECT_EQ(reason_of_disconnect(publisher), Reason::receive_maximum_exceeded);
}

// [MQTT5-3.3.4-9], [MQTT5-3.3.4-10], [MQTT5-4.9.0-1] to [MQTT5-4.9.0-3], [MQTT5-4.3.3-4]
TEST_F(Mqtt5Conformance, TheServerKeepsToTheClientsReceiveMaximum) {
  RawMqtt subscriber =
      client({.identifier = "subscriber", .properties = properties({{Id::receive_maximum, 2U}})});
  subscribe(subscriber, {.topic_filter = topic, .qos = exactly_once});
  RawMqtt publisher = client("publisher");
  std::vector<Received> received;
  for (const char* payload : {"1", "2", "3", "4"}) {
    auto packet =
        mqtt::Publish{.topic = topic, .payload = payload, .qos = exactly_once, .packet_identifier = 3};
    publisher.send(packet);
    publisher.read_packet<mqtt::Pubrec>();
    publisher.send(mqtt::Pubrel{3});
    publisher.read_packet<mqtt::Pubcomp>();
  }
  for (int i = 0; i < 2; ++i) received.push_back(receive(subscriber));
  expect_silence(subscriber);
  // At QoS 0 there is no quota.
  publisher.send(mqtt::Publish{.topic = topic, .payload = "at once"});
  EXPECT_EQ(receive(subscriber).payload, "at once");
  // PUBREC without an error frees no place, with one it does.
  subscriber.send(mqtt::Pubrec{received[0].packet_identifier});
  EXPECT_EQ(subscriber.read_packet<mqtt::Pubrel>().packet_identifier, received[0].packet_identifier);
  expect_silence(subscriber);
  subscriber.send(mqtt::Pubrec{received[1].packet_identifier, Reason::quota_exceeded});
  EXPECT_EQ(receive(subscriber).payload, "3");
  expect_silence(subscriber);
  subscriber.send(mqtt::Pubcomp{received[0].packet_identifier});
  EXPECT_EQ(receive(subscriber).payload, "4");
}

TEST_F(Mqtt5Conformance, NoLocalLeavesOutWhatTheClientPublishedItself) {  // [MQTT5-3.8.3-3]
  RawMqtt self = client("self");
  subscribe(self, {.topic_filter = topic, .no_local = true});
  RawMqtt other = client("other");
  publish(self, {.topic = topic, .payload = "own"});
  publish(other, {.topic = topic, .payload = "other's"});
  EXPECT_EQ(receive(self).payload, "other's");
}

// [MQTT5-3.8.4-3]
TEST_F(Mqtt5Conformance, TheSameFilterAgainReplacesTheSubscription) {
  RawMqtt self = client("self");
  subscribe(self, {.topic_filter = topic, .no_local = true}, properties({{Id::subscription_identifier, 1U}}));
  subscribe(self, {.topic_filter = topic}, properties({{Id::subscription_identifier, 2U}}));
  self.send(mqtt::Publish{.topic = topic, .payload = "own"});
  const auto received = receive(self);
  EXPECT_EQ(received.payload, "own");
  EXPECT_EQ(received.integer(Id::subscription_identifier), 2U);
}

// [MQTT5-3.10.4-5], [MQTT5-3.11.3-1], [MQTT5-3.11.3-2]
TEST_F(Mqtt5Conformance, UnsubackSaysOfEachFilterWhetherItWasThere) {
  RawMqtt subscriber = client("subscriber");
  subscribe(subscriber, {.topic_filter = topic});
  subscriber.send(mqtt::Unsubscribe{.packet_identifier = 9, .topic_filters = {filter, topic, topic}});
  const auto unsuback = subscriber.read_packet<mqtt::Unsuback>();
  EXPECT_EQ(unsuback.packet_identifier, 9);
  EXPECT_EQ(unsuback.reasons,
            (std::vector{Reason::no_subscription_existed, Reason::success, Reason::no_subscription_existed}));
}

TEST_F(Mqtt5Conformance, AnIdentifierThatIsUnknownIsTold) {  // [MQTT5-4.3.3-11]
  RawMqtt publisher = client("publisher");
  publisher.send(mqtt::Pubrel{42});
  const auto pubcomp = publisher.read_packet<mqtt::Pubcomp>();
  EXPECT_EQ(pubcomp.packet_identifier, 42);
  EXPECT_EQ(pubcomp.reason, Reason::packet_identifier_not_found);
}

TEST_F(Mqtt5Conformance, AfterARefusalAtQos2TheIdentifierIsANewMessage) {  // [MQTT5-4.3.3-9]
  RawMqtt subscriber = client("subscriber");
  subscribe(subscriber, {.topic_filter = filter});
  RawMqtt publisher = client("publisher");
  publisher.send(mqtt::Publish{.topic = "nowhere", .qos = exactly_once, .packet_identifier = 4});
  EXPECT_TRUE(mqtt::is_error(publisher.read_packet<mqtt::Pubrec>().reason));
  publisher.send(mqtt::Publish{.topic = topic, .payload = "2", .qos = exactly_once, .packet_identifier = 4});
  EXPECT_FALSE(mqtt::is_error(publisher.read_packet<mqtt::Pubrec>().reason));
  EXPECT_EQ(receive(subscriber).payload, "2");
}

TEST_F(Mqtt5Conformance, WhatTheClientRefusesIsNotSentAgain) {  // [MQTT5-4.4.0-2]
  const Client options{.identifier = "subscriber", .clean_start = false, .properties = expiry_60};
  RawMqtt subscriber = client(options);
  subscribe(subscriber, {.topic_filter = topic, .qos = exactly_once});
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "1"});
  subscriber.send(mqtt::Puback{receive(subscriber).packet_identifier, Reason::implementation_specific_error});
  subscriber.ping();
  abort(subscriber);
  RawMqtt back = client(options, true);
  expect_silence(back);
}

TEST_F(Mqtt5Conformance, WhatWasSentDoesNotExpire) {  // [MQTT5-4.3.3-7], [MQTT5-4.3.3-13]
  const Client options{.identifier = "subscriber", .clean_start = false, .properties = expiry_60};
  RawMqtt subscriber = client(options);
  subscribe(subscriber, {.topic_filter = topic, .qos = at_least_once});
  RawMqtt publisher = client("publisher");
  const auto expiry = properties({{Id::message_expiry_interval, 1U}});
  publish(publisher, {.topic = topic, .payload = "1", .properties = mqtt::Properties(expiry)});
  const auto first = receive(subscriber);
  abort(subscriber);
  // What waits expires, and what was sent does not.
  publish(publisher, {.topic = topic, .payload = "2", .properties = mqtt::Properties(expiry)});
  RawMqtt clock =
      client({.identifier = "clock",
              .properties = expiry_60,
              .will = Will{.topic = will_topic, .properties = properties({{Id::will_delay_interval, 2U}})}});
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  abort(clock);
  receive(witness);
  RawMqtt back = client(options, true);
  const auto again = receive(back);
  EXPECT_EQ(again.payload, "1");
  EXPECT_TRUE(again.dup);
  EXPECT_EQ(again.packet_identifier, first.packet_identifier);
  expect_silence(back);
}

}  // namespace
}  // namespace pubsub_mqtt::tests::mqtt_5
