#include "websocket/websocket_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/allocated_bytes.h"
#include "client_frames.h"
#include "connection/stream_stack.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "some_page.h"

namespace pubsub_mqtt::net {
namespace {

using StreamStatus = Stream::Status;
using testing::StartsWith;

class WebSocketStreamTest : public testing::Test {
 protected:
  StreamStatus receive(std::string_view bytes) { return stream.receive(bytes, above, below); }

  void open() {
    EXPECT_EQ(receive(UpgradeText{}.text()), StreamStatus::open);
    EXPECT_THAT(below, StartsWith("HTTP/1.1 101 "));
    stream.take_introduction();
    below.clear();
  }

  // As a connection does, with what the session writes.
  void write(SendQueue& queue, std::string_view packets) {
    queue.push(stream.head(packets));
    queue.push(packets);
  }

  std::string send(std::string_view packets) {
    SendQueue frames;
    SendQueue sent;
    write(frames, packets);
    EXPECT_EQ(stream.send(frames, sent), StreamStatus::open);
    EXPECT_TRUE(frames.empty());
    return contents(sent);
  }

  static std::string contents(const SendQueue& queue) {
    std::string bytes;
    SendQueue::Buffers buffers;
    for (const auto& piece : queue.front(buffers)) {
      bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return bytes;
  }

  FrameWriter writer;
  WebSocketStream stream{arrival(), writer};
  std::string above;
  std::string below;
};

TEST_F(WebSocketStreamTest, MqttPassesAndTheStreamLeaves) {
  EXPECT_EQ(receive("\x10\x0c\x00\x04MQTT"), StreamStatus::open);
  EXPECT_EQ(above, std::string_view("\x10\x0c\x00\x04MQTT"));
  EXPECT_TRUE(stream.is_done());
  EXPECT_EQ(stream.take_introduction(), std::nullopt);
  EXPECT_EQ(send("CONNACK"), "CONNACK");
  EXPECT_EQ(stream.next_ping(), std::nullopt);
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, "");
}

// The first byte tells: MQTT and TLS begin with none of these.
TEST_F(WebSocketStreamTest, ACapitalLetterBeginsHttp) {
  EXPECT_EQ(receive("SSH-2.0-OpenSSH_9.2\r\n\r\n"), StreamStatus::failed);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(above, "");
}

TEST_F(WebSocketStreamTest, NothingElseDoes) {
  for (const std::string_view bytes : {"\x10", "\x16", "g", "<", "@", "["}) {
    WebSocketStream other{arrival(), writer};
    above.clear();
    EXPECT_EQ(other.receive(bytes, above, below), StreamStatus::open) << bytes;
    EXPECT_EQ(above, bytes);
    EXPECT_TRUE(other.is_done()) << bytes;
  }
}

TEST_F(WebSocketStreamTest, BecomesAWebSocketAByteAtATime) {
  std::string bytes = UpgradeText{}.text() + Frame{.payload = "MQTT"}.bytes();
  for (const char byte : bytes) ASSERT_EQ(receive(std::string_view(&byte, 1)), StreamStatus::open);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 101 "));
  EXPECT_EQ(above, "MQTT");
  EXPECT_FALSE(stream.is_done());
  const auto introduction = stream.take_introduction();
  ASSERT_TRUE(introduction);
  EXPECT_EQ(introduction->peer.address, "192.0.2.1");
  EXPECT_EQ(introduction->peer.websocket, session::WebSocketOrigin::known);
}

TEST_F(WebSocketStreamTest, FramesMayFollowTheRequestAtOnce) {
  EXPECT_EQ(receive(UpgradeText{}.text() + Frame{.payload = "MQTT"}.bytes()), StreamStatus::open);
  EXPECT_EQ(above, "MQTT");
}

TEST_F(WebSocketStreamTest, EachPacketIsOneFrame) {
  open();
  const std::string pingresp("\xd0\0", 2);
  const std::string auth("\xf0\0", 2);
  EXPECT_EQ(send(pingresp), server_frame(binary, pingresp));
  EXPECT_EQ(send(auth), server_frame(binary, auth));
}

// A payload that many subscribers share is not copied for each of them.
TEST_F(WebSocketStreamTest, APacketInPartsIsOneFrameToo) {
  open();
  std::string publish;
  mqtt::write(mqtt::Publish{.topic = "t", .payload = std::string(100000, 'x')}, publish);
  const auto shared = std::make_shared<const std::string>(publish.substr(publish.size() - 100000));
  const std::string header = publish.substr(0, publish.size() - shared->size());
  SendQueue frames;
  SendQueue sent;
  write(frames, header);
  EXPECT_EQ(stream.head(*shared), "");
  frames.push(shared);
  write(frames, std::string_view("\xd0\0", 2));
  EXPECT_EQ(stream.send(frames, sent), StreamStatus::open);
  SendQueue::Buffers buffers;
  const auto pieces = sent.front(buffers);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1].iov_base, shared->data());
  EXPECT_EQ(contents(sent), server_frame(binary, publish) + server_frame(binary, std::string("\xd0\0", 2)));
}

TEST_F(WebSocketStreamTest, ABadRequestIsAnsweredAndEndsIt) {
  EXPECT_EQ(receive("GET / HTTP/1.1\r\n\r\n"), StreamStatus::failed);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(above, "");
  EXPECT_NE(stream.error(), "");
  EXPECT_FALSE(stream.is_mendable());
  EXPECT_EQ(send("late"), "");
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, "");
}

TEST_F(WebSocketStreamTest, ARequestThatIsTooLargeIsAnsweredAndEndsIt) {
  EXPECT_EQ(receive("GET / HTTP/1.1\r\na: " + std::string(10000, 'x')), StreamStatus::failed);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 400 "));
}

TEST_F(WebSocketStreamTest, ABrokenFrameIsAnsweredAndEndsIt) {
  open();
  EXPECT_EQ(receive(Frame{.first = fin | text}.bytes()), StreamStatus::failed);
  EXPECT_EQ(below, close_frame(1003));
  EXPECT_EQ(send("late"), "");
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, "") << "it was said";
}

TEST_F(WebSocketStreamTest, TheClientsCloseIsAnsweredOnce) {
  open();
  EXPECT_EQ(receive(Frame{.first = fin | connection_close, .payload = big_endian(1000, 2)}.bytes()),
            StreamStatus::closed);
  EXPECT_EQ(below, close_frame(1000));
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, "");
}

TEST_F(WebSocketStreamTest, TheServerSaysGoodbye) {
  open();
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, close_frame(1000));
  stream.close(goodbye);
  EXPECT_EQ(goodbye, close_frame(1000));
}

TEST_F(WebSocketStreamTest, PingsEvery30Seconds) {
  EXPECT_EQ(stream.next_ping(), std::nullopt);
  open();
  EXPECT_EQ(stream.next_ping(), std::chrono::seconds(30));
  stream.ping(std::chrono::seconds(31), below);
  EXPECT_EQ(below, server_frame(ping, ""));
  EXPECT_EQ(stream.next_ping(), std::chrono::seconds(61));
}

TEST_F(WebSocketStreamTest, AProxyHeaderFromNoProxyIsToldToTheAdministrator) {
  EXPECT_EQ(receive("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), StreamStatus::failed);
  EXPECT_TRUE(stream.is_mendable());
  EXPECT_NE(stream.error().find("mqtt_proxies"), std::string_view::npos);
}

// --- Requests for the page ---

class PageStreamTest : public testing::Test {
 protected:
  StreamStatus receive(std::string_view bytes) { return stream.receive(bytes, above, below); }

  FrameWriter writer;
  WebSocketStream stream{arrival("192.0.2.1", with_page()), writer};
  std::string above;
  std::string below;
};

TEST_F(PageStreamTest, AFileComesInPartsBehindItsHead) {
  EXPECT_EQ(receive("GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n"), StreamStatus::answered);
  EXPECT_EQ(stream.error(), "200 OK");
  EXPECT_THAT(below, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(below.ends_with("\r\n\r\n"));
  std::size_t size = 0;
  std::string part;
  while (stream.go_on(part)) {
    EXPECT_LE(part.size(), 65536U);
    size += part.size();
    part.clear();
  }
  EXPECT_EQ(size, 3'000'000U);
  std::string goodbye;
  stream.close(goodbye);
  EXPECT_EQ(goodbye, "");
  EXPECT_EQ(above, "");
}

TEST_F(PageStreamTest, ARequestMayComeAByteAtATime) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t i = 0; i + 1 < request.size(); ++i)
    ASSERT_EQ(receive(request.substr(i, 1)), StreamStatus::open);
  EXPECT_EQ(receive("\n"), StreamStatus::answered);
  std::string part;
  EXPECT_TRUE(stream.go_on(part));
  EXPECT_EQ(part, start_of_page);
  EXPECT_FALSE(stream.go_on(part));
}

TEST_F(PageStreamTest, AWebSocketIsOnBothPathsAsBefore) {
  for (const char* line : {"GET / HTTP/1.1", "GET /mqtt HTTP/1.1"}) {
    WebSocketStream other{arrival("192.0.2.1", with_page()), writer};
    below.clear();
    EXPECT_EQ(other.receive(UpgradeText{.line = line}.text(), above, below), StreamStatus::open);
    EXPECT_THAT(below, StartsWith("HTTP/1.1 101 ")) << line;
  }
}

TEST_F(PageStreamTest, WhoOpensMqttsPathIsToldWhatItIs) {
  EXPECT_EQ(receive("GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n"), StreamStatus::failed);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 426 "));
}

// RFC 9110, section 7.8: an Upgrade to what there is not is not looked at.
TEST_F(PageStreamTest, AnUpgradeToSomethingElseIsIgnored) {
  EXPECT_EQ(receive("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
            StreamStatus::answered);
  EXPECT_EQ(stream.error(), "200 OK");
}

TEST_F(PageStreamTest, TheAnswerToHeadHasNoBody) {
  EXPECT_EQ(receive("HEAD /other HTTP/1.1\r\nHost: a\r\n\r\n"), StreamStatus::answered);
  EXPECT_THAT(below, StartsWith("HTTP/1.1 404 "));
  EXPECT_TRUE(below.ends_with("\r\n\r\n"));
  EXPECT_FALSE(stream.go_on(below));
}

TEST_F(PageStreamTest, WhatIsNoHttpIsToldSo) {
  for (const char* bytes :
       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\r\n\r\n", "EHLO example.org\r\n\r\n"}) {
    WebSocketStream other{arrival("192.0.2.1", with_page()), writer};
    below.clear();
    EXPECT_EQ(other.receive(bytes, above, below), StreamStatus::failed) << bytes;
    EXPECT_THAT(below, StartsWith("HTTP/1.1 400 ")) << bytes;
  }
}

// Beside these 150 bytes at most, two deadlines of 16 bytes each.
TEST(WebSocketMemoryTest, OneAtRestCostsLittle) {
  constexpr std::size_t count = 1000;
  FrameWriter writer;
  std::vector<StreamStack> stacks(count);
  const std::string bytes = UpgradeText{}.text() + Frame{.payload = "MQTT"}.bytes();
  const auto before = allocated_bytes();
  for (StreamStack& stack : stacks) {
    stack.push(std::make_unique<WebSocketStream>(arrival(), writer));
    std::string above;
    SendQueue below;
    stack.receive(bytes, above, below);
    stack.take_introduction();
    stack.drop_done();
  }
  const auto each = (allocated_bytes() - before) / count;
  RecordProperty("bytes", std::to_string(each));
  EXPECT_LT(each, 150U);
}

TEST(WebSocketMemoryTest, AConnectionWithoutItKeepsNothing) {
  FrameWriter writer;
  StreamStack stack;
  std::string above;
  SendQueue below;
  above.reserve(100);
  const auto before = allocated_bytes();
  stack.push(std::make_unique<WebSocketStream>(arrival(), writer));
  stack.receive("\x10", above, below);
  stack.drop_done();
  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(allocated_bytes(), before);
}

}  // namespace
}  // namespace pubsub_mqtt::net
