// The network thread's log lines arrive in Prosody's log.
#include <gtest/gtest.h>

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
    ASSERT_EQ(secure.connect("secure"), mqtt::ConnectReturnCode::accepted);
    secure.stream().send_last(std::string_view("\xC0\x00", 2));  // PINGREQ
  }
  prosody.log().wait_for("127\\.0\\.0\\.1:[0-9]+ \"secure\": closed by the client");
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
