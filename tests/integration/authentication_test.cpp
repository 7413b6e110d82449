// SCRAM against XMPP accounts in MQTT 5.0's enhanced authentication (docs/security.md, "SCRAM").
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "held_up.h"
#include "order_of_arrival.h"
#include "outside_address.h"
#include "patience.h"
#include "raw_mqtt.h"
#include "running_prosody.h"
#include "scram.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

using Id = mqtt::PropertyIdentifier;
using mqtt::Reason;

std::string authentication_properties(const std::string& method, std::optional<std::string_view> data) {
  std::string properties;
  mqtt::append({.identifier = Id::authentication_method, .value = std::string_view(method)}, properties);
  if (data) mqtt::append({.identifier = Id::authentication_data, .value = *data}, properties);
  return properties;
}

std::string data_of(const mqtt::Properties& properties) {
  return std::string(properties.bytes(Id::authentication_data).value_or(""));
}

void send_connect(RawMqtt& client, const std::string& method, std::optional<std::string_view> data,
                  mqtt::Connect packet = {}) {
  const std::string properties = authentication_properties(method, data);
  packet.level = mqtt::ProtocolLevel::mqtt_5;
  if (packet.client_identifier.empty()) packet.client_identifier = "meter";
  packet.properties = mqtt::Properties(properties);
  client.send(packet);
}

void send_auth(RawMqtt& client, Reason reason, const std::string& method, std::string_view data) {
  const std::string properties = authentication_properties(method, data);
  client.send(mqtt::Auth{.reason = reason, .properties = mqtt::Properties(properties)});
}

// The data of the AUTH that asks for more.
std::string challenge(RawMqtt& client) {
  const auto auth = client.read_packet<mqtt::Auth>();
  EXPECT_EQ(auth.reason, Reason::continue_authentication);
  return data_of(auth.properties);
}

// The whole exchange at CONNECT; returns CONNACK's reason. An accepted client has seen that the server knows the
// password, too.
Reason log_in(RawMqtt& client, Scram& scram, const mqtt::Connect& packet = {}) {
  send_connect(client, scram.method(), scram.first(), packet);
  const mqtt::Packet answer = client.read();
  if (const auto* connack = std::get_if<mqtt::Connack>(&answer)) return connack->reason;
  const auto& auth = std::get<mqtt::Auth>(answer);
  send_auth(client, Reason::continue_authentication, scram.method(), scram.last(data_of(auth.properties)));
  const auto connack = client.read_packet<mqtt::Connack>();
  if (connack.reason == Reason::success) {
    EXPECT_EQ(data_of(connack.properties), scram.proof_of_server());
    EXPECT_EQ(connack.properties.bytes(Id::authentication_method), scram.method());
  }
  return connack.reason;
}

class Authentication : public RunningProsody {
 protected:
  Reason connect_reason(const Scram::Client& as, const mqtt::Connect& packet = {}) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram(as);
    return log_in(client, scram, packet);
  }
};

const Scram::Client juliet{.name = "juliet", .password = account_password};

TEST_F(Authentication, BothMethodsLogIn) {
  for (const char* method : {"SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram({.method = method, .name = "juliet", .password = account_password});
    EXPECT_EQ(log_in(client, scram), Reason::success) << method;
    client.ping();
    prosody.log().wait_for("\"meter\" \\(juliet@localhost\\): connected");
  }
}

TEST_F(Authentication, WhoDoesNotKnowThePasswordIsRefused) {
  EXPECT_EQ(connect_reason({.name = "juliet", .password = "wrong"}), Reason::bad_user_name_or_password);
  EXPECT_EQ(connect_reason({.method = "SCRAM-SHA-256", .name = "juliet", .password = "wrong"}),
            Reason::bad_user_name_or_password);
  prosody.log().wait_for("login as juliet@localhost failed: wrong user name or password");
}

TEST_F(Authentication, AnUnknownAccountIsRefusedAtTheEnd) {
  RawMqtt client(prosody.mqtt_port());
  Scram scram({.name = "nobody", .password = account_password});
  send_connect(client, scram.method(), scram.first());
  const std::string first = challenge(client);
  EXPECT_TRUE(attribute(first, 'r').starts_with("rOprNGfwEbeRWgbNEkqO"));
  EXPECT_GT(attribute(first, 'r').size(), 40U);
  EXPECT_EQ(attribute(first, 'i'), "10000");
  send_auth(client, Reason::continue_authentication, scram.method(), scram.last(first));
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password);
}

TEST_F(Authentication, TheNameMayBeAJidAndIsNormalised) {
  for (const char* name : {"juliet@localhost", "JULIET@LOCALHOST", "JULIET"}) {
    EXPECT_EQ(connect_reason({.name = name, .password = account_password}), Reason::success) << name;
  }
  for (const char* name : {"juliet@elsewhere", "juliet@localhost/phone", "@localhost", "juliet@", "",
                           "juliet=2Cromeo", "juliet=40localhost", "juliet@pubsub.localhost"}) {
    EXPECT_EQ(connect_reason({.name = name, .password = account_password}), Reason::bad_user_name_or_password)
        << name;
  }
}

TEST_F(Authentication, ConnectsUserNameMustNotContradict) {
  for (const char* user_name : {"localhost", "juliet@localhost", "Juliet@localhost", "juliet", ""}) {
    for (const char* name : {"juliet", "juliet@localhost"}) {
      EXPECT_EQ(connect_reason({.name = name, .password = account_password}, {.user_name = user_name}),
                Reason::success)
          << user_name << ' ' << name;
    }
  }
  for (const char* user_name : {"romeo", "romeo@localhost", "juliet@elsewhere", "elsewhere", "@"}) {
    EXPECT_EQ(connect_reason(juliet, {.user_name = user_name}), Reason::bad_user_name_or_password)
        << user_name;
  }
}

TEST_F(Authentication, ConnectNeedBringNoData) {
  RawMqtt client(prosody.mqtt_port());
  Scram scram(juliet);
  send_connect(client, scram.method(), std::nullopt);
  EXPECT_EQ(challenge(client), "");
  send_auth(client, Reason::continue_authentication, scram.method(), scram.first());
  send_auth(client, Reason::continue_authentication, scram.method(), scram.last(challenge(client)));
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::success);
}

TEST_F(Authentication, OtherMethodsAreRefused) {
  for (const char* method : {"PLAIN", "ANONYMOUS", "EXTERNAL", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
                             "SCRAM-SHA-512", "scram-sha-1", "SCRAM-SHA-1 ", ""}) {
    RawMqtt client(prosody.mqtt_port());
    send_connect(client, method, std::string("\0juliet\0secret", 14));
    EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::bad_authentication_method) << method;
    client.wait_for_close();  // [MQTT5-4.12.0-1]
  }
}

TEST_F(Authentication, NeitherChannelBindingNorAnotherIdentityIsTaken) {
  EXPECT_EQ(connect_reason({.name = "juliet", .password = account_password, .gs2_header = "y,,"}),
            Reason::success);
  for (const char* header :
       {"p=tls-exporter,,", "p=tls-unique,,", "n,a=romeo,", "n,a=juliet,", "x,,", "n,", "", "n,,m=more,"}) {
    EXPECT_EQ(connect_reason({.name = "juliet", .password = account_password, .gs2_header = header}),
              Reason::bad_user_name_or_password)
        << header;
  }
}

TEST_F(Authentication, WhatIsNoScramIsRefused) {
  for (const std::string& data :
       {std::string("?"), std::string("n,,n=juliet"), std::string("n,,n=juliet,r="),
        std::string("n,,n=juliet\0,r=1", 16), "n,,n=juliet,r=" + std::string(9000, 'x')}) {
    RawMqtt client(prosody.mqtt_port());
    send_connect(client, "SCRAM-SHA-1", data);
    EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password) << data;
  }
  prosody.stop();
  prosody.start({.global = "mqtt_max_failed_logins = 100"});
  for (const char* name : {"juliet", "nobody"}) {
    for (const char* last : {"", "?", "c=biws", "c=biws,r=1,p=", "c=biws,r=1,p=!!!!",
                             "c=biws,r=1,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "c=,r=,p=AAAA"}) {
      RawMqtt client(prosody.mqtt_port());
      Scram scram({.name = name, .password = account_password});
      send_connect(client, scram.method(), scram.first());
      challenge(client);
      send_auth(client, Reason::continue_authentication, scram.method(), last);
      EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password)
          << name << ' ' << last;
    }
  }
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("authentication provider failed"), 0U);
}

// The proof is made for one exchange.
TEST_F(Authentication, AProofCannotBeUsedAgain) {
  RawMqtt first(prosody.mqtt_port());
  Scram scram(juliet);
  send_connect(first, scram.method(), scram.first());
  const std::string last = scram.last(challenge(first));
  RawMqtt second(prosody.mqtt_port());
  send_connect(second, scram.method(), scram.first(), {.client_identifier = "replay"});
  challenge(second);
  send_auth(second, Reason::continue_authentication, scram.method(), last);
  EXPECT_EQ(second.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password);
  send_auth(first, Reason::continue_authentication, scram.method(), last);
  EXPECT_EQ(first.read_packet<mqtt::Connack>().reason, Reason::success);
}

TEST_F(Authentication, AnAccountThatChangesMeanwhileIsNotLoggedIn) {
  RawMqtt client(prosody.mqtt_port());
  Scram scram(juliet);
  send_connect(client, scram.method(), scram.first());
  const std::string last = scram.last(challenge(client));
  prosody.shell(R"(user:password("juliet@localhost", "new"))");
  send_auth(client, Reason::continue_authentication, scram.method(), last);
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::server_unavailable);
}

TEST_F(Authentication, AReloadMayComeInBetween) {
  RawMqtt client(prosody.mqtt_port());
  Scram scram(juliet);
  send_connect(client, scram.method(), scram.first());
  const std::string first = challenge(client);
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  send_auth(client, Reason::continue_authentication, scram.method(), scram.last(first));
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::success);
}

int socket_of(RawMqtt& client) { return dynamic_cast<TcpStream&>(client.stream()).fd(); }

// Each of them costs Prosody's thread a hash of 10,000 iterations, whether there is such an account or not.
class Guessers {
 public:
  explicit Guessers(const Prosody& prosody) {
    for (int i = 0; i < count; ++i) {
      Scram scram({.name = "nobody-" + std::to_string(i), .password = "guessed"});
      send_connect(clients_.emplace_back(prosody.mqtt_port()), scram.method(), scram.first());
    }
  }

  std::vector<int> sockets() {
    std::vector<int> all;
    for (auto& client : clients_) all.push_back(socket_of(client));
    return all;
  }

  void wait_for_challenges() {
    for (auto& client : clients_) EXPECT_NE(challenge(client), "");
  }

  static constexpr int count = 40;

 private:
  std::list<RawMqtt> clients_;
};

void wait_for_input(int socket) {
  pollfd readiness{socket, POLLIN, 0};
  EXPECT_EQ(poll(&readiness, 1, milliseconds_until(deadline())), 1);
}

// As it measures: by a clock on which each exchange takes ten milliseconds.
TEST(AuthenticationSettings, ManyExchangesTakeHalfOfProsodysTime) {
  Prosody prosody;
  prosody.start({.global = R"(
    local time = require "util.time"
    local monotonic, clock = time.monotonic, 0
    time.monotonic = function ()
      if not debug.getinfo(2, "S").source:find("slow_work", 1, true) then return monotonic() end
      clock = clock + 0.01
      return clock
    end)"});
  const auto begin = Clock::now();
  Guessers guessers(prosody);
  guessers.wait_for_challenges();
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(10) * (Guessers::count - 1));
}

TEST_F(Authentication, WhoIsKnownDoesNotWaitForThoseWhoGuess) {
  ASSERT_EQ(connect_reason(juliet), Reason::success);
  RawMqtt known(prosody.mqtt_port());
  Scram scram(juliet);
  std::optional<Guessers> guessers;
  std::optional<OrderOfArrival> order;
  std::vector<int> sockets;
  {
    const HeldUp held(prosody);
    guessers.emplace(prosody);
    send_connect(known, scram.method(), scram.first());
    sockets = guessers->sockets();
    sockets.push_back(socket_of(known));
    order.emplace(sockets);
    connected(prosody.mqtt_port(), "other").ping();  // the network thread has read what they sent
  }
  for (const int socket : sockets) wait_for_input(socket);
  EXPECT_LT(order->before(socket_of(known)), std::size_t{Guessers::count} / 2);
  send_auth(known, Reason::continue_authentication, scram.method(), scram.last(challenge(known)));
  EXPECT_EQ(known.read_packet<mqtt::Connack>().reason, Reason::success);
}

TEST_F(Authentication, NoPasswordIsInTheLog) {
  connect_reason({.name = "juliet", .password = "a very secret password"});
  connect_reason(juliet);
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("a very secret password"), 0U);
  EXPECT_EQ(prosody.log().count("p=[A-Za-z0-9+/]{20}"), 0U) << "nor a proof";
}

// --- Again ---

class AuthenticationAgain : public Authentication {
 protected:
  void SetUp() override {
    Authentication::SetUp();
    client.emplace(prosody.mqtt_port());
    Scram scram(juliet);
    ASSERT_EQ(log_in(*client, scram, {.will = mqtt::Publish{.topic = will_topic, .payload = "gone"}}),
              Reason::success);
  }

  // What the server says at the end.
  mqtt::Packet authenticate_again(Scram& scram) {
    send_auth(*client, Reason::reauthenticate, scram.method(), scram.first());
    mqtt::Packet answer = client->read();
    const auto* auth = std::get_if<mqtt::Auth>(&answer);
    if (auth == nullptr || auth->reason != Reason::continue_authentication) return answer;
    send_auth(*client, Reason::continue_authentication, scram.method(),
              scram.last(data_of(auth->properties)));
    return client->read();
  }

  std::optional<RawMqtt> client;
};

TEST_F(AuthenticationAgain, Succeeds) {
  for (int i = 0; i < 2; ++i) {
    Scram scram(juliet);
    const mqtt::Packet answer = authenticate_again(scram);
    ASSERT_TRUE(std::holds_alternative<mqtt::Auth>(answer));
    EXPECT_EQ(std::get<mqtt::Auth>(answer).reason, Reason::success);
    EXPECT_EQ(data_of(std::get<mqtt::Auth>(answer).properties), scram.proof_of_server());
    client->ping();
  }
}

// Each may cost Prosody's thread milliseconds.
TEST_F(AuthenticationAgain, NotMoreThanTenTimesASecond) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) {
    Scram scram(juliet);
    ASSERT_TRUE(std::holds_alternative<mqtt::Auth>(authenticate_again(scram)));
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(295));
}

TEST_F(AuthenticationAgain, AWrongPasswordIsOneDisconnectAndTheWillIsPublished) {
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("will", {{"access_model", "open"}, {"publish_model", "open"}});
  RawMqtt witness = connected(prosody.mqtt_port(), "witness");
  ASSERT_EQ(witness.subscribe(will_topic), Reason::granted_qos_0);
  Scram scram({.name = "juliet", .password = "wrong"});
  const mqtt::Packet answer = authenticate_again(scram);
  ASSERT_TRUE(std::holds_alternative<mqtt::Disconnect>(answer));
  EXPECT_EQ(std::get<mqtt::Disconnect>(answer).reason, Reason::not_authorized);
  EXPECT_THROW(client->read(), ConnectionClosed) << "and nothing else";
  EXPECT_EQ(witness.read_packet<mqtt::Publish>().payload, "gone");
}

TEST_F(AuthenticationAgain, AsAnotherAccountIsADisconnect) {
  for (const char* name : {"romeo", "romeo@localhost", "juliet@elsewhere", "nobody"}) {
    RawMqtt other(prosody.mqtt_port());
    Scram first(juliet);
    ASSERT_EQ(log_in(other, first), Reason::success);
    Scram scram({.name = name, .password = account_password});
    send_auth(other, Reason::reauthenticate, scram.method(), scram.first());
    EXPECT_EQ(other.read_packet<mqtt::Disconnect>().reason, Reason::not_authorized) << name;
    EXPECT_THROW(other.read(), ConnectionClosed);
  }
}

TEST_F(AuthenticationAgain, WithAnotherMethodIsAProtocolError) {
  Scram scram({.method = "SCRAM-SHA-256", .name = "juliet", .password = account_password});
  const mqtt::Packet answer = authenticate_again(scram);
  ASSERT_TRUE(std::holds_alternative<mqtt::Disconnect>(answer));
  EXPECT_EQ(std::get<mqtt::Disconnect>(answer).reason, Reason::protocol_error);
}

// --- Configurations ---

TEST(AuthenticationSettings, HashedPasswordsHaveOneMethod) {
  Prosody prosody;
  prosody.start({.virtual_host = "authentication = \"internal_hashed\""});
  prosody.shell(R"(user:create("meter@localhost", "secret"))");
  const auto reason = [&](const Scram::Client& as) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram(as);
    return log_in(client, scram);
  };
  EXPECT_EQ(reason({.name = "meter", .password = "secret"}), Reason::success);
  EXPECT_EQ(reason({.name = "meter@localhost", .password = "secret"}), Reason::success);
  EXPECT_EQ(reason({.name = "meter", .password = "wrong"}), Reason::bad_user_name_or_password);
  EXPECT_EQ(reason({.name = "nobody", .password = "secret"}), Reason::bad_user_name_or_password);
  for (const char* name : {"meter", "nobody"}) {
    EXPECT_EQ(reason({.method = "SCRAM-SHA-256", .name = name, .password = "secret"}),
              Reason::bad_authentication_method);
  }
}

// Asked twice, an account says the same, whether there is one or not.
TEST(AuthenticationSettings, TheChallengeDoesNotTellWhichAccountsExist) {
  Prosody prosody;
  prosody.start({.virtual_host = "authentication = \"internal_hashed\"\ndefault_iteration_count = 5000"});
  prosody.shell(R"(user:create("meter@localhost", "secret"))");
  const auto ask = [&](const std::string& name) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram({.name = name, .password = "secret"});
    send_connect(client, scram.method(), scram.first());
    return challenge(client);
  };
  for (const char* name : {"meter", "nobody"}) {
    const std::string once = ask(name);
    const std::string twice = ask(name);
    EXPECT_EQ(attribute(once, 's'), attribute(twice, 's')) << name;
    EXPECT_NE(attribute(once, 'r'), attribute(twice, 'r')) << name;
    EXPECT_EQ(attribute(once, 's').size(), 48U) << name;
    EXPECT_EQ(attribute(once, 'r').size(), 56U) << name;
    EXPECT_EQ(attribute(once, 'i'), "5000") << name;
  }
  EXPECT_EQ(attribute(ask("nobody"), 's'), attribute(ask("NOBODY@localhost"), 's')) << "one account";
  EXPECT_NE(attribute(ask("nobody"), 's'), attribute(ask("somebody"), 's'));
}

// Where passwords are stored as they are, each exchange has a salt of its own.
TEST_F(Authentication, TheChallengeDoesNotTellWhichAccountsExistEither) {
  const auto ask = [&](const std::string& name) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram({.name = name, .password = "secret"});
    send_connect(client, scram.method(), scram.first());
    return challenge(client);
  };
  for (const char* name : {"juliet", "nobody"}) {
    const std::string once = ask(name);
    EXPECT_NE(attribute(once, 's'), attribute(ask(name), 's')) << name;
    EXPECT_EQ(attribute(once, 's').size(), 48U) << name;
    EXPECT_EQ(attribute(once, 'i'), "10000") << name;
  }
}

// Prosody 0.12 cannot disable an account: there it is one with a hashed password, and nothing more.
TEST(AuthenticationSettings, ADisabledAccountIsRefusedLikeAWrongPassword) {
  Prosody prosody;
  prosody.start({.virtual_host = "authentication = \"internal_hashed\""});
  prosody.shell(R"(user:create("meter@localhost", "secret"))");
  if (!prosody.is_0_12()) {
    prosody.shell(R"(user:disable("meter@localhost"))");
    RawMqtt client(prosody.mqtt_port());
    Scram scram({.name = "meter", .password = "secret"});
    send_connect(client, scram.method(), scram.first());
    send_auth(client, Reason::continue_authentication, scram.method(), scram.last(challenge(client)));
    EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::bad_user_name_or_password);
    prosody.shell(R"(user:enable("meter@localhost"))");
  }
  RawMqtt again(prosody.mqtt_port());
  Scram of_again({.name = "meter", .password = "secret"});
  EXPECT_EQ(log_in(again, of_again), Reason::success);
}

TEST(AuthenticationSettings, AnExchangeThatIsAbandonedIsCutOff) {
  Prosody prosody;
  prosody.start({.global = "mqtt_connect_timeout = 1"});
  RawMqtt client(prosody.mqtt_port());
  Scram scram(juliet);
  send_connect(client, scram.method(), scram.first());
  challenge(client);
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, Reason::not_authorized);
  client.wait_for_close();
  prosody.reload({});
  RawMqtt gone(prosody.mqtt_port());
  send_connect(gone, scram.method(), scram.first());
  challenge(gone);
  dynamic_cast<TcpStream&>(gone.stream()).close();
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(log_in(again, scram), Reason::success);
}

TEST(AuthenticationSettings, FailedExchangesAreFailedLogins) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_failed_logins = 2"});
  const auto reason = [&](const Scram::Client& as) {
    RawMqtt client(prosody.mqtt_port());
    Scram scram(as);
    return log_in(client, scram);
  };
  const Scram::Client wrong{.name = "romeo", .password = "wrong"};
  EXPECT_EQ(reason(wrong), Reason::bad_user_name_or_password);
  EXPECT_EQ(reason(wrong), Reason::bad_user_name_or_password);
  EXPECT_EQ(reason({.name = "romeo@localhost", .password = account_password}),
            Reason::connection_rate_exceeded);
  prosody.log().wait_for("Too many failed logins of account romeo@localhost");
  EXPECT_EQ(reason(juliet), Reason::success) << "nobody else pays";
  EXPECT_EQ(reason(juliet), Reason::success);
  EXPECT_EQ(reason(juliet), Reason::success) << "what succeeded is not counted";
}

TEST(AuthenticationSettings, NoEncryptionIsNeededButForAPassword) {
  Prosody prosody;
  prosody.start({.global = "mqtt_interfaces = { \"0.0.0.0\" }\nallow_unencrypted_plain_auth = false"});
  const auto reason = [&](const mqtt::Connect& packet) {
    RawMqtt client(std::make_unique<TcpStream>(prosody.mqtt_port(), outside_address()));
    Scram scram(juliet);
    return log_in(client, scram, packet);
  };
  EXPECT_EQ(reason({}), Reason::success);
  EXPECT_EQ(reason({.user_name = "juliet@localhost"}), Reason::success);
  EXPECT_EQ(reason({.user_name = "juliet@localhost", .password = "secret"}), Reason::not_authorized);
}

// The account's host: from the JID, else CONNECT's user name, else what TLS named, else mqtt_user_host.
TEST(AuthenticationSettings, TheHostIsFoundWhereItIsSaidFirst) {
  Prosody prosody;
  prosody.make_certificate("second.localhost");
  prosody.start({.global = "mqtt_user_host = \"localhost\"",
                 .more_hosts = "\nVirtualHost \"second.localhost\"\nauthentication = \"internal_hashed\""});
  prosody.shell(R"(user:create("meter@second.localhost", "second"))");
  prosody.shell(R"(user:create("meter@localhost", "first"))");
  const auto reason = [&](const std::string& server_name, const std::string& name, const char* password,
                          const mqtt::Connect& packet = {}) {
    RawMqtt client(std::make_unique<TlsStream>(
        prosody.mqtt_tls_port(),
        TlsStream::Options{.server_name = server_name, .ca_file = prosody.ca_file()}));
    Scram scram({.name = name, .password = password});
    return log_in(client, scram, packet);
  };
  constexpr const char* component = "pubsub.localhost";
  constexpr const char* second = "second.localhost";
  EXPECT_EQ(reason(component, "meter", "first"), Reason::success) << "mqtt_user_host";
  EXPECT_EQ(reason(second, "meter", "second"), Reason::success) << "SNI";
  EXPECT_EQ(reason(second, "meter", "first", {.user_name = "localhost"}), Reason::success) << "the user name";
  EXPECT_EQ(reason(component, "meter", "second", {.user_name = second}), Reason::success);
  EXPECT_EQ(reason(component, "meter", "second", {.user_name = "meter@second.localhost"}), Reason::success);
  EXPECT_EQ(reason(second, "meter@localhost", "first"), Reason::success) << "the JID";
  EXPECT_EQ(reason(component, "meter@localhost", "first", {.user_name = second}),
            Reason::bad_user_name_or_password)
      << "a contradiction";
}

TEST(AuthenticationSettings, TwoVirtualHostsNeedANameOrMqttUserHost) {
  Prosody prosody;
  prosody.start({.more_hosts = "\nVirtualHost \"second.localhost\"\nauthentication = \"harness\""});
  RawMqtt client(prosody.mqtt_port());
  Scram scram(juliet);
  EXPECT_EQ(log_in(client, scram), Reason::bad_user_name_or_password);
  prosody.log().wait_for("login failed: the user name has no host: set mqtt_user_host");
  RawMqtt with_jid(prosody.mqtt_port());
  Scram jid({.name = "juliet@localhost", .password = account_password});
  EXPECT_EQ(log_in(with_jid, jid), Reason::success);
  RawMqtt without_scram(prosody.mqtt_port());
  Scram plain_only({.name = "juliet@second.localhost", .password = account_password});
  EXPECT_EQ(log_in(without_scram, plain_only), Reason::bad_authentication_method)
      << "this provider does not show passwords to SCRAM";
}

TEST(AuthenticationSettings, ACertificateMustNotContradict) {
  Prosody prosody;
  prosody.start({.global = "mqtt_tls_ssl = { verify = { \"peer\" }, capath = false, cafile = \"" +
                           prosody.ca_file() + "\" }"});
  const Identity device = make_identity({.name = "device",
                                         .names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@localhost",
                                         .issuer = &prosody.authority()});
  const auto reason = [&](const char* name) {
    RawMqtt client(std::make_unique<TlsStream>(
        prosody.mqtt_tls_port(),
        TlsStream::Options{.server_name = "pubsub.localhost",
                           .ca_file = prosody.ca_file(),
                           .certificate = prosody.folder().write("device.crt", pem(device.certificate)),
                           .key = prosody.folder().write("device.key", pem(device.key))}));
    Scram scram({.name = name, .password = account_password});
    return log_in(client, scram);
  };
  EXPECT_EQ(reason("juliet"), Reason::success);
  EXPECT_EQ(reason("romeo"), Reason::not_authorized);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
