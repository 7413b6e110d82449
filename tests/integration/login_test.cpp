// User name and password of CONNECT are those of Prosody's accounts (docs/mapping.md, "Rights").
#include <gtest/gtest.h>

#include <list>

#include "mqtt_client.h"
#include "outside_address.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

constexpr int accepted = 0;
constexpr int unavailable = 3;
constexpr int bad_password = 4;
constexpr int not_authorized = 5;

class Login : public RunningProsody {
 protected:
  int connect_code(const std::string& user_name, const std::string& password) {
    MqttClient client({.port = prosody.mqtt_port(), .user_name = user_name, .password = password});
    return client.connect_code();
  }
};

TEST_F(Login, TheAccountsPasswordIsTheClients) {
  EXPECT_EQ(connect_code("juliet@localhost", account_password), accepted);
  EXPECT_EQ(connect_code("juliet@localhost", "wrong"), bad_password);
}

TEST_F(Login, NobodyElsesNameIsTaken) {
  for (const char* name : {"nobody@localhost", "juliet@elsewhere", "juliet@pubsub.localhost", "@localhost",
                           "juliet@", "juliet@localhost/phone", "localhost", "juliet@localhost@localhost"}) {
    EXPECT_EQ(connect_code(name, account_password), bad_password) << name;
  }
}

TEST_F(Login, TheOnlyVirtualHostNeedNotBeNamed) {
  EXPECT_EQ(connect_code("juliet", account_password), accepted);
  EXPECT_EQ(connect_code("juliet", "wrong"), bad_password);
}

TEST_F(Login, NamesAreNormalisedAsXmppDoes) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("secret", {{"access_model", "whitelist"}});
  admin.set_affiliation("secret", "juliet@localhost", "member");
  MqttClient client(
      {.port = prosody.mqtt_port(), .user_name = "JULIET@LOCALHOST", .password = account_password});
  ASSERT_EQ(client.connect_code(), accepted);
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/secret"), 0);
}

TEST_F(Login, ANameThatNormalisesToAnothersNeedsTheOthersPassword) {
  // U+FF4A FULLWIDTH LATIN SMALL LETTER J is "j" to nodeprep; U+0458 CYRILLIC SMALL LETTER JE is not.
  EXPECT_EQ(connect_code("\xEF\xBD\x8Auliet@localhost", "wrong"), bad_password);
  EXPECT_EQ(connect_code("\xD1\x98uliet@localhost", account_password), bad_password);
}

TEST_F(Login, APasswordIsComparedWhole) {
  RawMqtt client(prosody.mqtt_port());
  const std::string password = std::string(account_password) + '\0' + "and more";
  client.send(
      mqtt::Connect{.client_identifier = "meter", .user_name = "juliet@localhost", .password = password});
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, mqtt::Reason::bad_user_name_or_password);
}

TEST_F(Login, AUserNameWithoutPasswordIsNoLogin) {
  RawMqtt client(prosody.mqtt_port());
  client.send(mqtt::Connect{.client_identifier = "meter", .user_name = "juliet@localhost"});
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, mqtt::Reason::bad_user_name_or_password);
}

TEST_F(Login, AnEmptyUserNameIsAClientWithoutLogin) {
  RawMqtt client(prosody.mqtt_port());
  EXPECT_EQ(connect(client, {.client_identifier = "tahu", .user_name = "", .password = ""}).reason,
            mqtt::Reason::success);
}

TEST_F(Login, WhatCameBehindConnectIsCarriedOutAsTheAccount) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("secret", {{"access_model", "whitelist"}});
  admin.set_affiliation("secret", "juliet@localhost", "publisher");
  RawMqtt client(prosody.mqtt_port());
  std::string bytes;
  mqtt::write(
      mqtt::Connect{
          .client_identifier = "meter", .user_name = "juliet@localhost", .password = account_password},
      bytes);
  mqtt::write(mqtt::Publish{.topic = "pubsub.localhost/json/secret",
                            .payload = "1",
                            .qos = mqtt::QoS::at_least_once,
                            .packet_identifier = 1},
              bytes);
  client.send_bytes(bytes);
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  EXPECT_EQ(client.read_packet<mqtt::Puback>().packet_identifier, 1);
  ASSERT_EQ(admin.items("secret").size(), 1U);
}

TEST_F(Login, ThePasswordIsInNoLogLine) {
  connect_code("juliet@localhost", "a very secret password");
  connect_code("juliet@localhost", account_password);
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("a very secret password"), 0U);
  EXPECT_GT(prosody.log().count("juliet@localhost"), 0U);
}

TEST_F(Login, ManyThatFailAreOneLineForEachReason) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(connect_code("guess" + std::to_string(i) + "@localhost", "guess"), bad_password);
    EXPECT_EQ(connect_code("nobody@elsewhere", "guess"), bad_password);
  }
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("info\t.*login as guess0@localhost failed: wrong user name or password"), 1U);
  EXPECT_EQ(prosody.log().count("info\t.*login failed: the user name is no account of this server"), 1U);
  EXPECT_EQ(prosody.log().count("info\t.*login.* failed: "), 2U);
  EXPECT_EQ(prosody.log().count("debug\t.*login as guess.* failed: "), 19U) << "for who looks for them";
}

// The password of an account that exists takes longer to check: the answer does not come before that.
TEST_F(Login, TheTimeOfARefusalDoesNotTellWhetherTheAccountExists) {
  for (const char* user_name : {"juliet@localhost", "nobody@localhost", "nobody@elsewhere"}) {
    const auto start = Clock::now();
    EXPECT_EQ(connect_code(user_name, "wrong"), bad_password);
    EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(95)) << user_name;
  }
}

TEST_F(Login, TheSameClientIdentifierUnderTwoAccountsIsTwoClients) {
  MqttClient juliet({.port = prosody.mqtt_port(),
                     .client_identifier = "phone",
                     .user_name = "juliet@localhost",
                     .password = account_password});
  MqttClient romeo({.port = prosody.mqtt_port(),
                    .client_identifier = "phone",
                    .user_name = "romeo@localhost",
                    .password = account_password});
  MqttClient nobody({.port = prosody.mqtt_port(), .client_identifier = "phone"});
  for (MqttClient* client : {&juliet, &romeo, &nobody}) {
    EXPECT_EQ(client->subscribe("pubsub.localhost/json/node"), 0);
    EXPECT_TRUE(client->connected());
  }
}

TEST_F(Login, ADeletedAccountLosesItsConnectionAndItsSession) {
  const mqtt::Connect connect_packet{
      .clean_session = false,
      .client_identifier = "meter",
      .will = mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "gone"},
      .user_name = "juliet@localhost",
      .password = account_password};
  MqttClient witness(prosody.mqtt_port());
  ASSERT_EQ(witness.subscribe("pubsub.localhost/json/node"), 0);
  RawMqtt client(prosody.mqtt_port());
  ASSERT_EQ(connect(client, connect_packet).reason, mqtt::Reason::success);
  prosody.shell(R"(user:delete("juliet@localhost"))");
  client.wait_for_close();
  EXPECT_TRUE(witness.messages_so_far().empty()) << "the will is nobody's";
  prosody.shell(R"(user:create("juliet@localhost", "secret"))");
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(connect(again, connect_packet), mqtt::Connack{});
}

TEST_F(Login, ANewPasswordClosesTheConnectionAndKeepsTheSession) {
  mqtt::Connect packet{.clean_session = false,
                       .client_identifier = "meter",
                       .user_name = "juliet@localhost",
                       .password = account_password};
  RawMqtt client(prosody.mqtt_port());
  ASSERT_EQ(connect(client, packet).reason, mqtt::Reason::success);
  prosody.shell(R"(user:password("juliet@localhost", "new"))");
  client.wait_for_close();
  RawMqtt old(prosody.mqtt_port());
  EXPECT_EQ(connect(old, packet).reason, mqtt::Reason::bad_user_name_or_password);
  packet.password = "new";
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(connect(again, packet), (mqtt::Connack{.session_present = true}));
}

// The events that tell of it; AccountShell does it for real, where Prosody can.
TEST_F(Login, ADisabledAccountIsClosedAndHearsNothingOfThatTime) {
  const auto tell = [&](const std::string& event) {
    prosody.shell(">prosody.events.fire_event(\"" + event +
                  R"(", { username = "juliet", host = "localhost" }))");
  };
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  const mqtt::Connect packet{.clean_session = false,
                             .client_identifier = "meter",
                             .user_name = "juliet@localhost",
                             .password = account_password};
  RawMqtt client(prosody.mqtt_port());
  ASSERT_EQ(connect(client, packet).reason, mqtt::Reason::success);
  client.subscribe("pubsub.localhost/utf8/node", mqtt::QoS::at_least_once);
  tell("user-disabled");
  client.wait_for_close();
  admin.publish("node", "1", "<data xmlns='https://prosody.im/protocol/mqtt'>unheard</data>");
  tell("user-enabled");
  admin.publish("node", "2", "<data xmlns='https://prosody.im/protocol/mqtt'>heard</data>");
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(connect(again, packet), (mqtt::Connack{.session_present = true}));
  EXPECT_EQ(next_message(again).payload, "heard");
}

// What an administrator does to an account at Prosody's shell.
class AccountShell : public testing::Test {
 protected:
  AccountShell() {
    // The provider of Prosody's that can disable accounts.
    prosody.start({.virtual_host = "authentication = \"internal_hashed\""});
    prosody.shell(R"(user:create("meter@localhost", "secret"))");
  }

  Prosody prosody;
  const mqtt::Connect meter{.clean_session = false,
                            .client_identifier = "meter",
                            .user_name = "meter@localhost",
                            .password = account_password};
};

// Prosody 0.12 says that it has no such command, and nothing happens.
TEST_F(AccountShell, ADisabledAccountIsClosedAndRefusedAndHearsNothingOfThatTime) {
  RawMqtt client(prosody.mqtt_port());
  ASSERT_EQ(connect(client, meter).reason, mqtt::Reason::success);
  client.subscribe(topic, mqtt::QoS::at_least_once);
  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  const auto tell = [&](std::string_view news) {
    publish(publisher, {.topic = topic, .payload = news, .qos = mqtt::QoS::at_least_once});
  };
  const std::string answer = prosody.shell(R"(user:disable("meter@localhost"))");
  if (prosody.is_0_12()) {
    EXPECT_EQ(answer.find("User disabled"), std::string::npos) << answer;
    tell("heard");
    EXPECT_EQ(next_message(client).payload, "heard");
    RawMqtt again(prosody.mqtt_port());
    EXPECT_EQ(connect(again, meter), (mqtt::Connack{.session_present = true}));
    return;
  }
  EXPECT_NE(answer.find("User disabled"), std::string::npos) << answer;
  client.wait_for_close();
  RawMqtt refused(prosody.mqtt_port());
  EXPECT_EQ(connect(refused, meter).reason, mqtt::Reason::not_authorized);
  prosody.log().wait_for("login as meter@localhost failed: the account is disabled");
  tell("unheard");
  prosody.shell(R"(user:enable("meter@localhost"))");
  tell("heard");
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(connect(again, meter), (mqtt::Connack{.session_present = true}));
  EXPECT_EQ(next_message(again).payload, "heard");
}

// On Prosody 0.12 a user of "localhost" has a set of roles, on 13 a primary role and others.
TEST_F(AccountShell, ANewRoleClosesNobody) {
  RawMqtt client(prosody.mqtt_port());
  ASSERT_EQ(connect(client, meter).reason, mqtt::Reason::success);
  client.subscribe(topic);
  const std::vector<std::string> commands =
      prosody.is_0_12()
          ? std::vector<std::string>{R"(user:setroles("meter@localhost", "localhost", { "prosody:admin" }))"}
          : std::vector<std::string>{R"(user:set_role("meter@localhost", "prosody:member"))",
                                     R"(user:addrole("meter@localhost", "prosody:admin"))",
                                     R"(user:delrole("meter@localhost", "prosody:admin"))"};
  MqttClient publisher(prosody.mqtt_port());
  for (const std::string& command : commands) {
    const std::string answer = prosody.shell(command);
    EXPECT_EQ(answer.find("Error"), std::string::npos) << answer;
    publisher.publish(topic, command);
    EXPECT_EQ(next_message(client).payload, command);
  }
}

TEST(LoginSettings, UsersOfAHostThatIsDeactivatedAreClosed) {
  Prosody prosody;
  prosody.start({.more_hosts = "\nVirtualHost \"second.localhost\"\nauthentication = \"harness\""});
  const auto connected_as = [&](RawMqtt& client, std::string_view user_name) {
    return connect(client, {.client_identifier = user_name, .user_name = user_name, .password = "secret"})
        .reason;
  };
  RawMqtt first(prosody.mqtt_port());
  RawMqtt second(prosody.mqtt_port());
  ASSERT_EQ(connected_as(first, "juliet@localhost"), mqtt::Reason::success);
  ASSERT_EQ(connected_as(second, "juliet@second.localhost"), mqtt::Reason::success);
  prosody.shell(R"(host:deactivate("second.localhost"))");
  second.wait_for_close();
  first.ping();
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(connected_as(again, "juliet@second.localhost"), mqtt::Reason::bad_user_name_or_password);
}

TEST(LoginSettings, TwoVirtualHostsNeedANameOrMqttUserHost) {
  const std::string second = "\nVirtualHost \"second.localhost\"\nauthentication = \"harness\"";
  Prosody prosody;
  prosody.start({.more_hosts = second});
  const auto connect_code = [&](const std::string& user_name) {
    return MqttClient({.port = prosody.mqtt_port(), .user_name = user_name, .password = account_password})
        .connect_code();
  };
  EXPECT_EQ(connect_code("juliet"), bad_password);
  prosody.log().wait_for("login failed: the user name has no host: set mqtt_user_host");
  EXPECT_EQ(connect_code("juliet@localhost"), accepted);
  prosody.stop();
  prosody.start({.global = "mqtt_user_host = \"pubsub.localhost\"", .more_hosts = second});
  EXPECT_EQ(connect_code("juliet"), bad_password);
  prosody.log().wait_for(
      "login failed: the user name has no host, and mqtt_user_host = pubsub.localhost is no VirtualHost");
  prosody.stop();
  prosody.start({.global = "mqtt_user_host = \"localhost\"", .more_hosts = second});
  EXPECT_EQ(connect_code("juliet"), accepted);
  EXPECT_EQ(connect_code("nobody"), bad_password);
}

TEST(LoginSettings, AClockThatIsSetBackRefusesNobody) {
  Prosody prosody;
  prosody.start({.global = R"(
    local time = require "util.time"
    local now = time.now
    time.now = function () return now() + (time.offset or 0) end)"});
  const auto connect_code = [&] {
    return MqttClient(
               {.port = prosody.mqtt_port(), .user_name = "juliet@localhost", .password = account_password})
        .connect_code();
  };
  ASSERT_EQ(connect_code(), accepted);
  prosody.shell(">require('util.time').offset = -3600");
  EXPECT_EQ(connect_code(), accepted);
}

class LoginWithProvider : public testing::Test {
 protected:
  void start(const std::string& global = "") { prosody.start({.global = global, .virtual_host = provider}); }
  RawMqtt ask(const std::string& user_name) {
    RawMqtt client(prosody.mqtt_port());
    client.send(mqtt::Connect{.client_identifier = user_name, .user_name = user_name, .password = "secret"});
    return client;
  }

  static constexpr const char* provider = "authentication = \"harness\"";
  Prosody prosody;
};

TEST_F(LoginWithProvider, ASlowOneIsWaitedForAndNobodyElseWaits) {
  start();
  RawMqtt slow = ask("slow");
  prosody.log().wait_for("slow waits");
  RawMqtt juliet = ask("juliet");
  EXPECT_EQ(juliet.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  prosody.shell(">prosody.events.fire_event(\"answer-slow\")");
  EXPECT_EQ(slow.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
}

TEST_F(LoginWithProvider, ATooSlowOneIsUnavailable) {
  start("mqtt_connect_timeout = 1");
  RawMqtt slow = ask("slow");
  EXPECT_EQ(slow.read_packet<mqtt::Connack>().reason, mqtt::Reason::server_unavailable);
  slow.wait_for_close();
  prosody.shell(">prosody.events.fire_event(\"answer-slow\")");  // nobody waits for it
  prosody.reload({.virtual_host = provider});
  RawMqtt juliet = ask("juliet");
  EXPECT_EQ(juliet.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
}

TEST_F(LoginWithProvider, OneThatFailsIsUnavailable) {
  start();
  RawMqtt broken = ask("broken");
  EXPECT_EQ(broken.read_packet<mqtt::Connack>().reason, mqtt::Reason::server_unavailable);
  prosody.log().wait_for("error\tThe authentication provider failed: .*the directory is down");
  RawMqtt juliet = ask("juliet");
  EXPECT_EQ(juliet.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
}

TEST(LoginSettings, HashedPasswordsAreChecked) {
  Prosody prosody;
  prosody.start({.virtual_host = "authentication = \"internal_hashed\""});
  prosody.shell(R"(user:create("meter@localhost", "hashed"))");
  const auto connect_code = [&](const std::string& password) {
    return MqttClient({.port = prosody.mqtt_port(), .user_name = "meter@localhost", .password = password})
        .connect_code();
  };
  EXPECT_EQ(connect_code("hashed"), accepted);
  EXPECT_EQ(connect_code("wrong"), bad_password);
}

class LoginFromOutside : public testing::Test {
 protected:
  void start(const std::string& global, const std::string& virtual_host = "") {
    // The harness allows XMPP's clients what we look at.
    prosody.start(
        {.global = "mqtt_interfaces = { \"0.0.0.0\" }\nallow_unencrypted_plain_auth = false\n" + global,
         .virtual_host = virtual_host});
  }
  int connect_code(const std::string& user_name) {
    MqttClient client({.port = prosody.mqtt_port(),
                       .host = outside_address(),
                       .client_identifier = "outsider",
                       .user_name = user_name,
                       .password = account_password});
    return client.connect_code();
  }

  Prosody prosody;
};

TEST_F(LoginFromOutside, NobodyIsAnonymousUnlessConfigured) {
  start("");
  EXPECT_EQ(connect_code(""), not_authorized);
  prosody.log().wait_for("outsider.*mqtt_allow_anonymous");
  EXPECT_EQ(MqttClient(prosody.mqtt_port()).connect_code(), accepted) << "from loopback";
}

TEST_F(LoginFromOutside, MqttAllowAnonymousTrueLetsThemIn) {
  start("mqtt_allow_anonymous = true");
  EXPECT_EQ(connect_code(""), accepted);
}

TEST_F(LoginFromOutside, MqttAllowAnonymousFalseShutsLoopbackOutToo) {
  start("mqtt_allow_anonymous = false");
  EXPECT_EQ(connect_code(""), not_authorized);
  EXPECT_EQ(MqttClient(prosody.mqtt_port()).connect_code(), not_authorized);
}

TEST_F(LoginFromOutside, NoPasswordGoesInTheClear) {
  start("");
  EXPECT_EQ(connect_code("juliet@localhost"), not_authorized);
  prosody.log().wait_for("outsider.*use TLS.*mqtt_require_encryption = false");
}

TEST_F(LoginFromOutside, UnlessMqttRequireEncryptionSaysSoWhichIsNotForClientsWithoutLogin) {
  start("mqtt_require_encryption = false");
  EXPECT_EQ(connect_code("juliet@localhost"), accepted);
  EXPECT_EQ(connect_code(""), not_authorized);
}

TEST_F(LoginFromOutside, UnlessAllowUnencryptedPlainAuthSaysSo) {
  start("allow_unencrypted_plain_auth = true");
  EXPECT_EQ(connect_code("juliet@localhost"), accepted);
}

TEST_F(LoginFromOutside, AVirtualHostMayForbidWhatTheOthersAllow) {
  start("allow_unencrypted_plain_auth = true", "allow_unencrypted_plain_auth = false");
  EXPECT_EQ(connect_code("juliet@localhost"), not_authorized);
  prosody.log().wait_for(
      "outsider.*allow_unencrypted_plain_auth of localhost.*use TLS.*mqtt_require_encryption");
  MqttClient from_loopback(
      {.port = prosody.mqtt_port(), .user_name = "juliet@localhost", .password = account_password});
  EXPECT_EQ(from_loopback.connect_code(), accepted);
}

// Who guesses from loopback here, may guess from anywhere.
TEST_F(LoginFromOutside, WhoHasLoggedInBeforeIsNotLockedOutByOthersGuesses) {
  start("allow_unencrypted_plain_auth = true");
  ASSERT_EQ(connect_code("romeo@localhost"), accepted);
  std::list<RawMqtt> attackers;
  for (int i = 0; i < 12; ++i) {
    attackers.emplace_back(prosody.mqtt_port());
    attackers.back().send(
        mqtt::Connect{.client_identifier = "guess", .user_name = "romeo@localhost", .password = "guess"});
  }
  prosody.log().wait_for("Too many failed logins of account romeo@localhost");
  MqttClient locked_out(
      {.port = prosody.mqtt_port(), .user_name = "romeo@localhost", .password = account_password});
  EXPECT_EQ(locked_out.connect_code(), unavailable);
  EXPECT_EQ(connect_code("romeo@localhost"), accepted);
}

TEST_F(LoginWithProvider, WhatItSaidBeforeTheAccountChangedIsWorthNothing) {
  start();
  RawMqtt slow = ask("slow");
  prosody.log().wait_for("slow waits");
  prosody.shell(
      R"(>prosody.events.fire_event("user-password-changed", { username = "slow", host = "localhost" }))");
  prosody.shell(">prosody.events.fire_event(\"answer-slow\")");
  EXPECT_EQ(slow.read_packet<mqtt::Connack>().reason, mqtt::Reason::server_unavailable);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
