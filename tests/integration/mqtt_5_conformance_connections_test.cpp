// Statements of MQTT 5.0 on connections, sessions and wills, each against a real Prosody; docs/conformance-5.md has
// them all.
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "mqtt_5_conformance_fixture.h"
#include "raw_session.h"

namespace pubsub_mqtt::tests::mqtt_5 {
namespace {

using namespace std::string_literals;
using enum mqtt::QoS;
using mqtt::Reason;

std::string bytes_until_close(RawMqtt& client) {
  std::string all;
  std::string buffer(4096, '\0');
  while (const std::size_t size = client.stream().receive(buffer)) all.append(buffer, 0, size);
  return all;
}

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
  const Will will{.topic = will_topic,
                  .payload = "delayed",
                  .properties = properties({{Id::will_delay_interval, 3600U}})};
  RawMqtt mortal = client({.identifier = "mortal", .properties = expiry_60, .will = will});
  abort(mortal);
  client({.identifier = "mortal", .clean_start = false, .properties = expiry_60}, true);
  // One that still waited would go out with the end of the session, before another one's.
  client({.identifier = "mortal"}, false);
  RawMqtt other = client({.identifier = "other", .will = Will{.topic = will_topic, .payload = "other"}});
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

TEST_F(Mqtt5Conformance, ServerKeepAliveHoldsInPlaceOfTheClients) {  // [MQTT5-3.1.2-21], [MQTT5-3.2.2-21]
  prosody.reload({.global = "mqtt_max_keep_alive = 1"});
  for (const std::uint16_t asked : {std::uint16_t{0}, std::uint16_t{60}}) {
    RawMqtt silent(prosody.mqtt_port());
    const auto connack = connect(silent, {.identifier = "silent", .keep_alive = asked});
    EXPECT_EQ(connack.properties.integer(Id::server_keep_alive), 1U);
    EXPECT_EQ(reason_of_disconnect(silent), Reason::keep_alive_timeout);
  }
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
        Offence{"AnUnknownReason", "\xE0\x01\x7F"s, Reason::malformed_packet},  // [MQTT5-3.14.2-1]
        Offence{"AuthWithoutAMethodInConnect", "\xF0\x06\x19\x04\x15\x00\x01M"s,
                Reason::protocol_error},  // [MQTT5-4.12.0-7]
        Offence{"APacketThatIsTooLarge", "\x30\xFF\xFF\xFF\x7F"s,
                Reason::packet_too_large}),  // [MQTT5-3.2.2-15]
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace pubsub_mqtt::tests::mqtt_5
