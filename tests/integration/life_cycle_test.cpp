// Start, reload, unload, load again and stop, with clients connected.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "mqtt_client.h"
#include "raw_mqtt.h"
#include "running_prosody.h"
#include "sanitized.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

// A sanitizer keeps freed memory for a while.
const std::size_t memory_limit = (sanitized ? 400UL : 4UL) << 20;

constexpr const char* json_topic = "pubsub.localhost/json/node";

void expect_round_trip(RawMqtt& client, std::string_view payload) {
  client.send(mqtt::Publish{.topic = json_topic, .payload = payload});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, payload);
}

RawMqtt subscriber(const Prosody& prosody, std::string_view client_identifier) {
  RawMqtt client = connected(prosody.mqtt_port(), client_identifier);
  EXPECT_EQ(client.subscribe(json_topic), mqtt::Reason::granted_qos_0);
  return client;
}

bool nobody_listens(std::uint16_t port) {
  try {
    const TcpStream stream(port);
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

using LifeCycle = RunningProsody;

TEST_F(LifeCycle, ProsodyServesMqttInTheForeground) {
  RawMqtt client = subscriber(prosody, "client");
  expect_round_trip(client, "1");
}

TEST(LifeCycleOfADaemon, ProsodyServesMqttReloadsAndStops) {
  Prosody prosody;
  prosody.start({}, Prosody::Mode::daemon);
  RawMqtt client = subscriber(prosody, "client");
  expect_round_trip(client, "1");
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  expect_round_trip(client, "2");
  EXPECT_EQ(prosody.stop().status, 0);
  client.wait_for_close();
}

TEST_F(LifeCycle, AConfigurationReloadKeepsClients) {
  RawMqtt client = subscriber(prosody, "client");
  prosody.reload({});
  expect_round_trip(client, "1");
}

TEST_F(LifeCycle, AModuleReloadKeepsClientsAndTheirSubscriptions) {
  RawMqtt client = subscriber(prosody, "client");
  for (const char* payload : {"1", "2", "3"}) {
    prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
    expect_round_trip(client, payload);
  }
  RawMqtt next = subscriber(prosody, "next");
  expect_round_trip(next, "4");
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "4");
}

TEST_F(LifeCycle, AModuleReloadReadsSettingsAnew) {
  RawMqtt client = subscriber(prosody, "client");
  prosody.reload({.global = "mqtt_anonymous_affiliation = \"member\""});
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  client.send(mqtt::Publish{.topic = json_topic, .payload = "1"});
  prosody.log().wait_for("client.*mqtt_anonymous_affiliation");
}

TEST_F(LifeCycle, AnUnloadClosesClientsAndPortsAndALoadServesAgain) {
  for (int i = 0; i < 3; ++i) {
    RawMqtt client = subscriber(prosody, "client");
    prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
    client.wait_for_close();
    EXPECT_TRUE(nobody_listens(prosody.mqtt_port()));
    EXPECT_TRUE(nobody_listens(prosody.mqtt_tls_port()));
    prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
    RawMqtt next = subscriber(prosody, "client");
    expect_round_trip(next, "1");
  }
}

TEST(LifeCycleOfTwoHosts, OneUnloadedLeavesTheOther) {
  const std::string news = "news.localhost/json/node";
  Prosody prosody;
  prosody.start({.more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true)"});
  const std::size_t mark = prosody.log().size();
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.log().wait_for("Activated service 'mqtt_tls' on", mark);
  prosody.wait_for_log();

  RawMqtt client = connected(prosody.mqtt_port(), "client");
  EXPECT_EQ(client.subscribe(news), mqtt::Reason::granted_qos_0);
  client.send(mqtt::Publish{.topic = news, .payload = "1"});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "1");
  // The other host is a pubsub component still: its filters wait.
  EXPECT_EQ(client.subscribe(json_topic), mqtt::Reason::granted_qos_0);

  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  expect_round_trip(client, "2");
}

TEST(LifeCycleOfTwoHosts, OneReloadedKeepsTheClientsOfBoth) {
  const std::string news = "news.localhost/json/node";
  Prosody prosody;
  prosody.start({.more_hosts = R"(Component "news.localhost" "pubsub"
    modules_enabled = { "pubsub_mqtt" }
    autocreate_on_publish = true)"});
  RawMqtt client = subscriber(prosody, "client");
  EXPECT_EQ(client.subscribe(news), mqtt::Reason::granted_qos_0);
  prosody.shell(R"(module:reload("pubsub_mqtt", "news.localhost"))");
  expect_round_trip(client, "1");
  client.send(mqtt::Publish{.topic = news, .payload = "2"});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "2");
}

TEST_F(LifeCycle, ModPubsubMayBeReloaded) {
  RawMqtt client = subscriber(prosody, "client");
  prosody.shell(R"(module:reload("pubsub", "pubsub.localhost"))");
  expect_round_trip(client, "1");
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.publish("node", "2", "<json xmlns='urn:xmpp:json:0'>2</json>");
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "2");
}

TEST_F(LifeCycle, ModPubsubMayBeUnloadedAndLoaded) {
  RawMqtt client = subscriber(prosody, "client");
  prosody.shell(R"(module:unload("pubsub", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  RawMqtt next = subscriber(prosody, "next");
  expect_round_trip(next, "1");
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.publish("node", "2", "<json xmlns='urn:xmpp:json:0'>2</json>");
  EXPECT_EQ(next.read_packet<mqtt::Publish>().payload, "2");
}

TEST_F(LifeCycle, AShutdownWithAThousandClientsClosesThemAll) {
  std::vector<std::unique_ptr<RawMqtt>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<RawMqtt>(prosody.mqtt_port()));
    ASSERT_EQ(clients.back()->connect("client" + std::to_string(i)), mqtt::Reason::success);
  }
  // None of them closes before, and nobody waits for that.
  const Prosody::Stopped stopped = prosody.stop();
  EXPECT_EQ(stopped.status, 0);
  RecordProperty("milliseconds", std::to_string(stopped.duration / std::chrono::milliseconds(1)));
  for (auto& client : clients) client->wait_for_close();
}

TEST_F(LifeCycle, WhatWasReceivedBeforeAShutdownIsStored) {
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = json_topic, .payload = "1"});
  client.send(mqtt::Disconnect{});
  client.wait_for_close();
  EXPECT_EQ(prosody.stop().status, 0);
  prosody.start();
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  EXPECT_EQ(admin.items("node").size(), 1U);
}

// Prosody 0.12 runs its handler of SIGTERM wherever Lua runs, inside the gateway's own callbacks too. Prosody
// 13 runs it from its loop, and does not take being stopped twice.
TEST_F(LifeCycle, ProsodyMayBeStoppedWhileAnItemIsBeingPublished) {
  prosody.shell(
      ">prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().events.add_handler('item-published', "
      "function () if prosody.shutdown_reason then return; end prosody.main_thread:run(function () "
      "prosody.unlock_globals(); prosody.shutdown('from within'); prosody.lock_globals(); end); end)");
  RawMqtt witness = subscriber(prosody, "witness");
  RawMqtt client(prosody.mqtt_port());
  client.send(mqtt::Connect{.client_identifier = "client",
                            .will = mqtt::Publish{.topic = json_topic, .payload = "3"}});
  client.read_packet<mqtt::Connack>();
  client.send(mqtt::Publish{.topic = json_topic, .payload = "1"});
  client.send(mqtt::Publish{.topic = json_topic, .payload = "2"});
  prosody.log().wait_for("Shutdown complete");
  std::string payloads;
  EXPECT_THROW(while (true) payloads += witness.read_packet<mqtt::Publish>().payload, ConnectionClosed);
  // What had come by then, and the will at the end in any case.
  EXPECT_TRUE(payloads == "123" || payloads == "13") << payloads;
  EXPECT_EQ(prosody.wait_for_end().status, 0);
}

TEST(LifeCycleWithAnError, OnAVirtualHostTheLogSaysWhyAndNothingElseBreaks) {
  Prosody prosody;
  prosody.start({.virtual_host = R"(modules_enabled = { "pubsub_mqtt" })"});
  const std::string line = prosody.log().wait_for("localhost:pubsub_mqtt.*pubsub component");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  RawMqtt client = subscriber(prosody, "client");
  expect_round_trip(client, "1");
  XmppClient juliet("juliet@localhost", account_password, prosody.c2s_port());
  juliet.ping("localhost");
}

TEST_F(LifeCycle, OnAComponentWithoutModPubsubTheLogSaysThatThisIsMissing) {
  prosody.shell(R"(module:unload("pubsub", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  prosody.log().wait_for("pubsub.localhost:pubsub_mqtt\terror\tmod_pubsub is not loaded");
}

TEST_F(LifeCycle, AHostOnWhichNotEverythingCanBeHookedIsNotServedAtAll) {
  const auto tell_service = [&](const std::string& events) {
    prosody.shell(">local events = prosody.hosts['pubsub.localhost'].modules.pubsub.get_service().events " +
                  events);
  };
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node", {{"access_model", "open"}});
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  tell_service("events.kept, events.wrappers = events.wrappers, nil");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");
  prosody.log().wait_for("error\tMQTT is not available on this host until the module is reloaded: ");
  tell_service("prosody.log('info', 'handlers: %d', #(events.get_handlers('item-published') or {}))");
  prosody.log().wait_for("handlers: 0");

  RawMqtt publisher = connected(prosody.mqtt_port(), "publisher");
  publisher.send(mqtt::Publish{.topic = json_topic, .payload = "1"});
  publisher.wait_for_close();
  EXPECT_TRUE(admin.items("node").empty());
  admin.publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  EXPECT_EQ(admin.items("node").size(), 1U);
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  EXPECT_EQ(client.subscribe(json_topic), mqtt::Reason::granted_qos_0) << "it waits";

  tell_service("events.wrappers = events.kept");
  prosody.shell(R"(module:reload("pubsub_mqtt", "pubsub.localhost"))");
  expect_round_trip(client, "2");
}

// A plugin path with the Lua half alone in it.
std::filesystem::path copy_of_the_shim(const Prosody& prosody) {
  const std::filesystem::path folder = prosody.folder().path("modules");
  std::filesystem::copy(modules_folder(), folder, std::filesystem::copy_options::recursive);
  std::filesystem::remove(folder / "mod_pubsub_mqtt/pubsub_mqtt.so");
  return folder;
}

void expect_error_about_the_library(Prosody& prosody, const std::filesystem::path& folder) {
  prosody.set_plugin_path(folder);
  prosody.start();
  const std::string library = folder / "mod_pubsub_mqtt/pubsub_mqtt.so";
  const std::string line = prosody.log().wait_for(library);
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  EXPECT_TRUE(nobody_listens(prosody.mqtt_port()));
  XmppClient admin("admin@localhost", account_password, prosody.c2s_port());
  admin.create("node");
}

TEST(LifeCycleWithAnError, AMissingLibraryIsNamedInTheLog) {
  Prosody prosody;
  expect_error_about_the_library(prosody, copy_of_the_shim(prosody));
}

TEST(LifeCycleWithAnError, ALibraryForAnotherLuaIsNamedInTheLog) {
  Prosody prosody;
  const std::filesystem::path folder = copy_of_the_shim(prosody);
  std::filesystem::copy_file(PUBSUB_MQTT_LIBRARY_FOR_ANOTHER_LUA, folder / "mod_pubsub_mqtt/pubsub_mqtt.so");
  expect_error_about_the_library(prosody, folder);
}

TEST(LifeCycleWithAnError, AnotherBackendThanEpollIsRefused) {
  Prosody prosody;
  prosody.start({.global = "network_backend = \"select\""});
  const std::string line = prosody.log().wait_for("pubsub_mqtt.*epoll");
  EXPECT_NE(line.find("error"), std::string::npos) << line;
  XmppClient("admin@localhost", account_password, prosody.c2s_port()).create("node");
  // With this backend Prosody 13 does not hear SIGTERM, and ends before its shell has answered.
  try {
    prosody.shell("server:shutdown()");
  } catch (const std::exception&) {
  }
  EXPECT_EQ(prosody.wait_for_end().status, 0);
}

TEST_F(LifeCycle, TenThousandConnectionsLeaveMemoryWhereItWas) {
  XmppClient("admin@localhost", account_password, prosody.c2s_port())
      .create("node", {{"access_model", "open"}, {"persist_items", "false"}});
  const auto serve = [this](int connections) {
    for (int i = 0; i < connections; ++i) {
      RawMqtt client = connected(prosody.mqtt_port(), "");
      client.subscribe("pubsub.localhost/json/node" + std::to_string(i % 10));
      client.send(mqtt::Publish{.topic = json_topic, .payload = "1"});
      client.ping();
    }
    prosody.shell(">collectgarbage()");
  };
  serve(1000);
  const std::size_t before = prosody.resident_bytes();
  serve(10000);
  EXPECT_LT(prosody.resident_bytes(), before + memory_limit);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
