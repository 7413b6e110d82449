// Settings that are not what they should be, and those that Prosody 13 reads differently.
#include <gtest/gtest.h>

#include "byte_stream.h"
#include "free_port.h"
#include "outside_address.h"
#include "prosody.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

TEST(Settings, ALimitThatIsOutOfRangeIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_inflight = 0"});
  const std::string line = prosody.log().wait_for("mqtt_max_inflight = 0 is not between 1 and 65535");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, ALimitThatIsNoNumberIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_inflight = \"many\""});
  const std::string line = prosody.log().wait_for("mqtt_max_inflight = many is not between 1 and 65535");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, ALimitOfLoginsThatIsNoNumberIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_failed_logins = \"few\""});
  prosody.log().wait_for("error\tmqtt_max_failed_logins = few is not between 1 and ");
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, AChoiceThatThereIsNotIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_certificate_user = \"dns\""});
  prosody.log().wait_for(
      "error\tmqtt_certificate_user = dns is none of \"xmpp_address\", \"dns_name\", \"email\": "
      "using \"xmpp_address\"");
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Settings, AnAffiliationThatThereIsNotLetsNobodyPublish) {
  Prosody prosody;
  prosody.start({.global = "mqtt_anonymous_affiliation = \"none\""});
  prosody.log().wait_for(
      "error\tmqtt_anonymous_affiliation = none is none of \"publisher\", \"member\": using \"member\"");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  prosody.log().wait_for("\"client\".*refused: mqtt_anonymous_affiliation");
}

TEST(Settings, AGroupThatIsNeitherTheServersNorAnAccountsIsAnAccounts) {
  Prosody prosody;
  prosody.start({.global = "mqtt_shared_groups = \"host\""});
  prosody.log().wait_for(
      "error\tmqtt_shared_groups = host is none of \"server\", \"account\": using \"account\"");
}

// A mistake in it opens nothing: not understood, mqtt_require_encryption would be false.
TEST(Settings, WhatIsNeitherTrueNorFalseIsReportedAndOpensNothing) {
  Prosody prosody;
  const Configuration configuration{.global =
                                        "mqtt_interfaces = { \"*\" }\nallow_unencrypted_plain_auth = false\n"
                                        "mqtt_require_encryption = \"yes\"\n"
                                        "mqtt_allow_anonymous = \"no\"\nmqtt_page = {}\n"
                                        "mqtt_users_create_nodes = \"juliet\""};
  prosody.start(configuration);
  for (const char* line :
       {"mqtt_require_encryption = yes is neither true nor false: using true",
        "mqtt_allow_anonymous = no is neither true nor false: using false", "mqtt_page = .*: using true",
        "mqtt_users_create_nodes = juliet is neither true nor false: using false"}) {
    prosody.log().wait_for(std::string("error\t") + line);
  }
  prosody.wait_for_log();
  for (const char* asked_for_often :
       {"mqtt_require_encryption = yes is neither", "mqtt_page = .* is neither"}) {
    EXPECT_EQ(prosody.log().count(asked_for_often), 1U);
  }
  prosody.reload(configuration);
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("mqtt_require_encryption = yes is neither"), 2U);
  RawMqtt outsider(std::make_unique<TcpStream>(prosody.mqtt_port(), outside_address()));
  EXPECT_EQ(connect(outsider, {.client_identifier = "outsider",
                               .user_name = "juliet@localhost",
                               .password = account_password})
                .reason,
            mqtt::Reason::not_authorized);
  RawMqtt from_loopback(prosody.mqtt_port());
  EXPECT_EQ(connect(from_loopback, {.client_identifier = "client"}).reason, mqtt::Reason::not_authorized);
}

TEST(Settings, AHostOfUserNamesThatIsNoVirtualHostIsReportedAndRefusesThem) {
  Prosody prosody;
  prosody.start({.global = "mqtt_user_host = \"pubsub.localhost\""});
  prosody.log().wait_for("error\tmqtt_user_host = pubsub.localhost is no VirtualHost");
  RawMqtt client(prosody.mqtt_port());
  EXPECT_EQ(
      connect(client, {.client_identifier = "client", .user_name = "juliet", .password = "secret"}).reason,
      mqtt::Reason::bad_user_name_or_password);
  prosody.log().wait_for("\"client\".*mqtt_user_host = pubsub.localhost is no VirtualHost");
  prosody.reload({.global = "mqtt_user_host = \"LOCALHOST\""});
  RawMqtt again(prosody.mqtt_port());
  EXPECT_EQ(
      connect(again, {.client_identifier = "client", .user_name = "juliet", .password = "secret"}).reason,
      mqtt::Reason::success);
  EXPECT_EQ(prosody.log().count("mqtt_user_host = LOCALHOST"), 0U);
}

TEST(Settings, AnAddressThatIsNoneIsReportedOnceHoweverManyHostsThereAre) {
  Prosody prosody;
  prosody.start({.global = "mqtt_proxies = { \"10.0.0.0/33\" }",
                 .more_hosts = "\nVirtualHost \"second.localhost\"\nVirtualHost \"third.localhost\""});
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("mqtt_proxies: \"10.0.0.0/33\" is no address"), 1U);
}

TEST(Settings, AStoreThatIsNoPathIsReportedAndTheDefaultIsUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_store = {}", .component = R"(
    modules_enabled = { "pubsub_mqtt" }
    storage = "pubsub_mqtt"
    autocreate_on_publish = true)"});
  prosody.log().wait_for("error\tmqtt_store = .* is no path: using the default, pubsub_mqtt.sqlite");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = "pubsub.localhost/json/node", .payload = "1", .qos = mqtt::QoS::at_least_once});
}

TEST(Settings, NodeDefaultsThatAreNoTableAreReportedAndNoneAreUsed) {
  Prosody prosody;
  prosody.start({.global = "mqtt_node_defaults = \"open\""});
  prosody.log().wait_for("error\tmqtt_node_defaults = open is no table");
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = "pubsub.localhost/json/node", .payload = "1", .qos = mqtt::QoS::at_least_once});
}

TEST(Settings, NodeDefaultsThatPubsubDoesNotAcceptAreNamedInTheLog) {
  Prosody prosody;
  prosody.start({.global = "mqtt_node_defaults = { max_items = 1000 }"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  prosody.log().wait_for("\"client\".*refused: .*mqtt_node_defaults.*max_items");
}

TEST(Settings, ARangeIsGivenInWholeNumbers) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_outbound_bytes = 0\nmqtt_max_queued_bytes = -1"});
  prosody.log().wait_for("mqtt_max_outbound_bytes = 0 is not between 1024 and 1073741824:");
  prosody.log().wait_for("mqtt_max_queued_bytes = -1 is not between 0 and 1099511627776:");
}

TEST(Settings, ATimeHasAUnitInProsody13AndIsReportedInProsody012) {
  Prosody prosody;
  prosody.start({.global = "mqtt_session_expiry = \"1 second\""});
  RawMqtt client = with_session(prosody.mqtt_port(), "leaves");
  disconnect(client);
  prosody.log().wait_for(prosody.is_0_12() ? "mqtt_session_expiry = 1 second is not between"
                                           : "leaves.*mqtt_session_expiry");
}

TEST(Settings, ASessionThatNeverExpiresIsProsody13s) {
  Prosody prosody;
  prosody.start({.global = "mqtt_session_expiry = \"never\"\nmqtt_connect_timeout = \"never\""});
  prosody.log().wait_for("error\tmqtt_connect_timeout = never is not between 1 and 3600");
  EXPECT_EQ(prosody.log().count("error\tmqtt_session_expiry = never is not between"),
            prosody.is_0_12() ? 1U : 0U);
  RawMqtt client = with_session(prosody.mqtt_port(), "leaves");
  disconnect(client);
  with_kept_session(prosody.mqtt_port(), "leaves").ping();
}

// What a client that is connected may do, and what one that comes may.
TEST(SettingsReload, LimitsAreThoseOfTheReload) {
  Prosody prosody;
  prosody.start();
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  const std::string payload(2000, 'x');
  publish(client, {.topic = topic, .payload = payload});
  EXPECT_EQ(client.subscribe("pubsub.localhost/utf8/+"), mqtt::Reason::granted_qos_0);
  prosody.reload({.global = "mqtt_max_packet_size = 1024\nmqtt_max_wildcard_subscriptions = 1"});
  EXPECT_EQ(client.subscribe("pubsub.localhost/json/+"), mqtt::Reason::unspecified_error);
  client.send(mqtt::Publish{.topic = topic, .payload = payload});
  client.wait_for_close();
  prosody.reload({});
  RawMqtt again = connected(prosody.mqtt_port(), "client");
  publish(again, {.topic = topic, .payload = payload});
}

TEST(SettingsReload, WhoMayLogInAndHowIsAsTheReloadSays) {
  Prosody prosody;
  const std::string second = "\nVirtualHost \"second.localhost\"\nauthentication = \"harness\"";
  prosody.start({.more_hosts = second});
  RawMqtt stays = connected(prosody.mqtt_port(), "stays");
  const auto connect_code = [&](std::string_view user_name, std::string_view password) {
    RawMqtt client(prosody.mqtt_port());
    mqtt::Connect packet{.client_identifier = "client"};
    if (!user_name.empty()) {
      packet.user_name = user_name;
      packet.password = password;
    }
    return connect(client, packet).reason;
  };
  EXPECT_EQ(connect_code("juliet", account_password), mqtt::Reason::bad_user_name_or_password);
  prosody.reload({.global = "mqtt_user_host = \"localhost\"\nmqtt_allow_anonymous = false\n"
                            "mqtt_max_failed_logins = 1",
                  .more_hosts = second});
  EXPECT_EQ(connect_code("juliet", account_password), mqtt::Reason::success);
  EXPECT_EQ(connect_code("", ""), mqtt::Reason::not_authorized);
  EXPECT_EQ(connect_code("romeo", "wrong"), mqtt::Reason::bad_user_name_or_password);
  EXPECT_EQ(connect_code("romeo", "wrong"), mqtt::Reason::server_unavailable);
  RawMqtt of_5(prosody.mqtt_port());
  EXPECT_EQ(connect(of_5, {.level = mqtt::ProtocolLevel::mqtt_5,
                           .client_identifier = "of 5",
                           .user_name = "romeo",
                           .password = "wrong"})
                .reason,
            mqtt::Reason::connection_rate_exceeded);
  stays.ping();
}

TEST(SettingsReload, WhatClientsMayDoOnNodesIsAsTheReloadSays) {
  Prosody prosody;
  prosody.start();
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = topic, .payload = "1"});
  prosody.reload({.global = "mqtt_anonymous_affiliation = \"member\""});
  publish(client, {.topic = topic, .payload = "2"});
  prosody.log().wait_for("\"client\".*refused: mqtt_anonymous_affiliation");
}

TEST(SettingsReload, PortsAreOpenedAndClosedAndClientsStay) {
  Prosody prosody;
  prosody.start();
  const FreePort other;
  RawMqtt stays = connected(prosody.mqtt_port(), "stays");
  prosody.reload({.global = "mqtt_ports = { " + std::to_string(other.number()) + " }"});
  connected(other.number(), "comes").ping();
  EXPECT_THROW(RawMqtt(prosody.mqtt_port()), std::exception);
  stays.ping();
  prosody.reload({});
  connected(prosody.mqtt_port(), "comes again").ping();
  stays.ping();
}

constexpr const char* pubsub_with = R"(
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true
    )";

TEST(Settings, WhereTheyAreNotReadTheyAreNamed) {
  Prosody prosody;
  prosody.start({.virtual_host = "mqtt_node_defaults = {}\nmqtt_tls_ssl = {}",
                 .component = pubsub_with + std::string("mqtt_allow_anonymous = false\nmqtt_ports = { 1 }")});
  prosody.log().wait_for(
      "warn\tmqtt_allow_anonymous stands below Component \"pubsub.localhost\" \"pubsub\", "
      "where it is not read: move it to the top of the configuration, before the first "
      "VirtualHost or Component");
  prosody.log().wait_for("warn\tmqtt_ports stands below Component");
  prosody.log().wait_for(
      "warn\tmqtt_node_defaults stands below VirtualHost \"localhost\".*, or below a pubsub Component");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("warn\tmqtt_"), 3U);
  prosody.reload({.component = pubsub_with + std::string("mqtt_max_inflight = 1")});
  EXPECT_EQ(prosody.log().count("warn\tmqtt_max_inflight stands below Component"), 1U);
}

TEST(Settings, ThatThereAreNotAreNamed) {
  Prosody prosody;
  prosody.start({.global =
                     "mqtt_max_inflght = 1\nmqtt_max_failed_logins = 20\nmqtt_user_host = \"localhost\"\n"
                     "mqtt_max_tls_handshake_rate = 200",
                 .component = pubsub_with + std::string("mqtt_retain = true")});
  prosody.log().wait_for("warn\tmqtt_max_inflght is no setting of pubsub_mqtt: see docs/configuration.md");
  prosody.log().wait_for("warn\tmqtt_retain is no setting of pubsub_mqtt");
  prosody.log().wait_for(
      "warn\tmqtt_max_tls_handshake_rate is no setting of pubsub_mqtt any more: remove it");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("warn\tmqtt_"), 3U);
}

TEST(Settings, OfAComponentComeBeforeTheGlobalOnes) {
  Prosody prosody;
  prosody.start({.global = "mqtt_anonymous_affiliation = \"member\"",
                 .component = pubsub_with + std::string("mqtt_anonymous_affiliation = \"publisher\"\n"
                                                        "mqtt_node_defaults = { title = \"from MQTT\" }"),
                 .more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" }
    mqtt_users_create_nodes = true
    autocreate_on_publish = true)"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  publish(client, {.topic = "pubsub.localhost/json/node", .payload = "1"});
  const std::string title = prosody.shell(
      ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().nodes.node.config.title");
  EXPECT_NE(title.find("from MQTT"), std::string::npos) << title;
  publish(client, {.topic = "news.localhost/json/node", .payload = "1"});
  prosody.log().wait_for("\"client\".*news.localhost.*refused: mqtt_anonymous_affiliation");

  RawMqtt juliet(prosody.mqtt_port());
  ASSERT_EQ(
      connect(juliet,
              {.client_identifier = "juliet", .user_name = "juliet@localhost", .password = account_password})
          .reason,
      mqtt::Reason::success);
  publish(juliet, {.topic = "pubsub.localhost/json/juliet", .payload = "1"});
  prosody.log().wait_for("\"juliet\".*pubsub.localhost/json/juliet refused: only administrators may create");
  publish(juliet, {.topic = "news.localhost/json/juliet", .payload = "1"});
  EXPECT_EQ(prosody.log().count("news.localhost/json/juliet refused"), 0U);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
