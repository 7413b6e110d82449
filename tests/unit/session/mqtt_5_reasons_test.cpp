// What clients of MQTT 5.0 are told when the server refuses them or closes (5.0, 4.13), and that others are not.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::Reason;
using std::chrono::seconds;
using Id = mqtt::PropertyIdentifier;
using Level = mqtt::ProtocolLevel;

struct Mqtt5ReasonsTest : ::testing::Test {
  Server server;
  Client client{server};
  std::string written;

  static mqtt::Connect packet(std::string_view client_identifier = "meter") {
    return {.level = Level::mqtt_5, .client_identifier = client_identifier};
  }
  void connect(Client& newcomer) {
    newcomer.level = Level::mqtt_5;
    newcomer.connect("meter");
  }

  // The CONNACK or DISCONNECT that is all that was written, before the connection was closed.
  template <typename Kind>
  Kind last(Client& closed) {
    EXPECT_TRUE(closed.outbox.closed);
    written = closed.outbox.take();
    return packet_in<Kind>(written);
  }
  mqtt::Connack refusal(const mqtt::Connect& connect, Peer from = loopback()) {
    Client newcomer(server, std::move(from));
    newcomer.send(connect);
    return last<mqtt::Connack>(newcomer);
  }
  // Of a client whose identifier is too long, and which says this of itself.
  mqtt::Connack refusal_of_identifier(std::initializer_list<mqtt::Property> says = {}) {
    server.limits.max_client_identifier_length = 23;
    auto connect = packet("123456789012345678901234");
    const auto properties = encoded(says);
    connect.properties = mqtt::Properties(properties);
    const auto connack = refusal(connect);
    EXPECT_EQ(connack.reason, Reason::client_identifier_not_valid);
    return connack;
  }
  mqtt::Disconnect goodbye() { return last<mqtt::Disconnect>(client); }
  static std::string words(const mqtt::Properties& properties) {
    return std::string(properties.bytes(Id::reason_string).value_or(""));
  }
};

TEST_F(Mqtt5ReasonsTest, ALaterVersionIsRefusedInTheFormOfFive) {  // [MQTT5-3.1.2-2]
  std::string connect = bytes_of(packet());
  connect[8] = 6;
  client.receive(connect);
  const auto connack = last<mqtt::Connack>(client);
  EXPECT_EQ(connack.reason, Reason::unsupported_protocol_version);
  EXPECT_EQ(words(connack.properties), "speaks a version of MQTT that is not served: 3.1, 3.1.1 and 5.0 are");
}

TEST_F(Mqtt5ReasonsTest, AMalformedConnectIsToldInConnack) {  // 3.1.4, 4.13.1
  std::string connect = bytes_of(packet());
  connect[9] |= 1;  // the reserved flag
  client.receive(connect);
  const auto connack = last<mqtt::Connack>(client);
  EXPECT_EQ(connack.reason, Reason::malformed_packet);
  EXPECT_EQ(words(connack.properties), "CONNECT with its reserved flag set [MQTT-3.1.2-3]");
}

TEST_F(Mqtt5ReasonsTest, AProtocolErrorInConnectIsToldInConnack) {
  auto connect = packet();
  const auto twice = encoded(
      {{.identifier = Id::receive_maximum, .value = 1U}, {.identifier = Id::receive_maximum, .value = 1U}});
  connect.properties = mqtt::Properties(twice);
  EXPECT_EQ(refusal(connect).reason, Reason::protocol_error);
}

TEST_F(Mqtt5ReasonsTest, AConnectThatIsRefusedHasTheReasonAndTheLogsWords) {
  EXPECT_EQ(words(refusal_of_identifier().properties),
            "a client identifier longer than mqtt_max_client_identifier_length");
  EXPECT_EQ(refusal(packet(), elsewhere(true)).reason, Reason::not_authorized);
}

TEST_F(Mqtt5ReasonsTest, ALoginsReasonIsPassedOn) {
  for (const auto reason :
       {Reason::bad_user_name_or_password, Reason::not_authorized, Reason::banned, Reason::server_unavailable,
        Reason::server_busy, Reason::connection_rate_exceeded}) {
    Client newcomer(server);
    auto connect = packet();
    connect.user_name = "juliet";
    newcomer.send(connect);
    server.sessions.handle(LoginReply{.connection = newcomer.id, .reason = reason, .account = {}});
    const auto connack = last<mqtt::Connack>(newcomer);
    EXPECT_EQ(connack.reason, reason);
    EXPECT_EQ(words(connack.properties), "login failed");
  }
}

TEST_F(Mqtt5ReasonsTest,
       TheReasonStringIsLeftOutWhereTheClientWantsNone) {  // [MQTT5-3.1.2-29]
  const auto connack = refusal_of_identifier({{.identifier = Id::request_problem_information, .value = 0U}});
  EXPECT_TRUE(connack.properties.empty());
}

TEST_F(Mqtt5ReasonsTest, TheReasonStringIsLeftOutWhereThePacketWouldBeTooLarge) {  // [MQTT5-3.2.2-19]
  const auto connack = refusal_of_identifier({{.identifier = Id::maximum_packet_size, .value = 20U}});
  EXPECT_TRUE(connack.properties.empty());
}

TEST_F(Mqtt5ReasonsTest, ASecondConnectIsAProtocolError) {  // [MQTT5-3.1.0-2]
  connect(client);
  client.send(packet());
  const auto disconnect = goodbye();
  EXPECT_EQ(disconnect.reason, Reason::protocol_error);
  EXPECT_EQ(words(disconnect.properties), "a second CONNECT [MQTT-3.1.0-2]");
}

TEST_F(Mqtt5ReasonsTest, AMalformedPacketIsToldInDisconnect) {
  connect(client);
  client.receive(std::string("\xC1\x00", 2));
  EXPECT_EQ(goodbye().reason, Reason::malformed_packet);
}

TEST_F(Mqtt5ReasonsTest, APacketThatIsTooLargeIsToldInDisconnect) {  // 3.1.2.11.4
  server.limits.max_packet_size = 100;
  connect(client);
  client.send(mqtt::Publish{.topic = "h/json/n", .payload = std::string(100, '1')});
  EXPECT_EQ(goodbye().reason, Reason::packet_too_large);
}

// What CONNACK has promised holds for the connection, and the next one is promised something else.
TEST_F(Mqtt5ReasonsTest, AReloadDoesNotMakeAPacketTooLargeForAClientThatIsConnected) {
  connect(client);
  server.limits.max_packet_size = 100;
  const mqtt::Publish publish{.topic = "h/json/n", .payload = std::string_view("\"1234567890\"")};
  const std::string padding =
      encoded({{.identifier = Id::user_property,
                .value = mqtt::UserProperty{"padding", std::string_view(std::string(100, 'x'))}}});
  mqtt::Publish large = publish;
  large.properties = mqtt::Properties(padding);
  client.send(large);
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(server.requested<PublishRequest>().size(), 1U);
  Client next(server);
  next.send(packet("next"));
  written = next.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Connack>(written).properties.integer(Id::maximum_packet_size), 100U);
  next.send(large);
  EXPECT_EQ(last<mqtt::Disconnect>(next).reason, Reason::packet_too_large);
}

// [MQTT5-3.1.2-24]: what cannot be answered is not carried out.
TEST_F(Mqtt5ReasonsTest, ASubscribeWhoseAnswerTheClientDoesNotTakeClosesIt) {
  const auto small = encoded({{.identifier = Id::maximum_packet_size, .value = 30U}});
  const auto filters = [](std::size_t count) {
    return std::vector<std::string_view>(count, std::string_view("h/json/n"));
  };
  const auto connect_small = [&](Client& each, std::string_view name) {
    auto connect = packet(name);
    connect.properties = mqtt::Properties(small);
    each.send(connect);
    each.outbox.take();
  };
  const auto subscribe = [&](Client& each, std::size_t count) {
    mqtt::Subscribe packet{.packet_identifier = 1, .subscriptions = {}};
    for (const auto filter : filters(count)) packet.subscriptions.push_back({.topic_filter = filter});
    each.send(packet);
  };
  connect_small(client, "meter");
  subscribe(client, 25);  // SUBACK has 5 bytes more than filters
  client.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = filters(25)});
  EXPECT_FALSE(client.outbox.closed);
  EXPECT_EQ(server.requested<SubscribeRequest>().size(), 1U);
  EXPECT_EQ(server.requested<UnsubscribeRequest>().size(), 1U);
  subscribe(client, 26);
  EXPECT_EQ(goodbye().reason, Reason::packet_too_large);
  EXPECT_EQ(server.requested<SubscribeRequest>().size(), 1U);
  Client other(server);
  connect_small(other, "other");
  other.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = filters(26)});
  EXPECT_EQ(last<mqtt::Disconnect>(other).reason, Reason::packet_too_large);
  EXPECT_EQ(server.requested<UnsubscribeRequest>().size(), 1U);
}

TEST_F(Mqtt5ReasonsTest, SilenceIsToldInDisconnect) {  // [MQTT5-3.1.2-22]
  client.level = Level::mqtt_5;
  client.connect("meter", 10);
  client.connection->expire(seconds(15));
  EXPECT_EQ(goodbye().reason, Reason::keep_alive_timeout);
}

TEST_F(Mqtt5ReasonsTest, WhoseIdentifierConnectsAgainIsTold) {  // [MQTT5-3.1.4-3]
  connect(client);
  Client again(server);
  connect(again);
  EXPECT_EQ(goodbye().reason, Reason::session_taken_over);
}

TEST_F(Mqtt5ReasonsTest, AnAdministratorsActionIsTold) {
  connect(client);
  server.sessions.handle(CloseConnection{.session = client.session()});
  EXPECT_EQ(goodbye().reason, Reason::administrative_action);
}

TEST_F(Mqtt5ReasonsTest, TheServersEndIsTold) {
  connect(client);
  Client old(server);
  old.connect("old");
  server.sessions.close_all();
  EXPECT_EQ(goodbye().reason, Reason::server_shutting_down);
  EXPECT_TRUE(old.outbox.closed);
  EXPECT_EQ(old.outbox.take(), "");
}

TEST_F(Mqtt5ReasonsTest, WhatFailsForNowIsToldInDisconnectSoThatTheClientSendsItAgain) {
  for (const auto& [given, told] : {std::pair(Reason::success, Reason::implementation_specific_error),
                                    std::pair(Reason::quota_exceeded, Reason::quota_exceeded)}) {
    Client publisher(server);
    connect(publisher);
    publisher.send(
        mqtt::Publish{.topic = "h/json/n", .qos = mqtt::QoS::at_least_once, .packet_identifier = 1});
    server.sessions.handle(PublishReply{.ticket = server.requested<PublishRequest>().back().ticket,
                                        .outcome = PublishReply::Outcome::failed,
                                        .reason = given,
                                        .reason_string = "the disk is full",
                                        .topic = "h/json/n"});
    const auto disconnect = last<mqtt::Disconnect>(publisher);
    EXPECT_EQ(disconnect.reason, told);
    EXPECT_EQ(words(disconnect.properties), "the disk is full");
  }
}

TEST_F(Mqtt5ReasonsTest, AClientThatTakesNoConnackIsRefusedAndToldAsMuchAsItTakes) {  // [MQTT5-3.1.2-24]
  for (const auto& [takes, told] : {std::pair(2U, std::size_t{0}), std::pair(5U, std::size_t{5})}) {
    Client small(server);
    auto connect = packet();
    const auto size = encoded({{.identifier = Id::maximum_packet_size, .value = takes}});
    connect.properties = mqtt::Properties(size);
    connect.will = mqtt::Publish{.topic = "h/utf8/w"};
    small.send(connect);
    EXPECT_TRUE(small.outbox.closed);
    EXPECT_EQ(small.outbox.take().size(), told);
  }
  EXPECT_EQ(server.sessions.size(), 0U);
  EXPECT_TRUE(server.requested<PublishRequest>().empty()) << "who was not let in has no will";
}

TEST_F(Mqtt5ReasonsTest, AConnectThatIsTooLargeIsToldInConnack) {  // 3.2.2.2
  const std::string large(40000, 'u');
  auto connect = packet();
  connect.user_name = large;
  connect.password = large;
  const std::string bytes = bytes_of(connect);
  for (const std::size_t first : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
    Client other(server);
    other.receive(std::string_view(bytes).substr(0, first));
    if (!other.outbox.closed) other.receive(std::string_view(bytes).substr(first));
    EXPECT_EQ(last<mqtt::Connack>(other).reason, Reason::packet_too_large);
  }
}

TEST_F(Mqtt5ReasonsTest, AClientOfAnOlderMqttIsNeverToldInDisconnect) {
  for (const auto level : {Level::mqtt_3_1, Level::mqtt_3_1_1}) {
    Client old(server);
    old.level = level;
    old.connect("old", 10);
    old.connection->expire(seconds(15));
    EXPECT_TRUE(old.outbox.closed);
    EXPECT_EQ(old.outbox.take(), "");
  }
}

}  // namespace
}  // namespace pubsub_mqtt::session
