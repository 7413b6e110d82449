// What clients of MQTT 5.0 publish: topic aliases, properties, Receive Maximum, and what they are answered (5.0, 3.3 to
// 3.7 and 4.9).
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "../base/allocated_bytes.h"
#include "client.h"
#include "protocol/client_aliases.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using mqtt::Reason;
using std::chrono::seconds;
using Id = mqtt::PropertyIdentifier;
using Level = mqtt::ProtocolLevel;
using Outcome = PublishReply::Outcome;

class Mqtt5PublishTest : public ::testing::Test {
 protected:
  Mqtt5PublishTest() {
    client.level = Level::mqtt_5;
    client.connect("meter");
  }

  void publish(Client& publisher, std::string_view topic, std::initializer_list<mqtt::Property> properties,
               Time at = Time{0}) {
    const std::string bytes = encoded(properties);
    publisher.send(mqtt::Publish{.topic = topic, .payload = "1", .properties = mqtt::Properties(bytes)}, at);
  }
  void publish_with_alias(std::string_view topic, std::uint32_t alias) {
    publish(client, topic, {{.identifier = Id::topic_alias, .value = alias}});
  }
  void publish_at(QoS qos, mqtt::PacketIdentifier packet_identifier) {
    client.send(mqtt::Publish{
        .topic = "h/json/n", .payload = "1", .qos = qos, .packet_identifier = packet_identifier});
  }

  std::vector<std::string> topics() const {
    std::vector<std::string> found;
    for (const auto& request : server.requested<PublishRequest>()) found.push_back(request.publication.topic);
    return found;
  }
  Envelope last_envelope() const { return server.requested<PublishRequest>().back().publication.envelope; }

  void answer(Outcome outcome, Reason reason, const std::string& words = {}) {
    const auto request = server.requested<PublishRequest>().back();
    server.sessions.handle(PublishReply{.ticket = request.ticket,
                                        .outcome = outcome,
                                        .reason = reason,
                                        .reason_string = words,
                                        .topic = request.publication.topic});
  }

  template <typename Kind>
  Kind read() {
    written = client.outbox.take();
    return packet_in<Kind>(written);
  }
  Reason goodbye() {
    EXPECT_TRUE(client.outbox.closed);
    return read<mqtt::Disconnect>().reason;
  }

  using Topics = std::vector<std::string>;

  Server server;
  Client client{server};
  std::string written;
};

TEST_F(Mqtt5PublishTest, AnAliasStandsForTheTopicThatItWasSetFor) {  // [MQTT5-3.3.2-12]
  publish_with_alias("h/json/a", 1);
  publish_with_alias("", 1);
  publish_with_alias("h/json/b", 32);
  publish_with_alias("", 32);
  publish_with_alias("", 1);
  EXPECT_EQ(topics(), (Topics{"h/json/a", "h/json/a", "h/json/b", "h/json/b", "h/json/a"}));
}

TEST_F(Mqtt5PublishTest, AnAliasMayBeSetAgain) {
  publish_with_alias("h/json/a", 1);
  publish_with_alias("h/json/b", 1);
  publish_with_alias("", 1);
  EXPECT_EQ(topics().back(), "h/json/b");
}

TEST_F(Mqtt5PublishTest, HowManyAliasesIsTold) {  // 3.2.2.3.8
  server.limits.max_topic_aliases = 3;
  Client other(server);
  other.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "other"});
  written = other.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Connack>(written).properties.integer(Id::topic_alias_maximum), 3U);
  server.limits.max_topic_aliases = 0;
  Client third(server);
  third.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "third"});
  written = third.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Connack>(written).properties.integer(Id::topic_alias_maximum), std::nullopt);
  publish(third, "h/json/a", {{.identifier = Id::topic_alias, .value = 1U}});  // [MQTT5-3.2.2-18]
  written = third.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Disconnect>(written).reason, Reason::topic_alias_invalid);
  EXPECT_EQ(topics(), Topics{});
}

TEST_F(Mqtt5PublishTest, AnAliasAboveTheMaximumIsInvalid) {  // [MQTT5-3.3.2-9]
  publish_with_alias("h/json/a", 33);
  EXPECT_EQ(goodbye(), Reason::topic_alias_invalid);
  EXPECT_EQ(topics(), Topics{});
}

TEST_F(Mqtt5PublishTest, AliasZeroIsInvalid) {  // [MQTT5-3.3.2-8]
  publish_with_alias("h/json/a", 0);
  EXPECT_EQ(goodbye(), Reason::topic_alias_invalid);
}

TEST_F(Mqtt5PublishTest, AnAliasThatStandsForNothingIsAProtocolError) {
  publish_with_alias("h/json/a", 5);
  publish_with_alias("", 4);
  EXPECT_EQ(goodbye(), Reason::protocol_error);
}

TEST_F(Mqtt5PublishTest, AliasesEndWithTheConnection) {  // [MQTT5-3.3.2-7]
  const auto stored = encoded({{.identifier = Id::session_expiry_interval, .value = 10U}});
  const mqtt::Connect connect{.level = Level::mqtt_5,
                              .clean_session = false,
                              .client_identifier = "stored",
                              .properties = mqtt::Properties(stored)};
  Client before(server);
  before.send(connect);
  publish(before, "h/json/a", {{.identifier = Id::topic_alias, .value = 1U}});
  before.lose();
  Client after(server);
  after.send(connect);
  publish(after, "", {{.identifier = Id::topic_alias, .value = 1U}});
  EXPECT_TRUE(after.outbox.closed);
  EXPECT_EQ(topics().size(), 1U);
}

TEST_F(Mqtt5PublishTest, TopicsBehindAliasesHaveALimitTogether) {
  const std::string large(40000, 'a');
  publish_with_alias("h/json/" + large, 1);
  publish_with_alias("h/json/" + large, 1);  // in place of the first
  EXPECT_FALSE(client.outbox.closed);
  publish_with_alias("h/json/" + large, 2);
  EXPECT_EQ(goodbye(), Reason::quota_exceeded);
}

// What CONNACK has promised holds for the connection, and the next one is promised something else.
TEST_F(Mqtt5PublishTest, AReloadTakesNoAliasFromAClientThatIsConnected) {
  server.limits.max_topic_aliases = 1;
  publish_with_alias("h/json/a", 32);
  publish_with_alias("", 32);
  EXPECT_EQ(topics(), (Topics{"h/json/a", "h/json/a"}));
  Client next(server);
  next.level = Level::mqtt_5;
  next.connect("next");
  publish(next, "h/json/a", {{.identifier = Id::topic_alias, .value = 2U}});
  EXPECT_TRUE(next.outbox.closed);
}

// Memory is for what is set, not for the highest number.
TEST(ClientAliases, AHighAliasCostsNoMoreThanALowOne) {
  ClientAliases aliases;
  const auto properties = encoded({{.identifier = Id::topic_alias, .value = 65535U}});
  mqtt::Publish publish{.topic = "h/json/a", .properties = mqtt::Properties(properties)};
  const auto before = allocated_bytes();
  EXPECT_EQ(aliases.resolve(publish, 65535), std::nullopt);
  EXPECT_LT(allocated_bytes() - before, 200U);
}

TEST_F(Mqtt5PublishTest, PropertiesTravelUnalteredInTheirOrder) {  // [MQTT5-3.3.2-4, MQTT5-3.3.2-15 to -20]
  publish(client, "h/json/n",
          {{.identifier = Id::user_property, .value = mqtt::UserProperty{"b", "1"}},
           {.identifier = Id::topic_alias, .value = 1U},
           {.identifier = Id::response_topic, .value = "h/json/answers"},
           {.identifier = Id::payload_format_indicator, .value = 1U},
           {.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "2"}},
           {.identifier = Id::message_expiry_interval, .value = 10U},
           {.identifier = Id::correlation_data, .value = std::string_view("\0x", 2)},
           {.identifier = Id::content_type, .value = "application/json"}},
          seconds(5));
  ASSERT_NE(last_envelope().properties, nullptr);
  EXPECT_EQ(*last_envelope().properties,
            encoded({{.identifier = Id::user_property, .value = mqtt::UserProperty{"b", "1"}},
                     {.identifier = Id::response_topic, .value = "h/json/answers"},
                     {.identifier = Id::payload_format_indicator, .value = 1U},
                     {.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "2"}},
                     {.identifier = Id::correlation_data, .value = std::string_view("\0x", 2)},
                     {.identifier = Id::content_type, .value = "application/json"}}));
  EXPECT_EQ(last_envelope().expires_at, seconds(15));
}

TEST_F(Mqtt5PublishTest, WithoutPropertiesThereAreNone) {
  publish(client, "h/json/n", {});
  EXPECT_EQ(last_envelope().properties, nullptr);
  EXPECT_EQ(last_envelope().expires_at, Time::max());
  publish_with_alias("h/json/n", 1);
  EXPECT_EQ(last_envelope().properties, nullptr);
}

TEST_F(Mqtt5PublishTest, ASubscriptionIdentifierIsOnlyForServersToSend) {  // [MQTT5-3.3.4-6]
  publish(client, "h/json/n", {{.identifier = Id::subscription_identifier, .value = 1U}});
  EXPECT_EQ(goodbye(), Reason::protocol_error);
  EXPECT_EQ(topics(), Topics{});
}

TEST_F(Mqtt5PublishTest, ARefusalIsToldInPuback) {  // 3.4.2.1
  publish_at(QoS::at_least_once, 7);
  answer(Outcome::refused, Reason::payload_format_invalid, "it is not JSON");
  const auto puback = read<mqtt::Puback>();
  EXPECT_EQ(puback.packet_identifier, 7U);
  EXPECT_EQ(puback.reason, Reason::payload_format_invalid);
  EXPECT_EQ(puback.properties.bytes(Id::reason_string), "it is not JSON");
}

// (docs/architecture.md, "Back-pressure")
TEST_F(Mqtt5PublishTest, AnAcknowledgementThatWaitsForASubscriberKeepsItsWords) {
  server.limits.max_inflight = 1;
  server.limits.max_queued_messages_in_memory = 1;
  server.sessions.handle(NodeOpened{.node = 7, .host = "h", .name = "n"});
  Client slow(server);
  slow.connect_again("slow");
  AudienceChange change{.node = 7, .session = slow.session(), .selection = {}};
  change.selection.natural = QoS::at_least_once;
  server.sessions.handle(change);
  for (mqtt::PacketIdentifier i = 1; i <= 3; ++i) {
    publish_at(QoS::at_least_once, i);
    ItemPublished item{
        .node = 7, .natural_type = topic::Type::json, .payloads = {}, .envelope = last_envelope()};
    item.payloads[static_cast<std::size_t>(topic::Type::json)] = "1";
    server.sessions.handle(std::move(item));
    answer(Outcome::accepted, Reason::success);
  }
  client.outbox.take();
  publish_at(QoS::at_least_once, 4);
  answer(Outcome::refused, Reason::not_authorized, "no right");
  publish_at(QoS::exactly_once, 5);
  answer(Outcome::refused, Reason::payload_format_invalid, "it is not JSON");
  EXPECT_EQ(client.outbox.take(), "");
  slow.send(mqtt::Puback{.packet_identifier = 1});
  written = client.outbox.take();
  const auto packets = packets_in(written);
  ASSERT_EQ(packets.size(), 3U);
  EXPECT_EQ(std::get<mqtt::Puback>(packets[0]).packet_identifier, 3U);
  EXPECT_EQ(std::get<mqtt::Puback>(packets[1]).properties.bytes(Id::reason_string), "no right");
  EXPECT_EQ(std::get<mqtt::Pubrec>(packets[2]).properties.bytes(Id::reason_string), "it is not JSON");
}

TEST_F(Mqtt5PublishTest, ARefusalWithoutAReasonIsARefusal) {
  publish_at(QoS::at_least_once, 7);
  answer(Outcome::refused, Reason::success);
  EXPECT_EQ(read<mqtt::Puback>().reason, Reason::unspecified_error);
}

TEST_F(Mqtt5PublishTest, ThatNobodyHasItIsToldAndIsNoRefusal) {
  publish_at(QoS::at_least_once, 7);
  answer(Outcome::accepted, Reason::no_matching_subscribers);
  EXPECT_EQ(read<mqtt::Puback>().reason, Reason::no_matching_subscribers);
  publish_at(QoS::exactly_once, 8);
  answer(Outcome::accepted, Reason::no_matching_subscribers);
  EXPECT_EQ(read<mqtt::Pubrec>().reason, Reason::no_matching_subscribers);
  client.send(mqtt::Pubrel{.packet_identifier = 8});
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Pubcomp{.packet_identifier = 8}, Level::mqtt_5));
}

TEST_F(Mqtt5PublishTest, APubrecThatRefusesFreesTheIdentifier) {  // 4.3.3
  publish_at(QoS::exactly_once, 7);
  answer(Outcome::refused, Reason::not_authorized, "no right");
  const auto pubrec = read<mqtt::Pubrec>();
  EXPECT_EQ(pubrec.reason, Reason::not_authorized);
  EXPECT_EQ(pubrec.properties.bytes(Id::reason_string), "no right");
  publish_at(QoS::exactly_once, 7);
  EXPECT_EQ(topics().size(), 2U) << "another message with the same identifier";
}

TEST_F(Mqtt5PublishTest, APubrelForAnUnknownIdentifierIsToldSo) {  // 3.7.2.1
  client.send(mqtt::Pubrel{.packet_identifier = 9});
  const auto pubcomp = read<mqtt::Pubcomp>();
  EXPECT_EQ(pubcomp.packet_identifier, 9U);
  EXPECT_EQ(pubcomp.reason, Reason::packet_identifier_not_found);
}

TEST_F(Mqtt5PublishTest, AnOlderClientIsToldNothingMore) {
  Client old(server);
  old.connect("old");
  old.send(mqtt::Publish{.topic = "h/json/n", .qos = QoS::at_least_once, .packet_identifier = 7});
  answer(Outcome::refused, Reason::not_authorized, "no right");
  EXPECT_EQ(old.outbox.take(), bytes_of(mqtt::Puback{.packet_identifier = 7}));
  old.send(mqtt::Publish{.topic = "h/json/n", .qos = QoS::exactly_once, .packet_identifier = 8});
  answer(Outcome::refused, Reason::not_authorized, "no right");
  EXPECT_EQ(old.outbox.take(), bytes_of(mqtt::Pubrec{.packet_identifier = 8}));
  old.send(mqtt::Pubrel{.packet_identifier = 9});
  EXPECT_EQ(old.outbox.take(), bytes_of(mqtt::Pubcomp{.packet_identifier = 9}));
}

class ReceiveMaximumOfTheServerTest : public Mqtt5PublishTest {
 protected:
  ReceiveMaximumOfTheServerTest() { server.limits.max_pending_publishes = 2; }

  void publish_and_answer(mqtt::PacketIdentifier packet_identifier, Outcome outcome = Outcome::accepted) {
    publish_at(QoS::exactly_once, packet_identifier);
    if (!client.outbox.closed) answer(outcome, Reason::success);
    client.read_on();
  }
};

TEST_F(ReceiveMaximumOfTheServerTest, WhoGoesBeyondItIsClosed) {  // [MQTT5-3.3.4-7]
  publish_and_answer(1);
  publish_and_answer(2);
  EXPECT_FALSE(client.outbox.closed);
  client.outbox.take();
  publish_and_answer(3);
  EXPECT_EQ(goodbye(), Reason::receive_maximum_exceeded);
  EXPECT_EQ(topics().size(), 2U);
}

TEST_F(ReceiveMaximumOfTheServerTest, QosZeroHasNoPlace) {
  publish_and_answer(1);
  publish_and_answer(2);
  publish(client, "h/json/n", {});
  EXPECT_FALSE(client.outbox.closed);
}

TEST_F(ReceiveMaximumOfTheServerTest, PubcompFreesAPlace) {  // 4.9
  publish_and_answer(1);
  publish_and_answer(2);
  client.send(mqtt::Pubrel{.packet_identifier = 1});
  publish_and_answer(3);
  EXPECT_FALSE(client.outbox.closed);
}

TEST_F(ReceiveMaximumOfTheServerTest, PubackAndARefusingPubrecFreeAPlace) {  // 4.9
  publish_and_answer(1);
  for (int i = 0; i < 5; ++i) {
    publish_and_answer(2, Outcome::refused);
    publish_at(QoS::at_least_once, 3);
    answer(Outcome::accepted, Reason::success);
    client.read_on();
  }
  EXPECT_FALSE(client.outbox.closed);
}

TEST_F(ReceiveMaximumOfTheServerTest, AnOlderClientHasNone) {
  Client old(server);
  old.connect("old");
  for (mqtt::PacketIdentifier identifier = 1; identifier < 6; ++identifier) {
    old.send(mqtt::Publish{.topic = "h/json/n", .qos = QoS::exactly_once, .packet_identifier = identifier});
    answer(Outcome::accepted, Reason::success);
    old.read_on();
  }
  EXPECT_FALSE(old.outbox.closed);
  EXPECT_EQ(topics().size(), 5U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
