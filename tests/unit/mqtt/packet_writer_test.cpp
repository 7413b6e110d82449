#include "pubsub_mqtt/mqtt/packet_writer.h"

#include <gtest/gtest.h>

#include "packet_bytes.h"

namespace pubsub_mqtt::mqtt {
namespace {

template <typename AnyPacket>
std::string written(const AnyPacket& packet) {
  std::string out;
  write(packet, out);
  return out;
}

TEST(PacketWriter, WritesTheSmallestConnectOf_3_1) {
  EXPECT_EQ(written(Connect{}), bytes(0x10, 12, 0, 4, "MQTT", 4, 0x02, 0, 0, 0, 0));
}

TEST(PacketWriter, WritesAConnectWithEveryFieldInTheOrderOf_MQTT_3_1_3_1) {
  Connect connect;
  connect.clean_session = false;
  connect.keep_alive = 0x1234;
  connect.client_identifier = "id";
  connect.will = Publish{.topic = "w/t", .payload = "bye", .qos = QoS::exactly_once, .retain = true};
  connect.user_name = "user";
  connect.password = "secret";
  EXPECT_EQ(written(connect), bytes(0x10, 38, 0, 4, "MQTT", 4, 0xF4, 0x12, 0x34, 0, 2, "id", 0, 3, "w/t", 0,
                                    3, "bye", 0, 4, "user", 0, 6, "secret"));
}

TEST(PacketWriter, WritesTheConnectOfMqtt_3_1) {
  Connect connect;
  connect.level = ProtocolLevel::mqtt_3_1;
  connect.client_identifier = "a";
  EXPECT_EQ(written(connect), bytes(0x10, 15, 0, 6, "MQIsdp", 3, 0x02, 0, 0, 0, 1, "a"));
}

TEST(PacketWriter, WritesConnackOf_3_2) {
  EXPECT_EQ(written(Connack{}), bytes(0x20, 2, 0, 0));
  EXPECT_EQ(written(Connack{.session_present = true}), bytes(0x20, 2, 1, 0));
  EXPECT_EQ(written(Connack{.reason = Reason::not_authorized}), bytes(0x20, 2, 0, 5));
}

TEST(PacketWriter, WritesPublishOf_3_3) {
  EXPECT_EQ(written(Publish{.topic = "a/b", .payload = "21.5"}), bytes(0x30, 9, 0, 3, "a/b", "21.5"));
  EXPECT_EQ(written(Publish{.topic = "a/b"}), bytes(0x30, 5, 0, 3, "a/b"));
  EXPECT_EQ(written(Publish{.topic = "t", .payload = "p", .retain = true}), bytes(0x31, 4, 0, 1, "t", "p"));
  EXPECT_EQ(
      written(Publish{
          .topic = "t", .payload = "p", .qos = QoS::at_least_once, .dup = true, .packet_identifier = 0x0A0B}),
      bytes(0x3A, 6, 0, 1, "t", 0x0A, 0x0B, "p"));
  EXPECT_EQ(written(Publish{.topic = "t", .qos = QoS::exactly_once, .packet_identifier = 1}),
            bytes(0x34, 5, 0, 1, "t", 0, 1));
}

TEST(PacketWriter, LeavesThePacketIdentifierOutAtQoS_0_MQTT_2_3_1_5) {
  EXPECT_EQ(written(Publish{.topic = "t", .packet_identifier = 7}), bytes(0x30, 3, 0, 1, "t"));
}

TEST(PacketWriter, WritesAcknowledgementsOf_3_4_to_3_7_and_3_11) {
  EXPECT_EQ(written(Puback{0x0102}), bytes(0x40, 2, 1, 2));
  EXPECT_EQ(written(Pubrec{0x0102}), bytes(0x50, 2, 1, 2));
  EXPECT_EQ(written(Pubrel{0x0102}), bytes(0x62, 2, 1, 2));
  EXPECT_EQ(written(Pubcomp{0x0102}), bytes(0x70, 2, 1, 2));
  EXPECT_EQ(written(Unsuback{0xFFFF}), bytes(0xB0, 2, 0xFF, 0xFF));
}

TEST(PacketWriter, WritesSubscribeAndUnsubscribeOf_3_8_and_3_10) {
  EXPECT_EQ(written(Subscribe{.packet_identifier = 10,
                              .subscriptions = {{"a/b", QoS::at_least_once}, {"c/#", QoS::exactly_once}}}),
            bytes(0x82, 14, 0, 10, 0, 3, "a/b", 1, 0, 3, "c/#", 2));
  EXPECT_EQ(written(Unsubscribe{.packet_identifier = 10, .topic_filters = {"a/b", "c"}}),
            bytes(0xA2, 10, 0, 10, 0, 3, "a/b", 0, 1, "c"));
}

TEST(PacketWriter, WritesSubackOf_3_9) {
  using enum Reason;
  EXPECT_EQ(written(Suback{.packet_identifier = 3,
                           .reasons = {granted_qos_0, granted_qos_1, granted_qos_2, unspecified_error}}),
            bytes(0x90, 6, 0, 3, 0, 1, 2, 0x80));
}

TEST(PacketWriter, WritesThePacketsWithoutABodyOf_3_12_to_3_14) {
  EXPECT_EQ(written(Pingreq{}), bytes(0xC0, 0));
  EXPECT_EQ(written(Pingresp{}), bytes(0xD0, 0));
  EXPECT_EQ(written(Disconnect{}), bytes(0xE0, 0));
}

TEST(PacketWriter, AppendsToWhatIsThere) {
  std::string out = "before";
  write(Pingreq{}, out);
  write(Disconnect{}, out);
  EXPECT_EQ(out, bytes("before", 0xC0, 0, 0xE0, 0));
}

// The header alone: a payload of 256 MiB need not exist to be announced.
std::string publish_header(std::size_t remaining_length) {
  std::string out;
  write_publish_header(Publish{.topic = "t"}, remaining_length - 3, out);
  return out;
}

TEST(PacketWriter, EncodesTheRemainingLengthAsInTable_2_4) {
  const auto topic = field("t");
  EXPECT_EQ(publish_header(3), bytes(0x30, 3, topic));
  EXPECT_EQ(publish_header(127), bytes(0x30, 0x7F, topic));
  EXPECT_EQ(publish_header(128), bytes(0x30, 0x80, 0x01, topic));
  EXPECT_EQ(publish_header(16383), bytes(0x30, 0xFF, 0x7F, topic));
  EXPECT_EQ(publish_header(16384), bytes(0x30, 0x80, 0x80, 0x01, topic));
  EXPECT_EQ(publish_header(2097151), bytes(0x30, 0xFF, 0xFF, 0x7F, topic));
  EXPECT_EQ(publish_header(2097152), bytes(0x30, 0x80, 0x80, 0x80, 0x01, topic));
  EXPECT_EQ(publish_header(268435455), bytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F, topic));
}

TEST(PacketWriter, EndsAPublishHeaderWithThePacketIdentifier) {
  const Publish publish{
      .topic = "t", .payload = "12345", .qos = QoS::at_least_once, .packet_identifier = 0x0203};
  std::string header;
  write_publish_header(publish, publish.payload.size(), header);
  EXPECT_EQ(header, bytes(0x32, 10, 0, 1, "t", 2, 3));
  EXPECT_EQ(header + std::string(publish.payload), written(publish));
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
