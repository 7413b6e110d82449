// Where MQTT 3.1 ("MQIsdp", level 3) differs from 3.1.1, for the client that said in CONNECT that it speaks
// it.
#include <gtest/gtest.h>

#include "packet_bytes.h"
#include "pubsub_mqtt/mqtt/packet_reader.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt {
namespace {

const auto* const malformed_flags =
    "a fixed header with reserved flags that are not as listed [MQTT-2.2.2-2]";

std::string connect_3_1(int connect_flags) {
  return packet(0x10, field("MQIsdp"), 3, connect_flags, 0, 60, field("id"));
}

Connect read_connect(std::string_view bytes) {
  PacketReader reader(default_max_packet_size);
  const auto result = reader.read(bytes);
  if (const auto* malformed = std::get_if<Malformed>(&result)) ADD_FAILURE() << malformed->reason;
  return std::get<Connect>(std::get<Packet>(result));
}

TEST(Mqtt31, ReadsItsConnect) {
  const auto connect = connect_3_1(0x02);
  Connect expected;
  expected.level = ProtocolLevel::mqtt_3_1;
  expected.keep_alive = 60;
  expected.client_identifier = "id";
  EXPECT_EQ(read_connect(connect), expected);
}

TEST(Mqtt31, MaySetDupOnPubrelSubscribeAndUnsubscribe) {
  const std::vector<std::string> sent_again{packet(0x6A, 0, 1), packet(0x8A, 0, 1, field("a"), 0),
                                            packet(0xAA, 0, 1, field("a"))};
  for (const auto& again : sent_again) {
    const auto reading = read_fragments({connect_3_1(0x02) + again});
    EXPECT_EQ(reading.packets.size(), 2U);
    EXPECT_EQ(reading.end, "between packets");
    EXPECT_EQ(read_byte_by_byte(connect_3_1(0x02) + again), reading);
  }
}

// 3.1, section 2.1: they are not used there.
TEST(Mqtt31, MaySetFlagsThatItDisregards) {
  for (int flags = 0; flags <= 0x0F; ++flags) {
    const std::vector<std::string> packets{packet(0x40 | flags, 0, 1),
                                           packet(0x50 | flags, 0, 1),
                                           packet(0x60 | flags, 0, 1),
                                           packet(0x70 | flags, 0, 1),
                                           packet(0x80 | flags, 0, 1, field("a"), 0),
                                           packet(0xA0 | flags, 0, 1, field("a")),
                                           packet(0xC0 | flags),
                                           packet(0xE0 | flags)};
    for (const auto& each : packets) {
      const auto reading = read_fragments({connect_3_1(0x02) + each});
      EXPECT_EQ(reading.packets.size(), 2U) << flags;
      EXPECT_EQ(reading.end, "between packets") << flags;
    }
  }
}

TEST(Mqtt31, MaySetDupOnPublishAtQos0) {
  EXPECT_EQ(read_fragments({connect_3_1(0x02) + packet(0x38, field("a"))}).end, "between packets");
}

TEST(Mqtt31, MayNotPublishAtQos3) {
  EXPECT_EQ(read_fragments({connect_3_1(0x02), bytes(0x36)}).end, "PUBLISH at QoS 3 [MQTT-3.3.1-4]");
}

TEST(Mqtt31, IsForgottenByTheNextReader) {
  EXPECT_EQ(read_fragments({bytes(0x8A)}).end, malformed_flags);
  const auto connect_3_1_1 = packet(0x10, field("MQTT"), 4, 0x02, 0, 60, field("id"));
  EXPECT_EQ(read_fragments({connect_3_1_1, bytes(0x8A)}).end, malformed_flags);
}

TEST(Mqtt31, MayLeaveOutAnAnnouncedUserNameAndPassword) {
  // 3.1, section 3.1: the remaining length takes precedence over the user name and password flags.
  const auto neither = connect_3_1(0xC2);
  EXPECT_EQ(read_connect(neither).user_name, std::nullopt);
  EXPECT_EQ(read_connect(neither).password, std::nullopt);
  const auto no_password = packet(0x10, field("MQIsdp"), 3, 0xC2, 0, 60, field("id"), field("user"));
  EXPECT_EQ(read_connect(no_password).user_name, "user");
  EXPECT_EQ(read_connect(no_password).password, std::nullopt);
}

TEST(Mqtt31, MayNotCutAUserNameOff) {
  const auto connect = packet(0x10, field("MQIsdp"), 3, 0x82, 0, 60, field("id"), 0, 4, "use");
  EXPECT_EQ(read_fragments({connect}).end, "a packet that ends before its last field [MQTT-4.8.0-1]");
}

TEST(Mqtt31, MayNotSendAPasswordWithoutAUserName) {
  const auto connect = packet(0x10, field("MQIsdp"), 3, 0x42, 0, 60, field("id"), field("secret"));
  EXPECT_EQ(read_fragments({connect}).end, "CONNECT with a password but no user name [MQTT-3.1.2-22]");
}

TEST(Mqtt31, MaySetConnectFlagsThatItDisregards) {
  // 3.1, section 3.1: bit 0 is not used; without a will, its QoS and RETAIN are disregarded.
  for (const int disregarded : {0x01, 0x08, 0x10, 0x18, 0x20}) {
    const auto connect = connect_3_1(0x02 | disregarded);
    EXPECT_EQ(read_connect(connect).will, std::nullopt);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
