// How long the session of a client of MQTT 5.0 lasts, and what becomes of its will (5.0, 3.1.2.5, 3.1.2.11.2, 3.14).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::Reason;
using std::chrono::hours;
using std::chrono::seconds;
using Id = mqtt::PropertyIdentifier;
using Level = mqtt::ProtocolLevel;

constexpr std::uint32_t for_ever = 0xFFFFFFFF;

struct DelayedWill {
  std::string_view message;
  std::uint32_t delay = 0;
  std::string properties = {};
};

struct Mqtt5SessionTest : ::testing::Test {
  mqtt::Connack connect(Client& newcomer, std::uint32_t expiry, bool clean_start = false,
                        DelayedWill will = {}, std::string_view client_identifier = "meter",
                        Time at = Time{0}) {
    const auto properties = encoded({{.identifier = Id::session_expiry_interval, .value = expiry}});
    mqtt::Connect packet{.level = Level::mqtt_5,
                         .clean_session = clean_start,
                         .client_identifier = client_identifier,
                         .properties = mqtt::Properties(properties)};
    mqtt::append({.identifier = Id::will_delay_interval, .value = will.delay}, will.properties);
    if (!will.message.empty()) {
      packet.will = mqtt::Publish{
          .topic = "h/utf8/w", .payload = will.message, .properties = mqtt::Properties(will.properties)};
    }
    newcomer.send(packet, at);
    written = newcomer.outbox.take();
    return packet_in<mqtt::Connack>(written);
  }

  void disconnect(Client& leaving, Reason reason, std::optional<std::uint32_t> expiry = {}) {
    std::string properties;
    if (expiry) mqtt::append({.identifier = Id::session_expiry_interval, .value = *expiry}, properties);
    leaving.send(mqtt::Disconnect{.reason = reason, .properties = mqtt::Properties(properties)});
  }

  using Wills = std::vector<std::string>;
  Wills wills() const {
    Wills found;
    for (const auto& request : server.requested<PublishRequest>()) {
      EXPECT_TRUE(request.ticket.will);
      found.push_back(request.publication.payload);
    }
    return found;
  }

  Server server;
  Client client{server};
  Client again{server};
  std::string written;
};

TEST_F(Mqtt5SessionTest, WithoutExpiryItEndsWithItsConnectionAlsoWithoutCleanStart) {  // 3.1.2.11.2
  connect(client, 0);
  EXPECT_EQ(server.sessions.deadline(), std::nullopt);
  client.lose();
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(Mqtt5SessionTest, OutlivesItsConnectionAsLongAsItWantsAlsoWithCleanStart) {  // [MQTT5-3.1.2-23]
  EXPECT_EQ(connect(client, 10, true).properties.integer(Id::session_expiry_interval), std::nullopt);
  server.sessions.look(seconds(100));
  client.lose();
  server.expect_end_of_session(seconds(110));
  EXPECT_TRUE(server.logged("session expiry interval"));
}

TEST_F(Mqtt5SessionTest, WhoComesBackInTimeFindsIt) {  // [MQTT5-3.1.2-5, MQTT5-3.2.2-3]
  connect(client, 10);
  client.lose();
  EXPECT_TRUE(connect(again, 10).session_present);
  EXPECT_EQ(server.sessions.deadline(), std::nullopt);
}

TEST_F(Mqtt5SessionTest, WhoComesBackTooLateDoesNotFindItThoughNobodyHasLooked) {
  connect(client, 10);
  client.lose();
  EXPECT_FALSE(connect(again, 10, false, {}, "meter", seconds(10)).session_present);
}

TEST_F(Mqtt5SessionTest, CleanStartBeginsANewOne) {  // [MQTT5-3.1.2-4, MQTT5-3.2.2-2]
  connect(client, 10);
  client.lose();
  EXPECT_FALSE(connect(again, 10, true).session_present);
  EXPECT_NE(again.session(), client.session());
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(Mqtt5SessionTest, TheLastConnectSaysHowLong) {
  connect(client, 10);
  client.lose();
  EXPECT_TRUE(connect(again, 0).session_present);
  again.lose();
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(Mqtt5SessionTest, WhatIsBeyondTheSettingIsCutAndTold) {  // 3.2.2.3.2
  server.limits.session_expiry = hours(1);
  EXPECT_EQ(connect(client, for_ever).properties.integer(Id::session_expiry_interval), 3600U);
  EXPECT_EQ(connect(again, 3601).properties.integer(Id::session_expiry_interval), 3600U);
  Client third(server);
  EXPECT_EQ(connect(third, 3600).properties.integer(Id::session_expiry_interval), std::nullopt);
}

TEST_F(Mqtt5SessionTest, ForEverNeitherOverflowsNorVanishes) {
  server.limits.session_expiry = seconds(ten_years);
  connect(client, for_ever);
  client.lose();
  EXPECT_EQ(server.sessions.deadline(), seconds(ten_years));
  server.sessions.expire(seconds(ten_years) - Time(1));
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(Mqtt5SessionTest, WhereNoneMayBeStoredItEndsWithItsConnection) {
  server.limits.session_expiry = seconds(0);
  EXPECT_EQ(connect(client, 10).properties.integer(Id::session_expiry_interval), 0U);
  client.lose();
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(Mqtt5SessionTest, StoredOnesAreCountedAsTheyAreNow) {
  server.limits.max_anonymous_sessions = 1;
  connect(client, 10, true, {}, "one");
  EXPECT_EQ(connect(again, 10, true, {}, "two").reason, Reason::quota_exceeded);
  disconnect(client, Reason::success, 0);
  Client third(server);
  EXPECT_EQ(connect(third, 10, true, {}, "two").reason, Reason::success);
  third.lose();
  Client fourth(server);
  EXPECT_TRUE(connect(fourth, 0, false, {}, "two").session_present);
  Client fifth(server);
  EXPECT_EQ(connect(fifth, 10, true, {}, "three").reason, Reason::success);
}

TEST_F(Mqtt5SessionTest,
       AClientWithoutIdentifierIsGivenOne) {  // [MQTT5-3.1.3-6, MQTT5-3.1.3-7, MQTT5-3.2.2-16]
  for (const bool clean_start : {true, false}) {
    Client one(server);
    Client other(server);
    const std::string first(
        connect(one, 10, clean_start, {}, "").properties.bytes(Id::assigned_client_identifier).value_or(""));
    const std::string second(connect(other, 10, clean_start, {}, "")
                                 .properties.bytes(Id::assigned_client_identifier)
                                 .value_or(""));
    EXPECT_GE(first.size(), 22U) << "128 bits";
    EXPECT_NE(first, second);
    one.lose();
    Client back(server);
    const auto connack = connect(back, 10, false, {}, first);
    EXPECT_TRUE(connack.session_present);
    EXPECT_EQ(connack.properties.bytes(Id::assigned_client_identifier), std::nullopt);
  }
}

TEST_F(Mqtt5SessionTest, DisconnectMayChangeTheExpiry) {  // 3.14.2.2.2
  connect(client, 10);
  disconnect(client, Reason::success, 20);
  EXPECT_EQ(server.sessions.deadline(), seconds(20));
  connect(again, 10);
  disconnect(again, Reason::success, 0);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(Mqtt5SessionTest, DisconnectMayNotKeepASessionThatConnectDidNot) {  // 3.14.2.2.2
  connect(client, 0, true, {.message = "gone"});
  disconnect(client, Reason::success, 1);
  EXPECT_TRUE(client.outbox.closed);
  written = client.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Disconnect>(written).reason, Reason::protocol_error);
  EXPECT_EQ(wills(), Wills{"gone"});
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(Mqtt5SessionTest, OnlyANormalDisconnectTakesTheWillAway) {  // [MQTT5-3.14.4-3]
  connect(client, 0, true, {.message = "gone"});
  disconnect(client, Reason::success);
  EXPECT_EQ(wills(), Wills{});
  for (const auto reason : {Reason::disconnect_with_will, Reason::unspecified_error,
                            Reason::administrative_action, Reason::payload_format_invalid}) {
    server.requests.clear();
    Client other(server);
    connect(other, 0, true, {.message = "gone"});
    disconnect(other, reason);
    EXPECT_TRUE(other.outbox.closed);
    EXPECT_EQ(other.outbox.take(), "");
    EXPECT_EQ(wills(), Wills{"gone"});
  }
}

TEST_F(Mqtt5SessionTest, WhatOnlyAServerMaySayIsAProtocolError) {  // table 3-10, 3.14.2.2.5
  const auto reference = encoded({{.identifier = Id::server_reference, .value = "elsewhere"}});
  for (const auto& packet :
       {mqtt::Disconnect{.reason = Reason::server_shutting_down},
        mqtt::Disconnect{.reason = Reason::success, .properties = mqtt::Properties(reference)}}) {
    Client other(server);
    connect(other, 0);
    other.send(packet);
    EXPECT_TRUE(other.outbox.closed);
    written = other.outbox.take();
    EXPECT_EQ(packet_in<mqtt::Disconnect>(written).reason, Reason::protocol_error);
  }
}

TEST_F(Mqtt5SessionTest, AProtocolErrorPublishesTheWill) {
  connect(client, 0, true, {.message = "gone"});
  client.receive(std::string("\xC1\x00", 2));
  EXPECT_EQ(wills(), Wills{"gone"});
}

TEST_F(Mqtt5SessionTest, TheWillsPropertiesTravelAndItsExpiryCountsFromItsPublication) {  // 3.1.3.2
  const auto properties = encoded({{.identifier = Id::content_type, .value = "text/plain"},
                                   {.identifier = Id::message_expiry_interval, .value = 5U},
                                   {.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "b"}}});
  connect(client, 100, true, {.message = "gone", .delay = 10, .properties = properties});
  server.sessions.look(seconds(1));
  client.lose();
  server.sessions.expire(seconds(11));
  ASSERT_EQ(wills(), Wills{"gone"});
  const auto envelope = server.requested<PublishRequest>()[0].publication.envelope;
  EXPECT_EQ(envelope.expires_at, seconds(16));
  ASSERT_NE(envelope.properties, nullptr);
  EXPECT_EQ(*envelope.properties,
            encoded({{.identifier = Id::content_type, .value = "text/plain"},
                     {.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "b"}}}));
}

TEST_F(Mqtt5SessionTest, ADelayedWillGoesWhenItsDelayIsOver) {  // [MQTT5-3.1.2-8]
  connect(client, 100, true, {.message = "gone", .delay = 10});
  client.lose();
  EXPECT_EQ(wills(), Wills{});
  EXPECT_EQ(server.sessions.deadline(), seconds(10));
  server.sessions.expire(seconds(10) - Time(1));
  EXPECT_EQ(wills(), Wills{});
  server.sessions.expire(seconds(10));
  EXPECT_EQ(wills(), Wills{"gone"});
  EXPECT_EQ(server.sessions.deadline(), seconds(100));
  server.sessions.expire(seconds(100));
  EXPECT_EQ(wills().size(), 1U);
}

TEST_F(Mqtt5SessionTest, ADelayedWillGoesWhenTheSessionEnds) {  // [MQTT5-3.1.2-8]
  connect(client, 5, true, {.message = "gone", .delay = 10});
  client.lose();
  server.sessions.expire(seconds(5));
  EXPECT_EQ(wills(), Wills{"gone"});
  EXPECT_TRUE(std::holds_alternative<CloseSession>(server.requests.back()));

  server.requests.clear();
  connect(again, 0, true, {.message = "at once", .delay = 10});
  again.lose();
  EXPECT_EQ(wills(), Wills{"at once"});
}

TEST_F(Mqtt5SessionTest, ADelayedWillGoesWhenDisconnectEndsTheSession) {
  connect(client, 100, true, {.message = "gone", .delay = 10});
  disconnect(client, Reason::disconnect_with_will, 0);
  EXPECT_EQ(wills(), Wills{"gone"});
}

TEST_F(Mqtt5SessionTest, AReturnCallsADelayedWillOff) {  // [MQTT5-3.1.3-9]
  connect(client, 100, true, {.message = "old", .delay = 10});
  client.lose();
  connect(again, 100, false, {.message = "new", .delay = 20}, "meter", seconds(9));
  server.sessions.expire(seconds(10));
  EXPECT_EQ(wills(), Wills{}) << "the old delay is not the new will's";
  again.lose();
  server.sessions.expire(seconds(30) - Time(1));
  EXPECT_EQ(wills(), Wills{});
  server.sessions.expire(seconds(30));
  EXPECT_EQ(wills(), Wills{"new"});
}

TEST_F(Mqtt5SessionTest, ATakeoverCallsADelayedWillOff) {
  connect(client, 100, true, {.message = "old", .delay = 10});
  connect(again, 100);
  server.sessions.expire(seconds(50));
  EXPECT_EQ(wills(), Wills{});
}

TEST_F(Mqtt5SessionTest, ATakeoverWithoutDelayPublishesTheWill) {  // 3.1.4
  connect(client, 100, true, {.message = "old"});
  connect(again, 100);
  EXPECT_EQ(wills(), Wills{"old"});
}

TEST_F(Mqtt5SessionTest, ATakeoverWithCleanStartEndsTheSessionAndSoItsWillGoesAtOnce) {  // 3.1.4
  connect(client, 100, true, {.message = "old", .delay = 10});
  connect(again, 100, true, {.message = "new"});
  EXPECT_EQ(wills(), Wills{"old"});
}

TEST_F(Mqtt5SessionTest, CleanStartPublishesTheWillThatStillWaits) {
  connect(client, 100, true, {.message = "old", .delay = 10});
  client.lose();
  connect(again, 100, true);
  EXPECT_EQ(wills(), Wills{"old"});
}

TEST_F(Mqtt5SessionTest, ADelayedWillGoesWhenTheServerLeaves) {
  connect(client, 100, true, {.message = "gone", .delay = 10});
  client.lose();
  server.sessions.send_wills();
  EXPECT_EQ(wills(), Wills{"gone"});
}

TEST_F(Mqtt5SessionTest, ADeletedAccountsDelayedWillIsNotPublished) {
  connect(client, 100, true, {.message = "gone", .delay = 10});
  client.lose();
  server.sessions.handle(CloseAccount{.account = "", .was_deleted = true});
  EXPECT_EQ(wills(), Wills{});
  EXPECT_EQ(server.sessions.deadline(), std::nullopt);
}

TEST_F(Mqtt5SessionTest, APasswordNeedsNoUserName) {  // 3.1.2.9
  client.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "meter", .password = "secret"});
  written = client.outbox.take();
  EXPECT_EQ(packet_in<mqtt::Connack>(written).reason, Reason::success);
}

}  // namespace
}  // namespace pubsub_mqtt::session
