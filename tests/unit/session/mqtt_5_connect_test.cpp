// CONNECT, CONNACK and DISCONNECT of clients that speak MQTT 5.0.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;
using Level = mqtt::ProtocolLevel;

struct Mqtt5ConnectTest : ::testing::Test {
  Server server;
  Client client{server};
  std::string written;

  mqtt::Connack connect(const mqtt::Connect& packet) { return connect(client, packet); }
  mqtt::Connack connect(Client& newcomer, mqtt::Connect packet) {
    packet.level = Level::mqtt_5;
    newcomer.send(packet);
    written = newcomer.outbox.take();
    return packet_in<mqtt::Connack>(written);
  }
};

TEST_F(Mqtt5ConnectTest, IsAnsweredInItsOwnForm) {
  const auto connack = connect({.client_identifier = "meter"});
  EXPECT_EQ(connack.reason, mqtt::Reason::success);
  EXPECT_FALSE(connack.session_present);
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(Mqtt5ConnectTest, SaysWhatTheServerTakes) {  // 3.2.2.3
  server.limits.max_packet_size = 1000;
  const auto asks = encoded({{.identifier = Id::request_response_information, .value = 1U}});
  const auto connack = connect({.client_identifier = "meter", .properties = mqtt::Properties(asks)});
  EXPECT_EQ(connack.properties.integer(Id::receive_maximum), 256U);
  EXPECT_EQ(connack.properties.integer(Id::maximum_packet_size), 1000U);
  // Each of these is served, which is said by saying nothing.
  for (const auto served : {Id::maximum_qos, Id::retain_available, Id::wildcard_subscription_available,
                            Id::subscription_identifier_available, Id::shared_subscription_available}) {
    EXPECT_EQ(connack.properties.integer(served), std::nullopt);
  }
  // Nor does it say anything else: no Response Information, Server Keep Alive or User Property.
  std::set<Id> said;
  for (const auto& property : connack.properties) said.insert(property.identifier);
  EXPECT_EQ(said, (std::set{Id::receive_maximum, Id::maximum_packet_size, Id::topic_alias_maximum}));
}

// [MQTT5-3.1.2-21, MQTT5-3.2.2-21, MQTT5-3.2.2-22]
TEST_F(Mqtt5ConnectTest, WhoWouldBeSilentForTooLongIsToldHowLongItMayBe) {
  using std::chrono::seconds;
  server.limits.max_keep_alive = seconds(60);
  for (const auto asked : std::to_array<std::uint16_t>({0, 61, 65535})) {
    Client each(server);
    each.send(mqtt::Connect{.level = Level::mqtt_5, .keep_alive = asked, .client_identifier = "meter"});
    const auto bytes = each.outbox.take();
    EXPECT_EQ(packet_in<mqtt::Connack>(bytes).properties.integer(Id::server_keep_alive), 60U) << asked;
    EXPECT_EQ(each.connection->deadline(), seconds(90)) << asked;
  }
  for (const auto asked : std::to_array<std::uint16_t>({1, 60})) {
    Client each(server);
    each.send(mqtt::Connect{.level = Level::mqtt_5, .keep_alive = asked, .client_identifier = "meter"});
    const auto bytes = each.outbox.take();
    EXPECT_EQ(packet_in<mqtt::Connack>(bytes).properties.integer(Id::server_keep_alive), std::nullopt);
    EXPECT_EQ(each.connection->deadline(), Time(seconds(asked)) * 3 / 2);
  }
}

TEST_F(Mqtt5ConnectTest, AnOlderClientKeepsToItsOwnKeepAlive) {
  server.limits.max_keep_alive = std::chrono::seconds(60);
  client.connect("silent for ever");
  EXPECT_EQ(client.connection->deadline(), std::nullopt);
  Client seldom(server);
  seldom.connect("seldom", 600);
  EXPECT_EQ(seldom.connection->deadline(), std::chrono::seconds(900));
}

TEST_F(Mqtt5ConnectTest, WhatTheClientTakesIsItsSessions) {
  const auto properties = encoded({{.identifier = Id::receive_maximum, .value = 7U},
                                   {.identifier = Id::maximum_packet_size, .value = 1000U},
                                   {.identifier = Id::topic_alias_maximum, .value = 5U},
                                   {.identifier = Id::request_problem_information, .value = 0U}});
  connect({.client_identifier = "meter", .properties = mqtt::Properties(properties)});
  const ClientLimits* limits = server.sessions.find(client.session())->client_limits();
  ASSERT_NE(limits, nullptr);
  EXPECT_EQ(limits->receive_maximum, 7U);
  EXPECT_EQ(limits->max_packet_size, 1000U);
  EXPECT_EQ(limits->topic_alias_maximum, 5U);
  EXPECT_FALSE(limits->problem_information);
}

TEST_F(Mqtt5ConnectTest, AClientThatSaysNothingTakesAll) {  // 3.1.2.11
  connect({.client_identifier = "meter"});
  const ClientLimits* limits = server.sessions.find(client.session())->client_limits();
  ASSERT_NE(limits, nullptr);
  EXPECT_EQ(limits->receive_maximum, 65535U);
  EXPECT_EQ(limits->topic_alias_maximum, 0U);
  EXPECT_TRUE(limits->problem_information);
}

TEST_F(Mqtt5ConnectTest, AnotherLevelHasNoSuchLimits) {
  client.connect("meter");
  EXPECT_EQ(server.sessions.find(client.session())->client_limits(), nullptr);
}

TEST_F(Mqtt5ConnectTest, AcknowledgementsAreInTheFormOfItsLevel) {
  connect({.client_identifier = "meter"});
  client.send(mqtt::Unsubscribe{.packet_identifier = 7, .topic_filters = {"h/json/n"}});
  const auto request = server.requested<UnsubscribeRequest>().back();
  server.sessions.handle(UnsubscribeReply{.ticket = request.ticket, .topic_filters = request.topic_filters});
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Unsuback{.packet_identifier = 7,
                                                          .reasons = {mqtt::Reason::no_subscription_existed}},
                                           Level::mqtt_5));
}

}  // namespace
}  // namespace pubsub_mqtt::session
