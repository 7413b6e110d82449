// The rules of RFC 6455, section 5, that bind a server, and those of MQTT 3.1.1 and 5.0, chapter 6.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "client_frames.h"
#include "websocket/frame_reader.h"
#include "websocket/frame_writer.h"

namespace pubsub_mqtt::net {
namespace {

using FrameStatus = FrameReader::Status;

class FramesTest : public testing::Test {
 protected:
  FrameStatus read(std::string_view bytes) { return reader.read(bytes, payload, answer); }
  FrameStatus read(const Frame& frame) { return read(frame.bytes()); }

  FrameWriter writer;
  FrameReader reader{writer};
  std::string payload;
  std::string answer;
};

TEST_F(FramesTest, APayloadIsUnmasked) {
  EXPECT_EQ(read({.payload = "MQTT"}), FrameStatus::open);
  EXPECT_EQ(payload, "MQTT");
  EXPECT_EQ(answer, "");
  EXPECT_TRUE(reader.is_at_rest());
}

TEST_F(FramesTest, OfEachLength) {
  std::string all;
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 4096UL, 65535UL, 65536UL, 100000UL}) {
    const std::string sent(size, static_cast<char>('a' + size % 26));
    EXPECT_EQ(read({.payload = sent}), FrameStatus::open) << size;
    all += sent;
    EXPECT_EQ(payload, all) << size;
    EXPECT_TRUE(reader.is_at_rest()) << size;
  }
}

// [MQTT-6.0.0-2]
TEST_F(FramesTest, AByteAtATime) {
  std::string bytes;
  for (const std::size_t size : {0UL, 1UL, 126UL, 70000UL})
    bytes += Frame{.payload = std::string(size, 'x')}.bytes();
  bytes += Frame{.first = fin | ping, .payload = "?"}.bytes();
  for (const char byte : bytes) ASSERT_EQ(read(std::string_view(&byte, 1)), FrameStatus::open);
  EXPECT_EQ(payload, std::string(1 + 126 + 70000, 'x'));
  EXPECT_EQ(answer, server_frame(pong, "?"));
  EXPECT_TRUE(reader.is_at_rest());
}

TEST_F(FramesTest, ManyAtOnce) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += Frame{.payload = "0123456789"}.bytes();
  EXPECT_EQ(read(bytes), FrameStatus::open);
  EXPECT_EQ(payload.size(), 10000U);
  EXPECT_TRUE(reader.is_at_rest());
}

TEST_F(FramesTest, IsNotAtRestInsideAFrame) {
  const std::string frame = Frame{.payload = std::string(200, 'x')}.bytes();
  for (std::size_t i = 1; i < frame.size(); ++i) {
    FrameReader other{writer};
    other.read(std::string_view(frame).substr(0, i), payload, answer);
    EXPECT_FALSE(other.is_at_rest()) << i;
  }
  EXPECT_EQ(read(frame + frame.substr(0, 1)), FrameStatus::open);
  EXPECT_FALSE(reader.is_at_rest()) << "the next one has begun";
}

TEST_F(FramesTest, FragmentsAndControlFramesBetweenThem) {
  EXPECT_EQ(read({.first = binary, .payload = "one"}), FrameStatus::open);
  EXPECT_FALSE(reader.is_at_rest());
  EXPECT_EQ(read({.first = fin | ping, .payload = "?"}), FrameStatus::open);
  EXPECT_EQ(read({.first = continuation, .payload = ""}), FrameStatus::open);
  EXPECT_EQ(read({.first = fin | pong, .payload = "unasked"}), FrameStatus::open);
  EXPECT_EQ(read({.first = continuation, .payload = "two"}), FrameStatus::open);
  EXPECT_FALSE(reader.is_at_rest());
  EXPECT_EQ(payload, "onetwo") << "what has come is handed on";
  EXPECT_EQ(read({.first = fin | continuation, .payload = "three"}), FrameStatus::open);
  EXPECT_EQ(payload, "onetwothree");
  EXPECT_EQ(answer, server_frame(pong, "?"));
  EXPECT_TRUE(reader.is_at_rest());
}

TEST_F(FramesTest, APingIsAnsweredWithWhatItHeld) {
  for (const std::size_t size : {0UL, 1UL, 125UL}) {
    answer.clear();
    const std::string held(size, 'p');
    EXPECT_EQ(read({.first = fin | ping, .payload = held}), FrameStatus::open);
    EXPECT_EQ(answer, server_frame(pong, held));
  }
}

TEST_F(FramesTest, ACloseIsAnsweredWithItsCode) {
  EXPECT_EQ(read({.payload = "before"}), FrameStatus::open);
  EXPECT_EQ(read({.first = fin | connection_close, .payload = big_endian(1001, 2) + "going"}),
            FrameStatus::closed);
  EXPECT_EQ(payload, "before");
  EXPECT_EQ(answer, server_frame(connection_close, big_endian(1001, 2) + "going"));
}

TEST_F(FramesTest, ACloseWithoutACodeIsAnsweredWithoutOne) {
  EXPECT_EQ(read({.first = fin | connection_close}), FrameStatus::closed);
  EXPECT_EQ(answer, server_frame(connection_close, ""));
}

TEST_F(FramesTest, WhatFollowsACloseIsIgnored) {
  EXPECT_EQ(read(Frame{.first = fin | connection_close}.bytes() + Frame{.payload = "late"}.bytes()),
            FrameStatus::closed);
  EXPECT_EQ(payload, "");
}

// [MQTT-6.0.0-1]
TEST_F(FramesTest, TextIsRefused) {
  for (const char* sent : {"MQTT", "", "\xff"}) {
    FrameReader other{writer};
    std::string said;
    EXPECT_EQ(other.read(Frame{.first = fin | text, .payload = sent}.bytes(), payload, said),
              FrameStatus::failed);
    EXPECT_EQ(payload, "") << sent;
    EXPECT_EQ(said, close_frame(1003)) << sent;
    EXPECT_NE(other.error().find("text"), std::string_view::npos);
  }
}

TEST_F(FramesTest, TextIsRefusedFromItsFirstBytes) {
  EXPECT_EQ(read(Frame{.first = text, .payload = std::string(1000, 'x')}.bytes().substr(0, 9)),
            FrameStatus::failed);
  EXPECT_EQ(answer, close_frame(1003));
}

struct Odd {
  const char* what;
  std::string bytes;
};

TEST_F(FramesTest, FramesThatBreakTheRulesEndIt) {
  const std::string fragment = Frame{.first = binary, .payload = "a"}.bytes();
  const Odd odd_ones[] = {
      {"not masked", Frame{.payload = "MQTT", .is_masked = false}.bytes()},
      {"not masked, empty", Frame{.is_masked = false}.bytes()},
      {"a ping that is not masked", Frame{.first = fin | ping, .is_masked = false}.bytes()},
      {"RSV1", Frame{.first = fin | 0x40 | binary}.bytes()},
      {"RSV2", Frame{.first = fin | 0x20 | binary}.bytes()},
      {"RSV3", Frame{.first = fin | 0x10 | binary}.bytes()},
      {"RSV1 of a ping", Frame{.first = fin | 0x40 | ping}.bytes()},
      {"opcode 3", Frame{.first = fin | 0x3}.bytes()},
      {"opcode 7", Frame{.first = fin | 0x7}.bytes()},
      {"opcode 11", Frame{.first = fin | 0xb}.bytes()},
      {"opcode 15", Frame{.first = fin | 0xf}.bytes()},
      {"a ping of 126 bytes", Frame{.first = fin | ping, .payload = std::string(126, 'x')}.bytes()},
      {"a close of 126 bytes",
       Frame{.first = fin | connection_close, .payload = big_endian(1000, 2) + std::string(124, 'x')}
           .bytes()},
      {"a ping in fragments", Frame{.first = ping}.bytes()},
      {"a close in fragments", Frame{.first = connection_close}.bytes()},
      {"a continuation of nothing", Frame{.first = fin | continuation}.bytes()},
      {"a message inside a message", fragment + Frame{.payload = "b"}.bytes()},
      {"an unknown opcode inside a message", fragment + Frame{.first = fin | 0x4}.bytes()},
      {"125 in two bytes", Frame{.payload = std::string(125, 'x'), .length_bytes = 2}.bytes()},
      {"65535 in eight bytes", Frame{.payload = std::string(65535, 'x'), .length_bytes = 8}.bytes()},
      {"a length of 64 bits", std::string("\x82\xff\x80\0\0\0\0\0\0\0abcd", 14)},
      {"half a status code", Frame{.first = fin | connection_close, .payload = "x"}.bytes()},
      {"status code 0", Frame{.first = fin | connection_close, .payload = big_endian(0, 2)}.bytes()},
      {"status code 999", Frame{.first = fin | connection_close, .payload = big_endian(999, 2)}.bytes()},
      {"status code 1005", Frame{.first = fin | connection_close, .payload = big_endian(1005, 2)}.bytes()},
      {"status code 1006", Frame{.first = fin | connection_close, .payload = big_endian(1006, 2)}.bytes()},
      {"status code 1015", Frame{.first = fin | connection_close, .payload = big_endian(1015, 2)}.bytes()},
      {"status code 2999", Frame{.first = fin | connection_close, .payload = big_endian(2999, 2)}.bytes()},
      {"status code 5000", Frame{.first = fin | connection_close, .payload = big_endian(5000, 2)}.bytes()},
  };
  for (const auto& [what, bytes] : odd_ones) {
    FrameReader other{writer};
    std::string said;
    std::string carried;
    EXPECT_EQ(other.read(bytes, carried, said), FrameStatus::failed) << what;
    EXPECT_EQ(said, close_frame(1002)) << what;
    EXPECT_NE(other.error(), "") << what;
  }
}

TEST_F(FramesTest, AReasonThatIsNoTextEndsItWithACodeOfItsOwn) {
  EXPECT_EQ(read({.first = fin | connection_close, .payload = big_endian(1000, 2) + "\xff"}),
            FrameStatus::failed);
  EXPECT_EQ(answer, close_frame(1007));
}

TEST_F(FramesTest, WhatCameBeforeABrokenFrameIsHandedOn) {
  EXPECT_EQ(read(Frame{.payload = "good"}.bytes() + Frame{.first = fin | 0x3}.bytes()), FrameStatus::failed);
  EXPECT_EQ(payload, "good");
}

// A frame may be as long as a client likes: it is not kept.
TEST_F(FramesTest, AFrameOfManyGigabytesIsAStream) {
  std::string head("\x82\xff", 2);
  head += big_endian(1ULL << 40U, 8) + std::string(4, '\0');
  EXPECT_EQ(read(head + "MQTT"), FrameStatus::open);
  EXPECT_EQ(read("more"), FrameStatus::open);
  EXPECT_EQ(payload, "MQTTmore");
}

TEST(FrameWriterTest, AHeadIsAsShortAsItMayBe) {
  FrameWriter writer;
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 65535UL, 65536UL, 5000000UL}) {
    const std::string whole = server_frame(binary, std::string(size, 'x'));
    EXPECT_EQ(writer.head(size), whole.substr(0, whole.size() - size)) << size;
  }
  EXPECT_EQ(writer.ping(), server_frame(ping, ""));
  EXPECT_EQ(writer.close(1000), close_frame(1000));
  EXPECT_EQ(writer.head(1), std::string("\x82\x01"));
}

}  // namespace
}  // namespace pubsub_mqtt::net
