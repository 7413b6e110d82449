// Who a client is: with which account it acts, and what becomes of it when the account changes.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::Reason;
using std::chrono::seconds;

std::string refused(Reason code) { return bytes_of(mqtt::Connack{.reason = code}); }

mqtt::Connect as(std::string_view user_name, std::string_view client_identifier = "meter") {
  return {.client_identifier = client_identifier, .user_name = user_name, .password = "secret"};
}

class LoginTest : public ::testing::Test {
 protected:
  // Prosody was asked this often, and this last.
  std::size_t asked() const {
    return static_cast<std::size_t>(
        std::count_if(server.requests.begin(), server.requests.end(),
                      [](const Request& request) { return std::holds_alternative<LoginRequest>(request); }));
  }
  const LoginRequest& request() const {
    const LoginRequest* last = nullptr;
    for (const auto& each : server.requests) {
      if (const auto* login = std::get_if<LoginRequest>(&each)) last = login;
    }
    return *last;
  }

  void reply(Client& client, mqtt::Reason reason, std::string account = {}) {
    server.sessions.handle(
        LoginReply{.connection = client.id, .reason = reason, .account = std::move(account)});
    client.note_session();
  }

  // Connected, as an account, from loopback.
  void log_in(Client& client, const std::string& account, bool clean = false, std::string_view will = {}) {
    mqtt::Connect connect = as("user");
    connect.clean_session = clean;
    if (!will.empty()) connect.will = mqtt::Publish{.topic = "h/utf8/w", .payload = will};
    client.send(connect);
    reply(client, mqtt::Reason::success, account);
  }

  bool published(std::string_view payload) const {
    for (const auto& publish : server.requested<PublishRequest>()) {
      if (publish.publication.payload == payload) return true;
    }
    return false;
  }

  Server server;
  Client local{server};
  Client remote{server, elsewhere(false)};
  Client remote_tls{server, elsewhere(true)};
};

TEST_F(LoginTest, FromLoopbackNoneIsNeeded) {
  local.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(local.outbox.take(), accepted);
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(server.clients(), (std::vector<std::string>{"127.0.0.1:5000 \"meter\""}));
}

TEST_F(LoginTest, FromElsewhereNobodyIsAnonymous) {
  for (Client* client : {&remote, &remote_tls}) {
    client->send(mqtt::Connect{.client_identifier = "meter"});
    EXPECT_EQ(client->outbox.take(), refused(Reason::not_authorized));
    EXPECT_TRUE(client->outbox.closed);
  }
  EXPECT_EQ(server.lines("mqtt_allow_anonymous"), 2U);
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(LoginTest, AnonymousClientsAreLetInFromEverywhereOrNowhere) {
  server.limits.anonymous = Anonymous::from_everywhere;
  remote.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(remote.outbox.take(), accepted);
  server.limits.anonymous = Anonymous::from_nowhere;
  local.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(local.outbox.take(), refused(Reason::not_authorized));
  EXPECT_TRUE(server.logged("mqtt_allow_anonymous = false"));
}

TEST_F(LoginTest, APasswordMayNotCrossTheNetworkInTheClear) {
  remote.send(as("juliet"));
  EXPECT_EQ(remote.outbox.take(), refused(Reason::not_authorized));
  EXPECT_TRUE(remote.outbox.closed);
  EXPECT_EQ(asked(), 0U);
  EXPECT_TRUE(server.logged("mqtt_require_encryption = false"));
  EXPECT_FALSE(server.logged("secret"));
}

TEST_F(LoginTest, APasswordMayDoSoWhereProsodyLetsIt) {
  server.limits.passwords_in_the_clear = true;
  remote.send(as("juliet"));
  EXPECT_EQ(asked(), 1U);
}

TEST_F(LoginTest, APasswordMayComeEncryptedOrFromLoopback) {
  remote_tls.send(as("juliet"));
  EXPECT_EQ(asked(), 1U);
  local.send(as("juliet"));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(LoginTest, ProsodyIsToldWhatItNeedsToDecide) {
  remote_tls.connection->set_certificate(
      {.xmpp_addresses = {"juliet@capulet.lit"}, .dns_names = {}, .emails = {}});
  remote_tls.send(as("juliet"));
  ASSERT_EQ(asked(), 1U);
  EXPECT_EQ(request().client.connection, remote_tls.id);
  EXPECT_EQ(request().client.name, "192.0.2.1:5000 \"meter\"");
  EXPECT_EQ(request().client.address, "192.0.2.1");
  EXPECT_FALSE(request().client.is_loopback);
  EXPECT_EQ(request().client.user_name, "juliet");
  ASSERT_TRUE(request().password.has_value());
  EXPECT_EQ(request().password->bytes(), "secret");
  EXPECT_EQ(request().client.certificate.xmpp_addresses, std::vector<std::string>{"juliet@capulet.lit"});
}

TEST_F(LoginTest, AUserNameMayComeWithoutAPassword) {
  local.send(mqtt::Connect{.client_identifier = "meter", .user_name = "juliet"});
  ASSERT_EQ(asked(), 1U);
  EXPECT_TRUE(request().client.is_loopback);
  EXPECT_EQ(request().client.user_name, "juliet");
  EXPECT_FALSE(request().password.has_value());
}

TEST_F(LoginTest, AnEmptyUserNameIsNone) {
  local.send(mqtt::Connect{.client_identifier = "meter", .user_name = ""});
  EXPECT_EQ(local.outbox.take(), accepted);
  remote.send(mqtt::Connect{.client_identifier = "meter", .user_name = "", .password = ""});
  EXPECT_EQ(remote.outbox.take(), refused(Reason::not_authorized));
  EXPECT_TRUE(server.logged("no user name"));
  remote_tls.connection->set_certificate(
      {.xmpp_addresses = {"juliet@capulet.lit"}, .dns_names = {}, .emails = {}});
  remote_tls.send(mqtt::Connect{.client_identifier = "meter", .user_name = ""});
  ASSERT_EQ(asked(), 1U);
  EXPECT_FALSE(request().client.user_name.has_value()) << "the certificate says who it is";
}

TEST_F(LoginTest, ACertificateWithoutAUserNameIsALogin) {
  remote_tls.connection->set_certificate(
      {.xmpp_addresses = {}, .dns_names = {"meter.capulet.lit"}, .emails = {}});
  remote_tls.send(mqtt::Connect{.client_identifier = "meter"});
  ASSERT_EQ(asked(), 1U);
  EXPECT_FALSE(request().client.user_name.has_value());
  EXPECT_EQ(request().client.certificate.dns_names, std::vector<std::string>{"meter.capulet.lit"});
}

TEST_F(LoginTest, ACertificateWithoutNamesIsNone) {
  remote_tls.connection->set_certificate({});
  remote_tls.send(mqtt::Connect{.client_identifier = "meter"});
  EXPECT_EQ(asked(), 0U);
  EXPECT_TRUE(remote_tls.outbox.closed);
}

TEST_F(LoginTest, NothingIsReadOrAnsweredBeforeTheReply) {
  local.send(as("juliet"));
  local.send(mqtt::Publish{.topic = "h/utf8/n", .payload = "1"});
  local.send(mqtt::Pingreq{});
  EXPECT_TRUE(local.outbox.written.empty());
  EXPECT_FALSE(local.outbox.closed);
  EXPECT_FALSE(local.unread.empty());
  EXPECT_EQ(server.sessions.size(), 0U);
  EXPECT_TRUE(server.requested<PublishRequest>().empty());
}

TEST_F(LoginTest, WhatCameBehindConnectIsCarriedOutAfterTheReply) {
  local.receive(bytes_of(as("juliet")) + bytes_of(mqtt::Publish{.topic = "h/utf8/n", .payload = "1"}) +
                bytes_of(mqtt::Pingreq{}));
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  EXPECT_EQ(local.outbox.resumed, 1);
  local.read_on();
  EXPECT_EQ(local.outbox.take(), accepted + bytes_of(mqtt::Pingresp{}));
  EXPECT_TRUE(published("1"));
  EXPECT_TRUE(local.unread.empty());
}

TEST_F(LoginTest, TheSessionIsTheAccounts) {
  local.send(as("juliet"));
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  EXPECT_EQ(local.outbox.take(), accepted);
  local.send(mqtt::Publish{.topic = "h/utf8/n"});
  ASSERT_EQ(server.requested<OpenSession>().size(), 1U);
  EXPECT_EQ(server.requested<OpenSession>()[0].account, "juliet@capulet.lit");
  EXPECT_EQ(server.requested<OpenSession>()[0].client, "127.0.0.1:5000 \"meter\" (juliet@capulet.lit)");
}

TEST_F(LoginTest, WhatConnectSaidIsKeptUntilTheReply) {
  mqtt::Connect connect = as("juliet", "a client identifier that no short string holds");
  connect.clean_session = false;
  connect.keep_alive = 10;
  connect.will = mqtt::Publish{.topic = "h/utf8/a topic that no short string holds",
                               .payload = "a message that no short string holds",
                               .qos = mqtt::QoS::at_least_once,
                               .retain = true};
  {
    std::string bytes = bytes_of(connect);
    std::string_view left = bytes;
    local.connection->receive(left, Time{0});
    bytes.assign(bytes.size(), '?');
  }
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  EXPECT_EQ(local.connection->deadline(), seconds(15));
  EXPECT_TRUE(server.logged("a client identifier that no short string holds"));
  local.lose();
  ASSERT_EQ(server.requested<PublishRequest>().size(), 1U);
  const auto will = server.requested<PublishRequest>()[0];
  EXPECT_EQ(will.publication.topic, "h/utf8/a topic that no short string holds");
  EXPECT_EQ(will.publication.payload, "a message that no short string holds");
  EXPECT_EQ(will.publication.envelope.qos, mqtt::QoS::at_least_once);
  EXPECT_TRUE(will.publication.envelope.retain);
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(LoginTest, ARefusalIsPassedOnAndCloses) {
  const std::vector<std::pair<mqtt::Reason, Reason>> answers{
      {mqtt::Reason::server_unavailable, Reason::server_unavailable},
      {mqtt::Reason::bad_user_name_or_password, Reason::bad_user_name_or_password},
      {mqtt::Reason::not_authorized, Reason::not_authorized}};
  for (const auto& [reason, code] : answers) {
    Client client(server);
    client.send(as("juliet"));
    client.send(mqtt::Publish{.topic = "h/utf8/n"});
    reply(client, reason);
    EXPECT_EQ(client.outbox.take(), refused(code));
    EXPECT_TRUE(client.outbox.closed);
    client.read_on();
  }
  EXPECT_EQ(server.sessions.size(), 0U);
  EXPECT_TRUE(server.requested<PublishRequest>().empty());
}

TEST_F(LoginTest, ARefusedClientDisturbsNobodyOfThatName) {  // [MQTT-3.1.4-2] is for who may connect
  log_in(local, "juliet@capulet.lit");
  Client impostor(server);
  impostor.send(as("juliet"));
  EXPECT_FALSE(local.outbox.closed);
  reply(impostor, mqtt::Reason::bad_user_name_or_password);
  EXPECT_FALSE(local.outbox.closed);
}

TEST_F(LoginTest, ARefusedClientHasNoWill) {
  mqtt::Connect connect = as("juliet");
  connect.will = mqtt::Publish{.topic = "h/utf8/w", .payload = "gone"};
  local.send(connect);
  reply(local, mqtt::Reason::not_authorized);
  local.lose();
  EXPECT_FALSE(published("gone"));
}

TEST_F(LoginTest, AReplyToAConnectionThatHasGoneDoesNothing) {
  local.send(as("juliet"));
  local.lose();
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  EXPECT_TRUE(local.outbox.written.empty());
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(LoginTest, ASecondReplyDoesNothing) {
  local.send(as("juliet"));
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  local.outbox.take();
  reply(local, mqtt::Reason::not_authorized);
  EXPECT_TRUE(local.outbox.take().empty());
  EXPECT_FALSE(local.outbox.closed);
}

TEST_F(LoginTest, ADecisionThatTakesTooLongIsNone) {
  local.send(as("juliet"), seconds(2));
  EXPECT_EQ(local.connection->deadline(), seconds(2) + server.limits.connect_timeout);
  local.connection->expire(seconds(2) + server.limits.connect_timeout - Time(1));
  EXPECT_FALSE(local.outbox.closed);
  local.connection->expire(seconds(2) + server.limits.connect_timeout);
  EXPECT_EQ(local.outbox.take(), refused(Reason::server_unavailable));
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_TRUE(server.logged("mqtt_connect_timeout"));
  reply(local, mqtt::Reason::success, "juliet@capulet.lit");
  EXPECT_TRUE(local.outbox.take().empty());
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(LoginTest, TheSameIdentifierUnderTwoAccountsIsTwoSessions) {
  log_in(local, "juliet@capulet.lit");
  Client romeo(server);
  log_in(romeo, "romeo@montague.lit");
  Client nobody(server);
  nobody.connect_again("meter");
  EXPECT_FALSE(local.outbox.closed);
  EXPECT_FALSE(romeo.outbox.closed);
  EXPECT_EQ(romeo.outbox.take(), accepted);
  EXPECT_EQ(nobody.outbox.take(), accepted);
  EXPECT_EQ(server.sessions.size(), 3U);

  // Nor does one get the other's when it has gone.
  romeo.lose();
  Client juliet_again(server);
  log_in(juliet_again, "juliet@capulet.lit");
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_EQ(juliet_again.outbox.take(), session_present);
  EXPECT_EQ(juliet_again.session(), local.session());
  EXPECT_FALSE(nobody.outbox.closed);
}

TEST_F(LoginTest, AnAccountAndAnIdentifierAreNotReadAsOne) {
  mqtt::Connect connect = as("user", "bc");
  connect.clean_session = false;
  local.send(connect);
  reply(local, mqtt::Reason::success, "a");
  Client other(server);
  connect.client_identifier = "c";
  other.send(connect);
  reply(other, mqtt::Reason::success, "ab");
  EXPECT_EQ(other.outbox.take(), accepted);
  EXPECT_FALSE(local.outbox.closed);
}

TEST_F(LoginTest, AClosedAccountsConnectionsAreClosedAndItsSessionsStay) {
  log_in(local, "juliet@capulet.lit", false, "gone");
  Client romeo(server);
  log_in(romeo, "romeo@montague.lit");
  server.sessions.handle(CloseAccount{.account = "juliet@capulet.lit", .was_deleted = false});
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_FALSE(romeo.outbox.closed);
  EXPECT_TRUE(published("gone"));
  EXPECT_EQ(server.sessions.size(), 2U);
  Client again(server);
  log_in(again, "juliet@capulet.lit");
  EXPECT_EQ(again.outbox.take(), session_present);
}

TEST_F(LoginTest, ADeletedAccountHasNoSessionsAndNoWills) {
  log_in(local, "juliet@capulet.lit", false, "gone");
  Client clean(server);
  clean.send(as("user", "clean"));
  reply(clean, mqtt::Reason::success, "juliet@capulet.lit");
  Client away(server);
  mqtt::Connect connect = as("user", "away");
  connect.clean_session = false;
  away.send(connect);
  reply(away, mqtt::Reason::success, "juliet@capulet.lit");
  away.lose();
  Client romeo(server);
  log_in(romeo, "romeo@montague.lit");

  server.sessions.handle(CloseAccount{.account = "juliet@capulet.lit", .was_deleted = true});
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_TRUE(clean.outbox.closed);
  EXPECT_FALSE(romeo.outbox.closed);
  EXPECT_FALSE(published("gone"));
  EXPECT_EQ(server.sessions.size(), 1U);
  local.lose();
  EXPECT_FALSE(published("gone"));
  Client again(server);
  log_in(again, "juliet@capulet.lit");
  EXPECT_EQ(again.outbox.take(), accepted);
}

TEST_F(LoginTest, AHostThatHasGoneClosesItsAccountsConnectionsAndNoOthers) {
  log_in(local, "juliet@capulet.lit", false, "gone");
  Client guest(server);
  log_in(guest, "guest@sub.capulet.lit");
  server.sessions.handle(CloseHost{.host = "capulet.lit"});
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_TRUE(published("gone"));
  EXPECT_FALSE(guest.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 2U);
}

TEST_F(LoginTest, ACertificateWithoutAnAccountIsNoWayAroundTheLogin) {
  Client outside(
      server, {.address = "192.0.2.1", .name = "192.0.2.1:5000", .is_loopback = false, .is_encrypted = true});
  CertificateNames names;
  names.dns_names = {"meter.example.org"};
  outside.connection->set_certificate(names);
  outside.send(mqtt::Connect{.client_identifier = "meter"});
  reply(outside, mqtt::Reason::success, "");
  EXPECT_EQ(outside.outbox.take(), bytes_of(mqtt::Connack{.reason = Reason::not_authorized}));
  EXPECT_TRUE(outside.outbox.closed);
}

TEST_F(LoginTest, TheAdministratorClosesAConnection) {
  log_in(local, "juliet@capulet.lit", false, "gone");
  const SessionId session = local.session();
  server.sessions.handle(CloseConnection{.session = session});
  EXPECT_TRUE(local.outbox.closed);
  EXPECT_TRUE(published("gone"));
  EXPECT_EQ(server.sessions.size(), 1U);
  EXPECT_TRUE(server.logged("closed by the administrator"));
  // Once: there is none any more.
  server.sessions.handle(CloseConnection{.session = session});
  EXPECT_EQ(server.lines("closed by the administrator"), 1U);
}

// Whoever can connect, can be refused as often as he likes.
class RefusedConnectsTest : public LoginTest {
 protected:
  void refuse(int times, Time at, Peer from = elsewhere(true)) {
    for (int i = 0; i < times; ++i) {
      Client(server, from, at).send(mqtt::Connect{.client_identifier = "client " + std::to_string(i)}, at);
    }
  }
  std::vector<std::string> lines(LogLevel level) const {
    std::vector<std::string> found;
    for (const auto& line : server.log) {
      if (line.level == level) found.push_back(line.text);
    }
    return found;
  }
};

using Lines = std::vector<std::string>;

constexpr const char* no_user_name =
    "no user name: clients without login are let in from loopback only, unless mqtt_allow_anonymous = true";
constexpr const char* in_the_clear =
    "a user name on an unencrypted connection: use TLS (mqtt_tls_ports), or set "
    "mqtt_require_encryption = false";

TEST_F(RefusedConnectsTest, AreOneLineAndACountAMinute) {
  refuse(500, seconds(1));
  const std::string first = "192.0.2.1:5000 \"client 0\": closed: " + std::string(no_user_name);
  EXPECT_EQ(lines(LogLevel::info), Lines{first});
  EXPECT_EQ(lines(LogLevel::debug).size(), 499U) << "the others, for who looks for one of them";
  server.sessions.expire(seconds(60));
  EXPECT_EQ(lines(LogLevel::info).size(), 1U);
  server.sessions.expire(seconds(61));
  EXPECT_EQ(lines(LogLevel::info), (Lines{first, "500 CONNECTs were refused: " + std::string(no_user_name)}));
  refuse(1, seconds(62));
  EXPECT_EQ(lines(LogLevel::info).back(), first);
}

TEST_F(RefusedConnectsTest, DoNotHideThoseOfAnotherReason) {
  refuse(10, seconds(1));
  for (int i = 0; i < 10; ++i) {
    Client(server, elsewhere(false), seconds(1)).send(as("juliet"), seconds(1));
  }
  EXPECT_EQ(lines(LogLevel::warn), Lines{"192.0.2.1:5000 \"meter\": closed: " + std::string(in_the_clear)});
  server.sessions.expire(seconds(61));
  EXPECT_EQ(lines(LogLevel::warn).back(), "10 CONNECTs were refused: " + std::string(in_the_clear));
  EXPECT_EQ(lines(LogLevel::info).back(), "10 CONNECTs were refused: " + std::string(no_user_name));
}

}  // namespace
}  // namespace pubsub_mqtt::session
