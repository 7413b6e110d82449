// Statements of MQTT 5.0 that hold only when all rooms do their part, each against a real Prosody;
// docs/conformance-5.md has them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "raw_mqtt_5.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

using namespace std::string_literals;
using enum mqtt::QoS;
using mqtt::Reason;

constexpr const char* filter = "pubsub.localhost/utf8/#";

std::string bytes_until_close(RawMqtt& client) {
  std::string all;
  std::string buffer(4096, '\0');
  while (const std::size_t size = client.stream().receive(buffer)) all.append(buffer, 0, size);
  return all;
}

const std::string expiry_60 = properties({{Id::session_expiry_interval, 60U}});

class Mqtt5Conformance : public RunningProsody {
 protected:
  RawMqtt client(const Client& options, bool session_present = false) {
    return connected(prosody.mqtt_port(), options, session_present);
  }
  RawMqtt client(const char* identifier) { return client(Client{.identifier = identifier}); }

  // At QoS 1, to its end: pubsub has it, and so have its subscribers' sessions.
  static Reason publish(RawMqtt& client, mqtt::Publish packet) {
    packet.qos = at_least_once;
    packet.packet_identifier = 77;
    client.send(packet);
    return client.read_packet<mqtt::Puback>().reason;
  }

  // Nothing comes before the answer to a PINGREQ: what there was for the client is on its way before.
  static void expect_silence(RawMqtt& client) { client.ping(); }
};

TEST_F(Mqtt5Conformance, ASecondConnectIsAProtocolError) {  // [MQTT5-3.1.0-2, MQTT5-3.2.0-2]
  RawMqtt twice = client("twice");
  send_connect(twice, {.identifier = "twice"});
  EXPECT_EQ(reason_of_disconnect(twice), Reason::protocol_error);
}

// [MQTT5-3.1.2-4] to [MQTT5-3.1.2-6], [MQTT5-3.1.2-23], [MQTT5-3.2.2-2], [MQTT5-3.2.2-3]
TEST_F(Mqtt5Conformance, CleanStartDiscardsASessionAndItsAbsenceResumesIt) {
  RawMqtt first = client({.identifier = "s", .clean_start = false, .properties = expiry_60});
  ASSERT_EQ(subscribe(first, {.topic_filter = topic, .qos = at_least_once}), Reason::granted_qos_1);
  disconnect(first);
  RawMqtt publisher = client("publisher");
  publish(publisher, {.topic = topic, .payload = "meanwhile"});

  RawMqtt resumed = client({.identifier = "s", .clean_start = false, .properties = expiry_60}, true);
  EXPECT_EQ(receive(resumed).payload, "meanwhile");
  disconnect(resumed);
  RawMqtt clean = client({.identifier = "s", .properties = expiry_60}, false);
  expect_silence(clean);
}

TEST_F(Mqtt5Conformance, ASessionWithoutExpiryEndsWithItsConnection) {  // [MQTT5-4.1.0-2]
  RawMqtt first = client({.identifier = "s", .clean_start = false});
  disconnect(first);
  client({.identifier = "s", .clean_start = false}, false);
}

TEST_F(Mqtt5Conformance, DisconnectMayChangeTheExpiryButNotFromZero) {
  RawMqtt kept = client({.identifier = "s", .clean_start = false, .properties = expiry_60});
  disconnect(kept, Reason::success, properties({{Id::session_expiry_interval, 0U}}));
  RawMqtt next = client({.identifier = "s", .clean_start = false}, false);
  next.send(mqtt::Disconnect{Reason::success, mqtt::Properties(expiry_60)});
  EXPECT_EQ(reason_of_disconnect(next), Reason::protocol_error);
}

// [MQTT5-3.1.2-8], [MQTT5-3.1.2-10], [MQTT5-3.14.4-3]
TEST_F(Mqtt5Conformance, OnlyDisconnect0x00TakesTheWillAway) {
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  for (const auto reason : {Reason::success, Reason::disconnect_with_will, Reason::unspecified_error}) {
    RawMqtt mortal = client({.identifier = "mortal", .will = Will{.topic = will_topic, .payload = "gone"}});
    disconnect(mortal, reason);
    if (reason == Reason::success) continue;
    EXPECT_EQ(receive(witness).payload, "gone");
  }
  RawMqtt mortal = client({.identifier = "mortal", .will = Will{.topic = will_topic, .payload = "wrong"}});
  mortal.send_bytes("\xC1");
  EXPECT_EQ(receive(witness).payload, "wrong");
  expect_silence(witness);
}

// [MQTT5-3.1.2-8], [MQTT5-3.1.3-9]
TEST_F(Mqtt5Conformance, AReturnCallsADelayedWillOff) {
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  const Will will{
      .topic = will_topic, .payload = "delayed", .properties = properties({{Id::will_delay_interval, 1U}})};
  RawMqtt mortal = client({.identifier = "mortal", .properties = expiry_60, .will = will});
  abort(mortal);
  RawMqtt back = client({.identifier = "mortal", .clean_start = false, .properties = expiry_60}, true);
  // Another one's, with the same delay and later, comes first.
  RawMqtt other = client({.identifier = "other",
                          .properties = expiry_60,
                          .will = Will{.topic = will_topic,
                                       .payload = "other",
                                       .properties = properties({{Id::will_delay_interval, 1U}})}});
  abort(other);
  EXPECT_EQ(receive(witness).payload, "other");
}

TEST_F(Mqtt5Conformance, TheEndOfTheSessionDoesNotWaitForTheWillsDelay) {  // [MQTT5-3.1.2-8]
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  const Will will{.topic = will_topic, .properties = properties({{Id::will_delay_interval, 3600U}})};
  RawMqtt without_expiry = client({.identifier = "mortal", .will = will});
  abort(without_expiry);
  EXPECT_EQ(receive(witness).payload, "gone");
  RawMqtt replaced = client({.identifier = "mortal", .properties = expiry_60, .will = will});
  abort(replaced);
  client({.identifier = "mortal"}, false);
  EXPECT_EQ(receive(witness).payload, "gone");
}

TEST_F(Mqtt5Conformance, SilenceIsToldAndIsAsIfTheNetworkHadFailed) {  // [MQTT5-3.1.2-22], [MQTT5-3.2.2-22]
  RawMqtt witness = client("witness");
  subscribe(witness, {.topic_filter = will_topic});
  RawMqtt silent = client({.identifier = "silent", .will = Will{.topic = will_topic}, .keep_alive = 1});
  EXPECT_EQ(reason_of_disconnect(silent), Reason::keep_alive_timeout);
  EXPECT_EQ(receive(witness).payload, "gone");
}

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

// [MQTT5-3.1.3-6], [MQTT5-3.1.3-7], [MQTT5-3.2.2-16]
TEST_F(Mqtt5Conformance, AnEmptyIdentifierIsAssignedOneOfItsOwn) {
  std::set<std::string> assigned;
  for (const bool clean_start : {true, false}) {
    RawMqtt nameless(prosody.mqtt_port());
    const auto connack = connect(nameless, {.clean_start = clean_start, .properties = expiry_60});
    ASSERT_EQ(connack.reason, Reason::success);
    const auto identifier = connack.properties.bytes(Id::assigned_client_identifier);
    ASSERT_TRUE(identifier);
    assigned.emplace(*identifier);
    disconnect(nameless);
  }
  EXPECT_EQ(assigned.size(), 2U);
  for (const auto& identifier : assigned) {
    client({.identifier = identifier, .clean_start = false, .properties = expiry_60}, true);
  }
}

// [MQTT5-3.1.4-1], [MQTT5-3.14.0-1], [MQTT5-4.13.1-1], [MQTT5-4.13.2-1], [MQTT5-3.2.2-6], [MQTT5-3.2.2-7]
TEST_F(Mqtt5Conformance, AConnectThatBreaksARuleIsAnsweredWithItsReason) {
  struct Broken {
    std::string bytes;
    Reason reason;
  };
  const std::vector<Broken> connects{
      {"\x10\x0F\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x02id"s, Reason::malformed_packet},  // reserved flag
      {"\x10\x0F\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x03id"s, Reason::malformed_packet},  // cut off
      {"\x10\x12\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x02id"s,
       Reason::protocol_error},                                                                   // maximum 0
      {"\x10\x11\x00\x04MQTT\x05\x02\x00\x00\x02\x01\x01\x00\x02id"s, Reason::malformed_packet},  // PUBLISH's
  };
  for (const auto& [bytes, reason] : connects) {
    RawMqtt offender(prosody.mqtt_port());
    offender.send_bytes(bytes);
    const auto answer = bytes_until_close(offender);
    EXPECT_EQ(answer.substr(0, 1), "\x20");
    ASSERT_GE(answer.size(), 5U);
    EXPECT_EQ(answer[2], 0);
    EXPECT_EQ(static_cast<Reason>(answer[3]), reason);
  }
}

// [MQTT5-3.1.4-2], [MQTT5-3.2.2-7]
TEST_F(Mqtt5Conformance, AWrongPasswordIsToldAndCloses) {
  RawMqtt guest(prosody.mqtt_port());
  guest.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                           .client_identifier = "guest",
                           .user_name = "juliet@localhost",
                           .password = "wrong"});
  EXPECT_EQ(guest.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password);
  guest.wait_for_close();
}

TEST_F(Mqtt5Conformance, ATakeoverIsTold) {  // [MQTT5-3.1.4-3], [MQTT5-3.14.4-1], [MQTT5-3.14.4-2]
  RawMqtt older = client({.identifier = "same", .properties = expiry_60});
  client({.identifier = "same", .clean_start = false, .properties = expiry_60}, true);
  EXPECT_EQ(reason_of_disconnect(older), Reason::session_taken_over);
}

// A packet after CONNACK that is answered with a DISCONNECT.
struct Offence {
  const char* name;
  std::string bytes;
  Reason reason;
};

void PrintTo(const Offence& offence, std::ostream* out) { *out << offence.name; }

class Mqtt5Offence : public Mqtt5Conformance, public testing::WithParamInterface<Offence> {};

TEST_P(Mqtt5Offence, IsToldAndClosesItsConnection) {
  RawMqtt offender = client("offender");
  offender.send_bytes(GetParam().bytes);
  EXPECT_EQ(reason_of_disconnect(offender), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    , Mqtt5Offence,
    testing::Values(
        Offence{"ReservedFlagsOfPingreq", "\xC1\x00"s, Reason::malformed_packet},
        Offence{"ReservedFlagsOfDisconnect", "\xE1\x00"s, Reason::malformed_packet},  // [MQTT5-3.14.1-1]
        Offence{"QoS3", "\x36\x06\x00\x01t\x00\x01\x00"s, Reason::malformed_packet},
        Offence{"APropertyOfAnotherPacket", "\x30\x09\x00\x01t\x05\x11\x00\x00\x00\x01"s,
                Reason::malformed_packet},
        Offence{"APropertyTwice", "\x30\x08\x00\x01t\x04\x01\x01\x01\x01"s, Reason::protocol_error},
        Offence{"SubscribeWithoutFilter", "\x82\x03\x00\x01\x00"s, Reason::protocol_error},
        Offence{"ASubscriptionIdentifierInPublish", "\x30\x06\x00\x01t\x02\x0B\x01"s,
                Reason::protocol_error},  // [MQTT5-3.3.4-6]
        Offence{"TopicAlias0", "\x30\x07\x00\x01t\x03\x23\x00\x00"s, Reason::topic_alias_invalid},
        Offence{"ATopicAliasAboveTheMaximum", "\x30\x07\x00\x01t\x03\x23\xFF\xFF"s,
                Reason::topic_alias_invalid},  // [MQTT5-3.2.2-17], [MQTT5-3.3.2-9]
        Offence{"ATopicAliasThatStandsForNothing", "\x30\x06\x00\x00\x03\x23\x00\x01"s,
                Reason::protocol_error},
        Offence{"AServersPacket", "\xD0\x00"s, Reason::protocol_error},
        Offence{"AnUnknownReason", "\xE0\x01\x7F"s, Reason::protocol_error},  // [MQTT5-3.14.2-1]
        Offence{"AuthWithoutAMethodInConnect", "\xF0\x06\x19\x04\x15\x00\x01M"s,
                Reason::protocol_error},  // [MQTT5-4.12.0-7]
        Offence{"APacketThatIsTooLarge", "\x30\xFF\xFF\xFF\x7F"s,
                Reason::packet_too_large}),  // [MQTT5-3.2.2-15]
    [](const auto& parameter) { return parameter.param.name; });

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
