// WebSocket on a running Network.
#include <string>

#include "client_frames.h"
#include "net/network_fixture.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::net {
namespace {

template <typename Packet>
std::string bytes_of(const Packet& packet) {
  std::string bytes;
  mqtt::write(packet, bytes);
  return bytes;
}

Limits open_to_all() {
  Limits limits;
  limits.anonymous = Anonymous::from_everywhere;
  limits.connect_timeout = std::chrono::seconds(1);
  return limits;
}

class NetworkWebSocketTest : public NetworkTest {
 protected:
  explicit NetworkWebSocketTest(const Limits& limits = open_to_all()) : NetworkTest(limits) {
    EXPECT_TRUE(network.listen(1, server.fd(), nullptr));
  }

  void upgrade(const Socket& client, const UpgradeText& request = {}) {
    send_all(client, request.text());
    const std::string expected =
        std::string(accept_of_sample_key) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    const std::string head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    const std::string response =
        receive(client, head.size() + sizeof("Sec-WebSocket-Accept: ") - 1 + expected.size());
    EXPECT_EQ(response, head + "Sec-WebSocket-Accept: " + expected);
  }

  void let_in_by_websocket(const Socket& client) {
    send_all(client, Frame{.payload = bytes_of(mqtt::Connect{.client_identifier = "page"})}.bytes());
    EXPECT_EQ(receive(client, 6), server_frame(binary, std::string("\x20\x02\x00\x00", 4)));
  }
};

TEST_F(NetworkWebSocketTest, ClientsOfBothKindsShareAPort) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  let_in_by_websocket(page);
  const Socket device(new_socket());
  ASSERT_EQ(connect_client(device), 0);
  let_in(device);

  const std::string ping_request = bytes_of(mqtt::Pingreq{});
  send_all(page, Frame{.payload = ping_request}.bytes());
  send_all(device, ping_request);
  EXPECT_EQ(receive(page, 4), server_frame(binary, std::string("\xd0\x00", 2)));
  EXPECT_EQ(receive(device, 2), std::string("\xd0\x00", 2));
}

TEST_F(NetworkWebSocketTest, AGoodbyeEndsTheWebSocketToo) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  let_in_by_websocket(page);
  send_all(page, Frame{.payload = bytes_of(mqtt::Disconnect{})}.bytes());
  EXPECT_EQ(receive(page, 4), close_frame(1000));
  EXPECT_TRUE(ends(page));
}

// Nor is Close lost to what the client still sends, where MQTT before 5.0 has nothing to say.
TEST_F(NetworkWebSocketTest, AGoodbyeIsNotCutShortByAReset) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  let_in_by_websocket(page);
  send_all(page, Frame{.payload = bytes_of(mqtt::Connect{.client_identifier = "again"})}.bytes() +
                     Frame{.payload = std::string(200000, 'x')}.bytes());
  const std::string goodbye = close_frame(1000);
  EXPECT_EQ(receive(page, goodbye.size()), goodbye);
  char byte = 0;
  EXPECT_EQ(recv(page.fd(), &byte, 1, 0), 0) << "a reset";
}

// A WebSocket that ends without DISCONNECT is a network connection that does.
TEST_F(NetworkWebSocketTest, ACloseLeavesTheWill) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  const mqtt::Connect connect{.client_identifier = "page",
                              .will = mqtt::Publish{.topic = "a/json/b", .payload = "1"}};
  send_all(page, Frame{.payload = bytes_of(connect)}.bytes());
  receive(page, 6);
  send_all(page, Frame{.first = fin | connection_close, .payload = big_endian(1001, 2)}.bytes());
  EXPECT_EQ(wait_for<PublishRequest>().publication.payload, "1");
  EXPECT_EQ(receive(page, 4), close_frame(1001));
}

TEST_F(NetworkWebSocketTest, AHandshakeThatIsNeverFinishedIsCutOff) {
  const Socket nothing(new_socket());
  const Socket half(new_socket());
  const Socket silent(new_socket());
  for (const Socket* client : {&nothing, &half, &silent}) ASSERT_EQ(connect_client(*client), 0);
  send_all(nothing, "G");
  send_all(half, "GET /mqtt HTTP/1.1\r\nHost: a\r\n");
  upgrade(silent);
  EXPECT_TRUE(ends(nothing));
  EXPECT_TRUE(ends(half));
  EXPECT_TRUE(ends(silent));
  wait_for_line("no CONNECT within mqtt_connect_timeout");
}

TEST_F(NetworkWebSocketTest, WhatTheUpgradeRefusesIsLogged) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  send_all(page, UpgradeText{.more = "Origin: https://evil.example\r\n"}.text());
  EXPECT_EQ(receive(page, 12).substr(0, 12), "HTTP/1.1 403");
  EXPECT_TRUE(ends(page));
  wait_for_line("WebSocket failed: the page is from another host: list its origin in mqtt_websocket_origins");
}

// A flood of pings is not answered into our memory: who does not read is not read from.
TEST_F(NetworkWebSocketTest, PingsOfAClientThatDoesNotReadDoNotFillTheMemory) {
  const Socket page(new_socket());
  const int small = 4096;
  setsockopt(page.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  std::string pings;
  while (pings.size() < 60000) pings += Frame{.first = fin | ping, .payload = std::string(125, 'x')}.bytes();
  std::size_t taken = 0;
  constexpr std::size_t far_beyond = 64UL * 1024 * 1024;
  while (taken < far_beyond) {
    pollfd waiting{.fd = page.fd(), .events = POLLOUT, .revents = 0};
    if (poll(&waiting, 1, 500) != 1) break;
    const ssize_t sent = send(page.fd(), pings.data(), pings.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) break;
    taken += sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  EXPECT_LT(taken, far_beyond);
}

class NetworkOfLoopbackTest : public NetworkWebSocketTest {
 protected:
  NetworkOfLoopbackTest() : NetworkWebSocketTest(short_timeouts()) {}
};

TEST_F(NetworkOfLoopbackTest, AWebSocketNeedsALoginFromThereToo) {
  const Socket page(new_socket());
  ASSERT_EQ(connect_client(page), 0);
  upgrade(page);
  send_all(page, Frame{.payload = bytes_of(mqtt::Connect{.client_identifier = "page"})}.bytes());
  EXPECT_EQ(receive(page, 10), server_frame(binary, std::string("\x20\x02\x00\x05", 4)) + close_frame(1000));
  EXPECT_TRUE(ends(page));
  const Socket device(new_socket());
  ASSERT_EQ(connect_client(device), 0);
  let_in(device);
}

}  // namespace
}  // namespace pubsub_mqtt::net
