// The network thread's log lines arrive in Prosody's log.
#include <gtest/gtest.h>

#include <filesystem>

#include "mosquitto_command.h"
#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Log = RunningProsody;

TEST_F(Log, ALineHasTheClientsAddressAndIdentifier) {
  MosquittoCommand client({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(prosody.mqtt_port()),
                           "-i", "thermometer", "-t", "pubsub.localhost/json/node", "-m", "1"});
  EXPECT_EQ(client.wait(), 0);
  const std::string line = prosody.log().wait_for("127\\.0\\.0\\.1.*thermometer.*connected");
  EXPECT_NE(line.find("pubsub_mqtt\tdebug"), std::string::npos) << line;
  prosody.log().wait_for("127\\.0\\.0\\.1.*thermometer.*disconnected");
}

TEST_F(Log, ARefusalIsLoggedOncePerClientAndCause) {
  for (const char* identifier : {"first", "second"}) {
    RawMqtt client = connected(prosody.mqtt_port(), identifier);
    for (int i = 0; i < 3; ++i) {
      client.send(mqtt::Publish{.topic = "unknown.example/json/node", .payload = "1"});
      client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "no json"});
    }
    client.subscribe("pubsub.localhost/json/node");  // is answered after the publishes
  }
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("first.*unknown.example"), 1U);
  EXPECT_EQ(prosody.log().count("second.*unknown.example"), 1U);
  EXPECT_EQ(prosody.log().count("first.*pubsub.localhost/json/node refused"), 1U);
}

TEST_F(Log, AClientThatComesBackRepeatsNoLine) {
  for (int i = 0; i < 30; ++i) {
    RawMqtt client = connected(prosody.mqtt_port(), "meter");
    client.send(mqtt::Publish{.topic = "unknown.example/json/node", .payload = "1"});
    client.subscribe("pubsub.localhost/json/node");  // is answered after the publish
    connected(prosody.mqtt_port(), "meter").ping();  // a takeover
  }
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("meter.*unknown.example.*refused"), 1U);
  EXPECT_EQ(prosody.log().count("info.*meter.*closed, its client identifier connected again"), 1U);
}

TEST_F(Log, AClientIdentifierCannotForgeALine) {
  connected(prosody.mqtt_port(), "x\n00:00:00 general\terror\tforged \x1B[31m").ping();
  prosody.log().wait_for("127\\.0\\.0\\.1.*forged.*connected");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("^00:00:00"), 0U);
  EXPECT_EQ(prosody.log().count("\x1B"), 0U);
}

TEST_F(Log, ALineSaysHowAConnectionEnded) {
  RawMqtt closing = connected(prosody.mqtt_port(), "closing");
  dynamic_cast<TcpStream&>(closing.stream()).close();
  const std::string line = prosody.log().wait_for("127\\.0\\.0\\.1:[0-9]+ \"closing\": closed by the client");
  EXPECT_NE(line.find("pubsub_mqtt\tdebug"), std::string::npos) << line;

  RawMqtt resetting = connected(prosody.mqtt_port(), "resetting");
  abort(resetting);
  prosody.log().wait_for("127\\.0\\.0\\.1:[0-9]+ \"resetting\": connection reset by peer");

  {
    RawMqtt secure(std::make_unique<TlsStream>(prosody.mqtt_tls_port(), TlsStream::Options{}));
    ASSERT_EQ(secure.connect("secure"), mqtt::Reason::success);
    secure.stream().send_last(std::string_view("\xC0\x00", 2));  // PINGREQ
  }
  prosody.log().wait_for("127\\.0\\.0\\.1:[0-9]+ \"secure\": closed by the client");
}

TEST(LogOfConnections, EachBeginsAndEndsWithALineAtInfo) {
  Prosody prosody;
  prosody.start({.global = "mqtt_log_connections = true"});
  // The lines of a client, two of which are how its connection begins and ends.
  const auto expect_lines = [&](const std::string& client, const std::string& begin, const std::string& end) {
    const std::string line = "info\t127\\.0\\.0\\.1:[0-9]+ \"" + client + "\": ";
    prosody.log().wait_for(line + end + "$");
    prosody.wait_for_log();
    EXPECT_EQ(prosody.log().count(line + begin + "$"), 1U) << client;
    EXPECT_EQ(prosody.log().count(line), 2U) << client;
  };
  RawMqtt leaving = connected(prosody.mqtt_port(), "leaving");
  disconnect(leaving);
  expect_lines("leaving", "connected, MQTT 3\\.1\\.1 over TCP", "disconnected");

  RawMqtt closing = connected(prosody.mqtt_port(), "closing");
  dynamic_cast<TcpStream&>(closing.stream()).close();
  expect_lines("closing", "connected, MQTT 3\\.1\\.1 over TCP", "closed by the client");

  RawMqtt resetting = connected(prosody.mqtt_port(), "resetting");
  abort(resetting);
  expect_lines("resetting", "connected, MQTT 3\\.1\\.1 over TCP", "connection reset by peer");

  {
    RawMqtt secure(std::make_unique<TlsStream>(prosody.mqtt_tls_port(), TlsStream::Options{}));
    ASSERT_EQ(secure.connect("secure"), mqtt::Reason::success);
    secure.send(mqtt::Connect{.client_identifier = "secure"});
    expect_lines("secure", "connected, MQTT 3\\.1\\.1 over TLS",
                 "closed: a second CONNECT \\[MQTT-3\\.1\\.0-2\\]");
  }
  for (int i = 0; i < 3; ++i) {  // at each of its ends, not once for a client
    const std::size_t mark = prosody.log().size();
    RawMqtt taken_over = connected(prosody.mqtt_port(), "meter");
    RawMqtt taking_over = connected(prosody.mqtt_port(), "meter");
    taken_over.wait_for_close();
    prosody.log().wait_for("info.*\"meter\": closed, its client identifier connected again$", mark);
  }
}

// What an administrator can mend is in the log at Prosody's default level, once a minute.
class LogAtInfo : public testing::Test {
 protected:
  void start(const std::string& global = {}) {
    prosody.start({.global = "log = { { to = \"file\", filename = \"" + prosody.folder().path("log") +
                             "\", levels = { min = \"info\" } } }\n" + global});
  }
  void expect_one_line(const std::string& line) {
    prosody.log().wait_for("info\t127.0.0.1:[0-9]+.*closed: " + line);
    prosody.wait_for_log();
    EXPECT_EQ(prosody.log().count(line), 1U);
  }

  Prosody prosody;
};

TEST_F(LogAtInfo, AVersionThatIsNotServed) {
  start();
  for (int i = 0; i < 3; ++i) {
    RawMqtt client(prosody.mqtt_port());
    client.send_bytes(std::string("\x10\x0C\x00\x04MQTT\x09\x02\x00\x3C\x00\x00", 14));
    client.wait_for_close();
  }
  expect_one_line("speaks a version of MQTT that is not served");
}

TEST_F(LogAtInfo, APacketOverTheLimit) {
  start("mqtt_max_packet_size = 1000");
  for (int i = 0; i < 3; ++i) {
    RawMqtt client = connected(prosody.mqtt_port(), "client");
    client.send(mqtt::Publish{.topic = topic, .payload = std::string(1000, 'x')});
    client.wait_for_close();
  }
  expect_one_line("a packet larger than mqtt_max_packet_size");
}

TEST_F(LogAtInfo, MqttWithoutTlsOnTheTlsPort) {
  start();
  for (int i = 0; i < 3; ++i) {
    RawMqtt client(prosody.mqtt_tls_port());
    client.send(mqtt::Connect{.client_identifier = "plain"});
    client.wait_for_close();
  }
  expect_one_line("TLS failed: the client speaks MQTT without TLS on one of mqtt_tls_ports");
}

TEST_F(LogAtInfo, NoCertificateForTheHostThatAClientNamesOrForOneThatNamesNone) {
  for (const char* host : {"localhost", "pubsub.localhost"}) {
    for (const char* ending : {".crt", ".key"}) {
      std::filesystem::remove(prosody.folder().path(std::string("certs/") + host + ending));
    }
  }
  start();
  for (const char* name : {"pubsub.localhost", "", "pubsub.localhost", ""}) {
    EXPECT_THROW(TlsStream(prosody.mqtt_tls_port(), {.server_name = name}), std::runtime_error);
  }
  expect_one_line(
      "TLS failed: the client asked for a host \\(SNI\\) for which there is no certificate.*reload");
  expect_one_line("TLS failed: the client asked for no host \\(SNI\\).*mqtt_tls_ssl.*reload");
}

TEST(LogLevels, ProsodysSettingDecidesWhatIsWritten) {
  Prosody prosody;
  prosody.start({.global = "log = { { to = \"file\", filename = \"" + prosody.folder().path("log") +
                           "\", levels = { min = \"info\" } } }"});
  RawMqtt client = connected(prosody.mqtt_port(), "thermometer");
  client.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "no json"});
  prosody.log().wait_for("thermometer.*refused");
  EXPECT_EQ(prosody.log().count("thermometer.*connected"), 0U);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
