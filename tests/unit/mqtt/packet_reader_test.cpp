#include "pubsub_mqtt/mqtt/packet_reader.h"

#include <gtest/gtest.h>

#include <numeric>

#include "../base/allocated_bytes.h"
#include "packet_bytes.h"
#include "reading.h"

namespace pubsub_mqtt::mqtt {
namespace {

using namespace std::string_view_literals;

// `bytes` hold one packet and nothing else. The packet's views lie in `bytes`.
Packet read_one(std::string_view bytes) {
  PacketReader reader(default_max_packet_size);
  auto result = reader.read(bytes);
  EXPECT_TRUE(bytes.empty());
  if (const auto* malformed = std::get_if<Malformed>(&result)) ADD_FAILURE() << malformed->reason;
  return std::get<Packet>(result);
}

TEST(PacketReader, ReadsTheSmallestConnectOf_3_1) {
  EXPECT_EQ(read_one(bytes(0x10, 12, 0, 4, "MQTT", 4, 0x02, 0, 0, 0, 0)), Packet(Connect{}));
}

TEST(PacketReader, ReadsAConnectWithEveryFieldOf_3_1) {
  const auto connect = bytes(0x10, 38, 0, 4, "MQTT", 4, 0xF4, 0x12, 0x34, 0, 2, "id", 0, 3, "w/t", 0, 3,
                             "bye", 0, 4, "user", 0, 6, "secret");
  Connect expected;
  expected.clean_session = false;
  expected.keep_alive = 0x1234;
  expected.client_identifier = "id";
  expected.will = Publish{.topic = "w/t", .payload = "bye", .qos = QoS::exactly_once, .retain = true};
  expected.user_name = "user";
  expected.password = "secret";
  EXPECT_EQ(read_one(connect), Packet(expected));
}

TEST(PacketReader, ReadsAUserNameWithoutAPassword_MQTT_3_1_2_20) {
  const auto connect = packet(0x10, field("MQTT"), 4, 0x82, 0, 0, field("id"), field("user"));
  const auto read = std::get<Connect>(read_one(connect));
  EXPECT_EQ(read.user_name, "user");
  EXPECT_EQ(read.password, std::nullopt);
}

TEST(PacketReader, KeepsAnEmptyUserNameApartFromNone_MQTT_3_1_2_19) {
  const auto connect = packet(0x10, field("MQTT"), 4, 0xC2, 0, 0, field("id"), field(""), field(""));
  const auto read = std::get<Connect>(read_one(connect));
  EXPECT_EQ(read.user_name, "");
  EXPECT_EQ(read.password, "");
}

TEST(PacketReader, ReadsAnyBytesAsWillMessageAndPassword_3_1_3_3_and_3_1_3_5) {
  const auto connect = packet(0x10, field("MQTT"), 4, 0xC6, 0, 0, field("id"), field("t"), field("\0\xFF"sv),
                              field("u"), field("\xC0\0"sv));
  const auto read = std::get<Connect>(read_one(connect));
  EXPECT_EQ(read.will.value_or(Publish{}).payload, "\0\xFF"sv);
  EXPECT_EQ(read.password, "\xC0\0"sv);
}

TEST(PacketReader, LeavesAnEmptyIdentifierWithoutCleanSessionToTheSession_MQTT_3_1_3_8) {
  const auto connect = packet(0x10, field("MQTT"), 4, 0x00, 0, 0, field(""));
  const auto read = std::get<Connect>(read_one(connect));
  EXPECT_FALSE(read.clean_session);
  EXPECT_EQ(read.client_identifier, "");
}

TEST(PacketReader, ReadsTheConnectOfABridge) {
  for (const auto level : {ProtocolLevel::mqtt_3_1, ProtocolLevel::mqtt_3_1_1}) {
    const bool is_3_1 = level == ProtocolLevel::mqtt_3_1;
    const auto connect =
        packet(0x10, field(is_3_1 ? "MQIsdp" : "MQTT"), is_3_1 ? 0x83 : 0x84, 0x02, 0, 60, field("id"));
    const Connect expected{.level = level, .is_bridge = true, .keep_alive = 60, .client_identifier = "id"};
    EXPECT_EQ(read_one(connect), Packet(expected));
    EXPECT_EQ(encoded(expected), connect);
  }
}

TEST(PacketReader, ReadsConnackOf_3_2) {
  EXPECT_EQ(read_one(bytes(0x20, 2, 0, 0)), Packet(Connack{}));
  EXPECT_EQ(read_one(bytes(0x20, 2, 1, 0)), Packet(Connack{.session_present = true}));
  EXPECT_EQ(read_one(bytes(0x20, 2, 0, 5)), Packet(Connack{.reason = Reason::not_authorized}));
}

TEST(PacketReader, ReadsPublishOf_3_3) {
  EXPECT_EQ(read_one(bytes(0x30, 9, 0, 3, "a/b", "21.5")),
            Packet(Publish{.topic = "a/b", .payload = "21.5"}));
  EXPECT_EQ(read_one(bytes(0x31, 3, 0, 1, "t")), Packet(Publish{.topic = "t", .retain = true}));
  EXPECT_EQ(read_one(bytes(0x3A, 6, 0, 1, "t", 0x0A, 0x0B, "p")),
            Packet(Publish{.topic = "t",
                           .payload = "p",
                           .qos = QoS::at_least_once,
                           .dup = true,
                           .packet_identifier = 0x0A0B}));
  EXPECT_EQ(read_one(bytes(0x34, 5, 0, 1, "t", 0, 1)),
            Packet(Publish{.topic = "t", .qos = QoS::exactly_once, .packet_identifier = 1}));
}

TEST(PacketReader, ReadsAnyBytesAsPayload_3_3_3) {
  const auto publish = bytes(0x30, 6, 0, 1, "t", "\0\xFF\xC0"sv);
  EXPECT_EQ(std::get<Publish>(read_one(publish)).payload, "\0\xFF\xC0"sv);
}

TEST(PacketReader, KeepsTheByteOrderMarkOfATopic_MQTT_1_5_3_3) {
  const auto publish = packet(0x30, field("\xEF\xBB\xBFt"));
  EXPECT_EQ(std::get<Publish>(read_one(publish)).topic, "\xEF\xBB\xBFt");
}

TEST(PacketReader, ReadsAcknowledgementsOf_3_4_to_3_7_and_3_11) {
  EXPECT_EQ(read_one(bytes(0x40, 2, 1, 2)), Packet(Puback{0x0102}));
  EXPECT_EQ(read_one(bytes(0x50, 2, 1, 2)), Packet(Pubrec{0x0102}));
  EXPECT_EQ(read_one(bytes(0x62, 2, 1, 2)), Packet(Pubrel{0x0102}));
  EXPECT_EQ(read_one(bytes(0x70, 2, 1, 2)), Packet(Pubcomp{0x0102}));
  EXPECT_EQ(read_one(bytes(0xB0, 2, 0xFF, 0xFF)), Packet(Unsuback{0xFFFF}));
}

TEST(PacketReader, ReadsSubscribeAndUnsubscribeOf_3_8_and_3_10) {
  EXPECT_EQ(read_one(bytes(0x82, 14, 0, 10, 0, 3, "a/b", 1, 0, 3, "c/#", 2)),
            Packet(Subscribe{.packet_identifier = 10,
                             .subscriptions = {{"a/b", QoS::at_least_once}, {"c/#", QoS::exactly_once}}}));
  EXPECT_EQ(read_one(bytes(0xA2, 10, 0, 10, 0, 3, "a/b", 0, 1, "c")),
            Packet(Unsubscribe{.packet_identifier = 10, .topic_filters = {"a/b", "c"}}));
}

TEST(PacketReader, ReadsSubackOf_3_9) {
  using enum Reason;
  EXPECT_EQ(read_one(bytes(0x90, 6, 0, 3, 0, 1, 2, 0x80)),
            Packet(Suback{.packet_identifier = 3,
                          .reasons = {granted_qos_0, granted_qos_1, granted_qos_2, unspecified_error}}));
}

TEST(PacketReader, ReadsThePacketsWithoutABodyOf_3_12_to_3_14) {
  EXPECT_EQ(read_one(bytes(0xC0, 0)), Packet(Pingreq{}));
  EXPECT_EQ(read_one(bytes(0xD0, 0)), Packet(Pingresp{}));
  EXPECT_EQ(read_one(bytes(0xE0, 0)), Packet(Disconnect{}));
}

// One of each kind, and the shapes that they can have.
std::vector<std::string> packets_of_every_kind() {
  using enum Reason;
  Connect full;
  full.client_identifier = "client";
  full.will = Publish{.topic = "w/t", .payload = "bye", .qos = QoS::at_least_once, .retain = true};
  full.user_name = "user";
  full.password = "secret";
  const std::string long_payload(200, 'p');
  const std::vector<Packet> packets{
      Connect{},
      full,
      Connack{.session_present = true},
      Publish{.topic = "t"},
      Publish{.topic = "a/b", .payload = long_payload, .retain = true},
      Publish{.topic = "\xE2\x82\xAC",
              .payload = "p",
              .qos = QoS::exactly_once,
              .dup = true,
              .packet_identifier = 0xFFFF},
      Puback{1},
      Pubrec{2},
      Pubrel{3},
      Pubcomp{4},
      Subscribe{.packet_identifier = 5,
                .subscriptions = {{"a/+", QoS::at_least_once}, {"#", QoS::exactly_once}}},
      Suback{.packet_identifier = 6, .reasons = {granted_qos_1, unspecified_error}},
      Unsubscribe{.packet_identifier = 7, .topic_filters = {"a/+", "#"}},
      Unsuback{8},
      Pingreq{},
      Pingresp{},
      Disconnect{},
  };
  std::vector<std::string> all;
  all.reserve(packets.size());
  for (const auto& any : packets) all.push_back(encoded(any));
  return all;
}

std::string join(const std::vector<std::string>& parts) {
  return std::accumulate(parts.begin(), parts.end(), std::string());
}

TEST(PacketReader, ReadsBackWhatTheWriterWrote) {
  for (const auto& one : packets_of_every_kind()) {
    EXPECT_EQ(read_fragments({one}), (Reading{.packets = {one}, .end = "between packets"}));
  }
}

TEST(PacketReader, TakesAnyNumberOfPacketsAtOnce) {
  const auto packets = packets_of_every_kind();
  EXPECT_EQ(read_fragments({join(packets)}), (Reading{.packets = packets, .end = "between packets"}));
}

TEST(PacketReader, TakesOneByteAtATime) {
  const auto packets = packets_of_every_kind();
  EXPECT_EQ(read_byte_by_byte(join(packets)), (Reading{.packets = packets, .end = "between packets"}));
}

TEST(PacketReader, TakesASplitAtEveryByte) {
  const auto packets = packets_of_every_kind();
  const auto joined = join(packets);
  const std::string_view all = joined;
  for (std::size_t i = 0; i <= all.size(); ++i) {
    ASSERT_EQ(read_fragments({all.substr(0, i), all.substr(i)}),
              (Reading{.packets = packets, .end = "between packets"}))
        << i;
  }
}

TEST(PacketReader, TakesTwoSplitsAtEveryPairOfBytesOfAPacket) {
  for (const auto& one : packets_of_every_kind()) {
    const std::string_view all = one;
    for (std::size_t i = 0; i <= all.size(); ++i) {
      for (std::size_t j = i; j <= all.size(); ++j) {
        ASSERT_EQ(read_fragments({all.substr(0, i), all.substr(i, j - i), all.substr(j)}),
                  (Reading{.packets = {one}, .end = "between packets"}))
            << i << ' ' << j;
      }
    }
  }
}

TEST(PacketReader, ConsumesOnePacketACall) {
  const auto two = bytes(0xC0, 0, 0xE0, 0);
  std::string_view input = two;
  PacketReader reader(default_max_packet_size);
  EXPECT_EQ(std::get<Packet>(reader.read(input)), Packet(Pingreq{}));
  EXPECT_EQ(input, bytes(0xE0, 0));
  EXPECT_EQ(std::get<Packet>(reader.read(input)), Packet(Disconnect{}));
  EXPECT_EQ(input, "");
  EXPECT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(input)));
}

TEST(PacketReader, ConsumesAllOfAnIncompletePacketAndNothingOfTheNext) {
  const auto publish = bytes(0x30, 4, 0, 1, "t", "p");
  PacketReader reader(default_max_packet_size);
  const std::string_view all = publish;
  auto input = all.substr(0, 4);
  EXPECT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(input)));
  EXPECT_EQ(input, "");

  const auto rest = bytes("tp", 0xC0, 0);
  input = rest;
  EXPECT_EQ(std::get<Packet>(reader.read(input)), Packet(Publish{.topic = "t", .payload = "p"}));
  EXPECT_EQ(input, bytes(0xC0, 0));
}

TEST(PacketReader, IsInAPacketFromItsFirstByteToItsLast) {
  const auto publish = bytes(0x30, 4, 0, 1, "t", "p");
  PacketReader reader(default_max_packet_size);
  EXPECT_FALSE(reader.in_packet());
  const std::string_view all = publish;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    auto byte = all.substr(i, 1);
    ASSERT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(byte)));
    ASSERT_TRUE(reader.in_packet()) << i;
  }
  auto last = all.substr(all.size() - 1);
  ASSERT_TRUE(std::holds_alternative<Packet>(reader.read(last)));
  EXPECT_FALSE(reader.in_packet());
  EXPECT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(last)));
  EXPECT_FALSE(reader.in_packet());
}

TEST(PacketReader, ReadsAWholePacketInPlaceWithoutAnAllocation) {
  const auto bytes_of_two = bytes(0xC0, 0, 0x32, 9, 0, 3, "a/b", 0, 7, "12");
  std::string_view input = bytes_of_two;
  PacketReader reader(default_max_packet_size);
  const auto before = allocated_bytes();
  forget_peak();
  ASSERT_TRUE(std::holds_alternative<Packet>(reader.read(input)));
  const auto result = reader.read(input);
  EXPECT_EQ(peak_of_allocated_bytes(), before);
  const auto& publish = std::get<Publish>(std::get<Packet>(result));
  EXPECT_EQ(publish.topic.data(), bytes_of_two.data() + 6);
  EXPECT_EQ(publish.payload.data(), bytes_of_two.data() + 11);
}

TEST(PacketReader, KeepsWhatItReceivedNotWhatAPacketClaims) {
  // 262,140 bytes are announced, and eleven are sent.
  const auto start = bytes(0x30, 0xFC, 0xFF, 0x0F, 0, 3, "a/b", "12");
  PacketReader reader(default_max_packet_size);
  const auto before = allocated_bytes();
  forget_peak();
  std::string_view input = start;
  ASSERT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(input)));
  EXPECT_LT(peak_of_allocated_bytes() - before, 64U);

  for (int i = 0; i < 1000; ++i) {
    std::string_view byte = "x";
    ASSERT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(byte)));
  }
  EXPECT_LT(peak_of_allocated_bytes() - before, 4096U);
}

TEST(PacketReader, GivesItsMemoryBackAfterALargePacket) {
  const std::string payload(200000, 'p');
  const auto publish = encoded(Publish{.topic = "t", .payload = payload});
  PacketReader reader(default_max_packet_size);
  const auto before = allocated_bytes();
  const std::string_view all = publish;
  auto first = all.substr(0, 100000);
  ASSERT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(first)));
  EXPECT_GT(allocated_bytes() - before, 99999U);
  auto second = all.substr(100000);
  ASSERT_TRUE(std::holds_alternative<Packet>(reader.read(second)));
  ASSERT_TRUE(std::holds_alternative<NeedMoreBytes>(reader.read(second)));
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(PacketReader, TakesAMegabyteByteByByte) {
  // A reader that looked at all of it again with every byte would not be done today.
  const std::string payload(1000000, 'p');
  const auto publish = encoded(Publish{.topic = "t", .payload = payload});
  const auto reading = read_byte_by_byte(publish, publish.size());
  ASSERT_EQ(reading.packets.size(), 1U);
  EXPECT_TRUE(reading.packets.front() == publish);
}

TEST(PacketReader, TakesAPacketOfTheGreatestSizeAndNotOneByteMore) {
  const std::string payload(95, 'p');
  const auto publish = encoded(Publish{.topic = "t", .payload = payload});
  ASSERT_EQ(publish.size(), 100U);
  EXPECT_EQ(read_fragments({publish}, 100).packets, std::vector{publish});
  EXPECT_EQ(read_byte_by_byte(publish, 100).packets, std::vector{publish});
  const Reading too_large{
      .packets = {}, .end = "a packet larger than mqtt_max_packet_size", .code = Reason::packet_too_large};
  EXPECT_EQ(read_fragments({publish}, 99), too_large);
  EXPECT_EQ(read_byte_by_byte(publish, 99), too_large);
}

TEST(PacketReader, RefusesATooLargePacketAsSoonAsItsLengthIsKnown) {
  const auto claim = bytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F);
  EXPECT_EQ(read_fragments({claim}).end, "a packet larger than mqtt_max_packet_size");
  EXPECT_EQ(read_byte_by_byte(claim).end, "a packet larger than mqtt_max_packet_size");
}

TEST(PacketReader, TakesTheGreatestRemainingLength_2_2_3) {
  EXPECT_EQ(read_fragments({bytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F)}, 268435460).end, "in a packet");
}

TEST(PacketReader, TakesARemainingLengthThatIsLongerThanNeedBe) {
  // 2.2.3 asks for no shortest form, unlike MQTT 5.0.
  EXPECT_EQ(read_one(bytes(0xC0, 0x80, 0x80, 0x80, 0x00)), Packet(Pingreq{}));
}

TEST(PacketReader, TellsAnotherProtocolLevelFromGarbage_MQTT_3_1_2_2) {
  const Reading unsupported{.packets = {}, .end = "unsupported protocol level"};
  // A later one
  const auto mqtt_6 = packet(0x10, field("MQTT"), 6, 0x02, 0, 60, 5, 0x11, 0, 0, 0, 10, field("id"));
  EXPECT_EQ(read_fragments({mqtt_6}), unsupported);
  EXPECT_EQ(read_byte_by_byte(mqtt_6), unsupported);
  // MQTT 5.0 and 3.1 of a bridge: the bit that says so makes no difference
  EXPECT_EQ(read_fragments({packet(0x10, field("MQTT"), 0x85, 0x02, 0, 60, field("id"))}), unsupported);
  EXPECT_EQ(read_fragments({packet(0x10, field("MQTT"), 0x83, 0x02, 0, 60, field("id"))}), unsupported);
  EXPECT_EQ(read_fragments({packet(0x10, field("MQIsdp"), 0x84, 0x02, 0, 60, field("id"))}), unsupported);
  EXPECT_EQ(read_fragments({packet(0x10, field("MQTT"), 3, 0x02, 0, 60, field("id"))}), unsupported);
  EXPECT_EQ(read_fragments({packet(0x10, field("MQIsdp"), 4, 0x02, 0, 60, field("id"))}), unsupported);
}

TEST(PacketReaderTest, TellsWhatBeginsBeforeItIsRead) {
  const std::string publish = "\x30\x82\x01" + std::string(130, 'x');
  const std::string_view pingreq("\xC0\x00", 2);
  PacketReader reader(1000);
  EXPECT_EQ(reader.start("").size, 0U);
  EXPECT_FALSE(reader.start("").is_request);
  EXPECT_FALSE(reader.start(pingreq).is_request);
  EXPECT_EQ(reader.start(pingreq).size, 2U);
  for (const char first : {'\x30', '\x82', '\xA2'}) {
    EXPECT_TRUE(reader.start(std::string(1, first)).is_request);
    EXPECT_EQ(reader.start(std::string(1, first)).size, 0U);  // not known yet
  }
  EXPECT_EQ(reader.start(publish).size, 133U);
  // It goes on with one that came in part.
  std::string_view part = std::string_view(publish).substr(0, 1);
  reader.read(part);
  const std::string rest = publish.substr(1);
  EXPECT_TRUE(reader.start(rest).is_request);
  EXPECT_EQ(reader.start(rest).size, 133U);
}

}  // namespace
}  // namespace pubsub_mqtt::mqtt
