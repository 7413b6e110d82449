// What is malformed closes its connection, with a debug line, and touches nobody else.
#include <gtest/gtest.h>

#include "raw_mqtt.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using namespace std::string_literals;

template <typename P>
std::string bytes_of(const P& packet) {
  std::string bytes;
  mqtt::write(packet, bytes);
  return bytes;
}

std::string connect_bytes() { return bytes_of(mqtt::Connect{.client_identifier = "bad"}); }

// A PUBLISH to a node, with so many bytes of payload.
std::string publish_bytes(std::size_t payload_size) {
  std::string payload;
  payload.resize(payload_size, 'x');
  return bytes_of(mqtt::Publish{.topic = "pubsub.localhost/utf8/node", .payload = payload});
}

// Small: gtest copies it many times in each process, whichever test that runs.
struct Misbehaviour {
  const char* name;
  std::string bytes;
  std::size_t payload_size = 0;  // of a PUBLISH after these bytes, where not 0
};

void PrintTo(const Misbehaviour& misbehaviour, std::ostream* out) { *out << misbehaviour.name; }

class Malformed : public RunningProsody, public testing::WithParamInterface<Misbehaviour> {};

TEST_P(Malformed, ClosesItsConnectionAndNoOther) {
  RawMqtt witness = connected(prosody.mqtt_port(), "witness");
  ASSERT_EQ(witness.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  RawMqtt offender(prosody.mqtt_port());
  try {
    offender.send_bytes(GetParam().bytes);
    if (GetParam().payload_size != 0) offender.send_bytes(publish_bytes(GetParam().payload_size));
  } catch (const ConnectionClosed&) {
    // before all was sent
  }
  offender.wait_for_close();
  const std::string line = prosody.log().wait_for("127.0.0.1.*(closed|WebSocket failed): .");
  // An administrator can mend what is too large.
  const bool is_too_large = line.find("mqtt_max_packet_size") != std::string::npos;
  EXPECT_NE(line.find(is_too_large ? "info" : "debug"), std::string::npos) << line;

  RawMqtt next = connected(prosody.mqtt_port(), "next");
  next.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(witness.read_packet<mqtt::Publish>().payload, "1");
}

INSTANTIATE_TEST_SUITE_P(
    , Malformed,
    testing::Values(Misbehaviour{"Garbage", "\xFF\xFE\xFD\xFC"s},
                    Misbehaviour{"Zeroes", std::string(100, '\0')},
                    Misbehaviour{"Http", "GET /\r\n\r\n"},
                    Misbehaviour{"NoConnectFirst", bytes_of(mqtt::Pingreq{})},
                    Misbehaviour{"ASecondConnect", connect_bytes() + connect_bytes()},
                    Misbehaviour{"RemainingLengthOfFiveBytes", connect_bytes() + "\x30\xFF\xFF\xFF\xFF\x01"},
                    Misbehaviour{"ReservedFlags", connect_bytes() + "\xC1\x00"s},
                    Misbehaviour{"QoS3", connect_bytes() + "\x36\x05\x00\x01t\x00\x01"s},
                    Misbehaviour{"WildcardInTopicName", connect_bytes() + "\x30\x03\x00\x01#"s},
                    Misbehaviour{"NulInTopicName", connect_bytes() + "\x30\x03\x00\x01\x00"s},
                    Misbehaviour{"BadUtf8InTopicName", connect_bytes() + "\x30\x03\x00\x01\xFC"s},
                    Misbehaviour{"SubscribeWithoutFilter", connect_bytes() + "\x82\x02\x00\x01"s},
                    Misbehaviour{"BadFilter", connect_bytes() + "\x82\x07\x00\x01\x00\x02"
                                                                "a#\x00"s},
                    Misbehaviour{"ATopicLongerThanItsPacket", connect_bytes() + "\x30\x03\xFF\xFF"
                                                                                "t"s},
                    Misbehaviour{"AServersPacket", connect_bytes() + bytes_of(mqtt::Pingresp{})},
                    Misbehaviour{"AClaimOf256MB", connect_bytes() + "\x30\xFF\xFF\xFF\x7F"},
                    Misbehaviour{"TenMegabytes", connect_bytes(), 10000000}),
    [](const auto& parameter) { return parameter.param.name; });

using Fragments = RunningProsody;

TEST_F(Fragments, OneByteAtATimeWillDo) {
  RawMqtt client(prosody.mqtt_port());
  const std::string all = connect_bytes() +
                          bytes_of(mqtt::Subscribe{1, {{.topic_filter = "pubsub.localhost/json/node"}}}) +
                          bytes_of(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  for (const char byte : all) client.send_bytes({&byte, 1});
  client.read_packet<mqtt::Connack>();
  client.read_packet<mqtt::Suback>();
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, "1");
}

TEST_F(Fragments, ManyPacketsAtOnceWillDo) {
  RawMqtt client(prosody.mqtt_port());
  std::string all =
      connect_bytes() + bytes_of(mqtt::Subscribe{1, {{.topic_filter = "pubsub.localhost/json/node"}}});
  for (int i = 0; i < 100; ++i) {
    all += bytes_of(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = std::to_string(i)});
  }
  client.send_bytes(all);
  client.read_packet<mqtt::Connack>();
  client.read_packet<mqtt::Suback>();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.read_packet<mqtt::Publish>().payload, std::to_string(i));
}

TEST(Limits, MqttMaxPacketSizeCountsTheWholePacket) {
  Prosody prosody;
  prosody.start({.global = "mqtt_max_packet_size = 1000"});
  const std::string topic = "pubsub.localhost/utf8/node";
  const std::size_t around = 3 + 2 + topic.size();
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  client.send(mqtt::Publish{.topic = topic, .payload = std::string(1000 - around, 'x')});
  client.ping();
  client.send(mqtt::Publish{.topic = topic, .payload = std::string(1001 - around, 'x')});
  client.wait_for_close();
}

TEST(Limits, MqttConnectTimeoutClosesWhoSendsNoConnect) {
  Prosody prosody;
  prosody.start({.global = "mqtt_connect_timeout = 1"});
  RawMqtt patient = connected(prosody.mqtt_port(), "patient");
  RawMqtt silent(prosody.mqtt_port());
  RawMqtt slow(prosody.mqtt_port());
  slow.send_bytes(connect_bytes().substr(0, 5));
  silent.wait_for_close();
  slow.wait_for_close();
  prosody.log().wait_for("127.0.0.1.*mqtt_connect_timeout");
  patient.ping();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
