// Enhanced authentication (MQTT 5.0, 4.12): whose turn it is in an exchange, and what its end does to the connection.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using Id = mqtt::PropertyIdentifier;
using Level = mqtt::ProtocolLevel;
using mqtt::Reason;
using std::chrono::seconds;

constexpr std::string_view method = "SCRAM-SHA-1";
constexpr std::string_view juliet = "juliet@capulet.lit";

std::string properties_of(std::string_view of_method, std::optional<std::string_view> data) {
  std::string properties = encoded({{.identifier = Id::authentication_method, .value = of_method}});
  if (data) mqtt::append({.identifier = Id::authentication_data, .value = *data}, properties);
  return properties;
}

class AuthenticationTest : public ::testing::Test {
 protected:
  template <typename Kind>
  std::vector<const Kind*> requests() const {
    std::vector<const Kind*> found;
    for (const auto& request : server.requests) {
      if (const auto* each = std::get_if<Kind>(&request)) found.push_back(each);
    }
    return found;
  }
  const AuthRequest& request() const { return *requests<AuthRequest>().back(); }
  std::size_t ends() const { return requests<EndAuth>().size(); }

  void connect(Client& client, std::optional<std::string_view> data = "first", mqtt::Connect packet = {}) {
    const std::string properties = properties_of(method, data);
    packet.level = Level::mqtt_5;
    packet.client_identifier = "meter";
    packet.properties = mqtt::Properties(properties);
    client.send(packet);
  }

  void say(Client& client, Reason reason, std::optional<std::string_view> data = "more",
           std::string_view of_method = method, Time at = Time{0}) {
    const std::string properties = properties_of(of_method, data);
    client.send(mqtt::Auth{.reason = reason, .properties = mqtt::Properties(properties)}, at);
  }

  void reply(Client& client, Reason reason, std::string data = {}, std::string account = {}) {
    server.sessions.handle(AuthReply{
        .connection = client.id, .reason = reason, .data = std::move(data), .account = std::move(account)});
    client.note_session();
  }

  // Connected, by way of an exchange.
  void log_in(Client& client, const mqtt::Connect& packet = {}) {
    connect(client, "first", packet);
    reply(client, Reason::continue_authentication, "challenge");
    say(client, Reason::continue_authentication, "proof");
    reply(client, Reason::success, "v=server", std::string(juliet));
    client.outbox.take();
  }

  mqtt::Auth auth(Client& client) {
    written = client.outbox.take();
    return packet_in<mqtt::Auth>(written);
  }
  mqtt::Connack connack(Client& client) {
    written = client.outbox.take();
    return packet_in<mqtt::Connack>(written);
  }
  mqtt::Disconnect goodbye(Client& client) {
    written = client.outbox.take();
    EXPECT_TRUE(client.outbox.closed);
    return packet_in<mqtt::Disconnect>(written);
  }

  bool published(std::string_view payload) const {
    const auto all = requests<PublishRequest>();
    return std::any_of(all.begin(), all.end(),
                       [&](const auto* each) { return each->publication.payload == payload; });
  }

  Server server;
  Client local{server};
  Client remote{server, elsewhere(false)};
  std::string written;
};

TEST_F(AuthenticationTest, ConnectBeginsAnExchangeOfWhichProsodyIsTold) {
  remote.connection->set_server_name("capulet.lit");
  remote.connection->set_certificate(
      {.xmpp_addresses = {std::string(juliet)}, .dns_names = {}, .emails = {}});
  connect(remote, "n,,n=juliet,r=1", {.user_name = "capulet.lit"});
  ASSERT_EQ(requests<AuthRequest>().size(), 1U);
  EXPECT_TRUE(requests<LoginRequest>().empty());
  EXPECT_EQ(request().client.connection, remote.id);
  EXPECT_EQ(request().client.name, "192.0.2.1:5000 \"meter\"");
  EXPECT_EQ(request().client.address, "192.0.2.1");
  EXPECT_FALSE(request().client.is_loopback);
  EXPECT_FALSE(request().client.is_encrypted) << "no password is sent";
  EXPECT_EQ(request().method, method);
  ASSERT_TRUE(request().data.has_value());
  EXPECT_EQ(request().data->bytes(), "n,,n=juliet,r=1");
  EXPECT_EQ(request().client.user_name, "capulet.lit");
  EXPECT_EQ(request().server_name, "capulet.lit");
  EXPECT_EQ(request().account, "");
  EXPECT_EQ(request().client.certificate.xmpp_addresses, std::vector<std::string>{std::string(juliet)});
  EXPECT_TRUE(remote.outbox.take().empty());
}

TEST_F(AuthenticationTest, ConnectNeedBringNoData) {
  connect(local, std::nullopt);
  ASSERT_EQ(requests<AuthRequest>().size(), 1U);
  EXPECT_FALSE(request().data.has_value());
  EXPECT_EQ(request().client.user_name, std::nullopt);
  reply(local, Reason::continue_authentication);
  const auto asked = auth(local);
  EXPECT_EQ(asked.reason, Reason::continue_authentication);  // [MQTT5-4.12.0-2]
  EXPECT_EQ(asked.properties.bytes(Id::authentication_method), method);
  EXPECT_EQ(asked.properties.bytes(Id::authentication_data), std::nullopt);
}

TEST_F(AuthenticationTest, AuthPacketsGoToAndFroUntilConnack) {
  connect(local);
  reply(local, Reason::continue_authentication, "challenge");
  EXPECT_EQ(local.outbox.resumed, 1);
  const auto challenge = auth(local);
  EXPECT_EQ(challenge.properties.bytes(Id::authentication_method), method);  // [MQTT5-4.12.0-5]
  EXPECT_EQ(challenge.properties.bytes(Id::authentication_data), "challenge");
  say(local, Reason::continue_authentication, "proof");
  ASSERT_EQ(requests<AuthResponse>().size(), 1U);
  EXPECT_EQ(requests<AuthResponse>()[0]->connection, local.id);
  EXPECT_EQ(requests<AuthResponse>()[0]->data.bytes(), "proof");
  EXPECT_EQ(server.sessions.size(), 0U);
  reply(local, Reason::success, "v=server", std::string(juliet));
  const auto accepted_by = connack(local);
  EXPECT_EQ(accepted_by.reason, Reason::success);
  EXPECT_EQ(accepted_by.properties.bytes(Id::authentication_method), method);  // [MQTT5-4.12.0-5]
  EXPECT_EQ(accepted_by.properties.bytes(Id::authentication_data), "v=server");
  EXPECT_EQ(server.clients(), (std::vector<std::string>{"127.0.0.1:5000 \"meter\" (juliet@capulet.lit)"}));
  EXPECT_EQ(local.outbox.resumed, 2);
  EXPECT_EQ(ends(), 0U);
}

TEST_F(AuthenticationTest, WithoutAMethodConnackNamesNone) {  // [MQTT5-4.12.0-6]
  local.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "meter"});
  EXPECT_EQ(connack(local).properties.bytes(Id::authentication_method), std::nullopt);
}

TEST_F(AuthenticationTest, NothingIsReadWhileProsodyDecides) {
  connect(local);
  say(local, Reason::continue_authentication, "too early");
  EXPECT_TRUE(requests<AuthResponse>().empty());
  EXPECT_FALSE(local.outbox.closed);
  EXPECT_FALSE(local.unread.empty());
}

TEST_F(AuthenticationTest, WhatConnectSaidIsKeptUntilItsEnd) {
  log_in(local, {.clean_session = false,
                 .keep_alive = 10,
                 .will = mqtt::Publish{.topic = "h/utf8/w", .payload = "gone"}});
  EXPECT_EQ(local.connection->deadline(), seconds(15));
  local.lose();
  EXPECT_TRUE(published("gone"));
}

TEST_F(AuthenticationTest, ARefusalIsPassedOnAndCloses) {
  for (const auto reason : {Reason::bad_user_name_or_password, Reason::bad_authentication_method,
                            Reason::not_authorized, Reason::server_unavailable}) {
    Client client(server);
    connect(client);
    reply(client, reason);
    const auto refusal = connack(client);
    EXPECT_EQ(refusal.reason, reason);  // [MQTT5-4.12.0-4]
    EXPECT_EQ(refusal.properties.bytes(Id::authentication_method), std::nullopt);
    EXPECT_TRUE(client.outbox.closed);
  }
  EXPECT_EQ(server.sessions.size(), 0U);
  EXPECT_EQ(ends(), 0U) << "the refusal was the end";
}

TEST_F(AuthenticationTest, BeforeConnackOnlyAuthAndDisconnectMayCome) {  // [MQTT5-3.1.2-30]
  const auto ask = [&](Client& client) {
    connect(client);
    reply(client, Reason::continue_authentication, "challenge");
    client.outbox.take();
  };
  Client pings(server);
  ask(pings);
  pings.send(mqtt::Pingreq{});
  EXPECT_EQ(connack(pings).reason, Reason::protocol_error);
  EXPECT_TRUE(pings.outbox.closed);
  Client connects(server);
  ask(connects);
  connects.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "meter"});
  EXPECT_EQ(connack(connects).reason, Reason::protocol_error);
  EXPECT_TRUE(connects.outbox.closed);
  Client leaves(server);
  ask(leaves);
  leaves.send(mqtt::Disconnect{});
  EXPECT_TRUE(leaves.outbox.take().empty());
  EXPECT_TRUE(leaves.outbox.closed);
  EXPECT_EQ(ends(), 3U);
}

TEST_F(AuthenticationTest, AnExchangeThatIsNotFinishedIsCutOffLikeAConnect) {
  connect(local);
  reply(local, Reason::continue_authentication, "challenge");
  local.outbox.take();
  EXPECT_EQ(local.connection->deadline(), server.limits.connect_timeout);
  local.connection->expire(server.limits.connect_timeout);
  EXPECT_EQ(connack(local).reason, Reason::not_authorized);
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_TRUE(server.logged("mqtt_connect_timeout"));
  EXPECT_EQ(ends(), 1U);
}

TEST_F(AuthenticationTest, ADecisionThatTakesTooLongIsNone) {
  connect(local);
  local.connection->expire(server.limits.connect_timeout);
  EXPECT_EQ(connack(local).reason, Reason::server_unavailable);
  EXPECT_EQ(ends(), 1U);
  reply(local, Reason::success, {}, std::string(juliet));
  EXPECT_TRUE(local.outbox.take().empty());
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(AuthenticationTest, ProsodyIsToldOfAClientThatGoes) {
  connect(local);
  local.lose();
  EXPECT_EQ(ends(), 1U);
  EXPECT_EQ(requests<EndAuth>()[0]->connection, local.id);
  log_in(remote);
  say(remote, Reason::reauthenticate);
  remote.send(mqtt::Disconnect{});
  remote.lose();
  EXPECT_EQ(ends(), 2U);
}

TEST_F(AuthenticationTest, AuthBeforeConnectBreaksTheProtocol) {
  local.level = Level::mqtt_5;
  say(local, Reason::continue_authentication);
  EXPECT_TRUE(local.outbox.closed);
}

TEST_F(AuthenticationTest, WhoNamedNoMethodMaySendNoAuth) {  // [MQTT5-4.12.0-7]
  local.send(mqtt::Connect{.level = Level::mqtt_5, .client_identifier = "meter"});
  local.outbox.take();
  say(local, Reason::reauthenticate);
  EXPECT_EQ(goodbye(local).reason, Reason::protocol_error);
  EXPECT_TRUE(requests<AuthRequest>().empty());
}

TEST_F(AuthenticationTest, AuthThatBreaksARuleIsAProtocolError) {
  const auto refused = [&](Reason reason, std::string_view of_method, bool in_exchange) {
    Client client(server);
    connect(client);
    reply(client, Reason::continue_authentication, "challenge");
    if (!in_exchange) reply(client, Reason::success, {}, std::string(juliet));
    client.outbox.take();
    say(client, reason, "more", of_method);
    const bool closed = client.outbox.closed;
    const std::string answer = client.outbox.take();
    const auto packets = packets_in(answer);
    if (!closed || packets.size() != 1) return false;
    if (in_exchange) return std::get<mqtt::Connack>(packets[0]).reason == Reason::protocol_error;
    return std::get<mqtt::Disconnect>(packets[0]).reason == Reason::protocol_error;
  };
  EXPECT_TRUE(refused(Reason::continue_authentication, "SCRAM-SHA-256", true)) << "another method";
  EXPECT_TRUE(refused(Reason::reauthenticate, method, true)) << "before CONNACK";
  EXPECT_TRUE(refused(Reason::success, method, true)) << "the server's word";
  EXPECT_TRUE(refused(Reason::reauthenticate, "SCRAM-SHA-256", false)) << "[MQTT5-4.12.1-1]";
  EXPECT_TRUE(refused(Reason::continue_authentication, method, false)) << "nothing is under way";
  EXPECT_TRUE(refused(Reason::success, method, false)) << "the server's word";
}

TEST_F(AuthenticationTest, AuthNamesItsMethod) {  // (5.0, 3.15.2.2.2)
  log_in(local);
  local.send(mqtt::Auth{.reason = Reason::reauthenticate});
  EXPECT_EQ(goodbye(local).reason, Reason::protocol_error);
}

TEST_F(AuthenticationTest, TheEmptyAuthIsNoClients) {  // (5.0, 3.15.2.1): it is 0x00, and names no method
  log_in(local);
  local.receive(std::string("\xF0\x00", 2));
  EXPECT_EQ(goodbye(local).reason, Reason::protocol_error);
}

TEST_F(AuthenticationTest, AClientAuthenticatesAgainWhileOtherPacketsFlowOn) {
  log_in(remote);
  say(remote, Reason::reauthenticate, "first again");
  ASSERT_EQ(requests<AuthRequest>().size(), 2U);
  EXPECT_EQ(request().account, juliet);
  EXPECT_EQ(request().method, method);
  EXPECT_EQ(request().client.address, "192.0.2.1");
  EXPECT_EQ(request().client.name, "192.0.2.1:5000 \"meter\" (juliet@capulet.lit)");
  EXPECT_EQ(request().data->bytes(), "first again");
  remote.send(mqtt::Publish{.topic = "h/utf8/n", .payload = "meanwhile"});
  EXPECT_TRUE(published("meanwhile"));
  reply(remote, Reason::continue_authentication, "challenge");
  EXPECT_EQ(auth(remote).reason, Reason::continue_authentication);
  remote.send(mqtt::Pingreq{});
  EXPECT_EQ(remote.outbox.take(), bytes_of(mqtt::Pingresp{}, Level::mqtt_5));
  say(remote, Reason::continue_authentication, "proof");
  reply(remote, Reason::success, "v=server", std::string(juliet));
  const auto done = auth(remote);
  EXPECT_EQ(done.reason, Reason::success);
  EXPECT_EQ(done.properties.bytes(Id::authentication_method), method);
  EXPECT_EQ(done.properties.bytes(Id::authentication_data), "v=server");
  EXPECT_FALSE(remote.outbox.closed);
  say(remote, Reason::reauthenticate);
  EXPECT_EQ(requests<AuthRequest>().size(), 3U) << "and again";
}

TEST_F(AuthenticationTest, OneExchangeAtATime) {
  log_in(local);
  say(local, Reason::reauthenticate);
  say(local, Reason::reauthenticate);
  EXPECT_EQ(goodbye(local).reason, Reason::protocol_error);
  EXPECT_EQ(requests<AuthRequest>().size(), 2U);
}

TEST_F(AuthenticationTest, AFailureIsOneDisconnectAndTheWillIsPublished) {  // [MQTT5-4.12.1-2]
  for (const auto& [reason, told] :
       {std::pair(Reason::bad_user_name_or_password, Reason::not_authorized),
        std::pair(Reason::not_authorized, Reason::not_authorized),
        std::pair(Reason::bad_authentication_method, Reason::bad_authentication_method),
        std::pair(Reason::server_unavailable, Reason::server_busy)}) {
    Client client(server);
    const std::string payload = "gone " + std::to_string(client.id);
    log_in(client, {.will = mqtt::Publish{.topic = "h/utf8/w", .payload = payload}});
    say(client, Reason::reauthenticate);
    reply(client, reason);
    EXPECT_EQ(goodbye(client).reason, told);
    EXPECT_TRUE(published(payload));
  }
  EXPECT_EQ(ends(), 0U);
}

TEST_F(AuthenticationTest, ALaterExchangeIsCutOffAsWell) {
  log_in(local);
  EXPECT_EQ(local.connection->deadline(), std::nullopt);
  say(local, Reason::reauthenticate, "first", method, seconds(100));
  EXPECT_EQ(local.connection->deadline(), seconds(100) + server.limits.connect_timeout);
  reply(local, Reason::continue_authentication, "challenge");
  local.outbox.take();
  local.connection->expire(seconds(99) + server.limits.connect_timeout);
  EXPECT_FALSE(local.outbox.closed);
  local.connection->expire(seconds(100) + server.limits.connect_timeout);
  EXPECT_EQ(goodbye(local).reason, Reason::not_authorized);
  EXPECT_EQ(ends(), 1U);
}

TEST_F(AuthenticationTest, APasswordBesideAMethodMayNotCrossTheNetworkInTheClear) {
  connect(remote, "first", {.user_name = "juliet", .password = "secret"});
  EXPECT_EQ(connack(remote).reason, Reason::not_authorized);
  EXPECT_TRUE(requests<AuthRequest>().empty());
  connect(local, "first", {.user_name = "juliet", .password = "secret"});
  EXPECT_EQ(requests<AuthRequest>().size(), 1U) << "and is not looked at";
  EXPECT_TRUE(requests<LoginRequest>().empty());
}

TEST_F(AuthenticationTest, AuthThatIsTooLargeForTheClientIsNotSent) {  // [MQTT5-3.1.2-24]
  std::string properties = properties_of(method, "first");
  mqtt::append({.identifier = Id::maximum_packet_size, .value = 30U}, properties);
  local.send(mqtt::Connect{
      .level = Level::mqtt_5, .client_identifier = "meter", .properties = mqtt::Properties(properties)});
  reply(local, Reason::continue_authentication, "a challenge of more than thirty bytes, in any case");
  EXPECT_EQ(connack(local).reason, Reason::packet_too_large);
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_EQ(ends(), 1U);
}

TEST_F(AuthenticationTest, AReplyToAClientThatWasTakenOverDoesNothing) {
  log_in(local);
  say(local, Reason::reauthenticate);
  Client newer(server);
  log_in(newer);
  EXPECT_TRUE(local.outbox.closed);
  local.outbox.take();
  for (const auto reason : {Reason::continue_authentication, Reason::success}) {
    reply(local, reason, "data", std::string(juliet));
    EXPECT_TRUE(local.outbox.take().empty());
  }
  EXPECT_FALSE(newer.outbox.closed);
}

}  // namespace
}  // namespace pubsub_mqtt::session
