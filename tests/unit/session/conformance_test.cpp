// Statements of MQTT 3.1.1 that bind a session and that no other test of this folder holds;
// docs/conformance.md has them all.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;

struct SessionConformanceTest : ::testing::Test {
  Server server;
  Client client{server};
};

// With these bytes changed, the packet breaks a rule of section 3.1 for which there is no return code.
std::string connect_with(std::size_t at, char byte) {
  std::string bytes = bytes_of(mqtt::Connect{.client_identifier = "meter"});
  bytes.at(at) = byte;
  return bytes;
}

TEST_F(SessionConformanceTest,
       AConnectThatBreaksARuleIsClosedWithoutConnack) {  // [MQTT-3.1.4-1, MQTT-3.2.2-6]
  const std::vector<std::string> broken{
      connect_with(0, '\x11'),   // a reserved flag of the fixed header
      connect_with(4, 'N'),      // protocol name [MQTT-3.1.2-1]
      connect_with(9, '\x03'),   // the reserved connect flag [MQTT-3.1.2-3]
      connect_with(9, '\x0A'),   // will QoS without a will
      connect_with(9, '\x42'),   // password without a user name
      connect_with(14, '\xFF'),  // client identifier that is not UTF-8
  };
  for (const auto& bytes : broken) {
    Client offender(server);
    offender.receive(bytes);
    EXPECT_TRUE(offender.outbox.closed);
    EXPECT_EQ(offender.outbox.written, "");
  }
  EXPECT_EQ(server.sessions.size(), 0U);
}

TEST_F(SessionConformanceTest, NothingIsProcessedAfterARefusedConnect) {  // [MQTT-3.1.4-5]
  const std::string more =
      bytes_of(mqtt::Connect{.client_identifier = "meter"}) +
      bytes_of(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = "h/json/n"}}}) +
      bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "1"}) + bytes_of(mqtt::Pingreq{});
  client.receive(bytes_of(mqtt::Connect{.clean_session = false}) + more);
  EXPECT_EQ(client.outbox.take(),
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::client_identifier_not_valid}));
  Client of_mqtt_2(server);
  of_mqtt_2.receive(connect_with(8, '\x02') + more);
  EXPECT_EQ(of_mqtt_2.outbox.take(),
            bytes_of(mqtt::Connack{.reason = mqtt::Reason::unsupported_protocol_version}));
  EXPECT_TRUE(server.requests.empty());
}

// A client need not wait for CONNACK (3.1.4), but sees it first.
TEST_F(SessionConformanceTest, ConnackIsTheFirstPacket) {  // [MQTT-3.2.0-1]
  client.receive(bytes_of(mqtt::Connect{.client_identifier = "meter"}) + bytes_of(mqtt::Pingreq{}));
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Connack{}) + bytes_of(mqtt::Pingresp{}));
}

TEST_F(SessionConformanceTest, IdentifiersOfOneTo23LettersAndDigitsAreTaken) {  // [MQTT-3.1.3-5]
  const std::string characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (std::size_t size = 1; size <= 23; ++size) {
    for (std::size_t from = 0; from < characters.size(); from += size) {
      Client each(server);
      const std::string identifier = characters.substr(from, size);
      each.send(mqtt::Connect{.client_identifier = identifier});
      EXPECT_EQ(each.outbox.take(), bytes_of(mqtt::Connack{})) << identifier;
    }
  }
}

TEST_F(SessionConformanceTest, WithoutAWillNothingIsPublishedAtTheEnd) {  // [MQTT-3.1.2-12]
  client.connect("meter");
  client.lose();
  EXPECT_EQ(server.requested<PublishRequest>().size(), 0U);
}

TEST_F(SessionConformanceTest, NothingIsTakenAfterDisconnect) {  // [MQTT-3.14.4-2]
  client.connect("meter");
  client.receive(bytes_of(mqtt::Disconnect{}) + bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "1"}));
  EXPECT_EQ(server.requested<PublishRequest>().size(), 0U);
}

TEST_F(SessionConformanceTest, AfterPubackTheIdentifierIsANewMessageWhateverDupSays) {  // [MQTT-4.3.2-2]
  client.connect("meter");
  for (const bool dup : {false, false, true}) {
    client.send(mqtt::Publish{
        .topic = "h/json/n", .payload = "1", .qos = QoS::at_least_once, .dup = dup, .packet_identifier = 5});
    server.answer();
    EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Puback{.packet_identifier = 5}));
  }
  EXPECT_EQ(server.requested<PublishRequest>().size(), 3U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
