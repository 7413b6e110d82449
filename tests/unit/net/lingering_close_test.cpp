// What a client is told last arrives, whatever it still sends, and for no longer than a while.
#include <cerrno>
#include <chrono>
#include <string>

#include "network_fixture.h"

namespace pubsub_mqtt::net {
namespace {

class LingeringCloseTest : public NetworkTest {
 protected:
  static Limits limits_of_one() {
    Limits limits;
    limits.max_connections = 1;
    return limits;
  }
  LingeringCloseTest() : NetworkTest(limits_of_one()) {
    EXPECT_TRUE(network.listen(1, server.fd(), nullptr));
    EXPECT_EQ(connect_client(client), 0);
  }

  // A CONNECT that is refused.
  void be_refused() {
    std::string bytes;
    mqtt::write(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                              .client_identifier = std::string_view(long_identifier)},
                bytes);
    send_all(client, bytes);
  }
  // CONNACK has come, and the end behind it: not a reset.
  void expect_refusal_and_end() {
    const auto connack = receive(client, 100000);
    EXPECT_EQ(connack.substr(0, 1), "\x20");
    char byte = 0;
    EXPECT_EQ(recv(client.fd(), &byte, 1, 0), 0) << "a reset";
  }
  // Sends until the server takes no more. Returns how many bytes it took.
  std::size_t send_until_reset(std::size_t at_once, std::chrono::milliseconds pause) {
    const std::string bytes(at_once, 'x');
    std::size_t sent = 0;
    for (;;) {
      const ssize_t size = send(client.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size < 0) return sent;
      sent += static_cast<std::size_t>(size);
      poll(nullptr, 0, static_cast<int>(pause.count()));
    }
  }

  const std::string long_identifier = std::string(1000, 'x');
  Socket client{new_socket()};
};

TEST_F(LingeringCloseTest, WhatTheClientIsToldIsNotLostToWhatItStillSends) {
  be_refused();
  send_all(client, std::string(100000, 'x'));
  expect_refusal_and_end();
  send_all(client, "x");
  char byte = 0;
  EXPECT_EQ(recv(client.fd(), &byte, 1, 0), 0) << "a reset";
}

// At once: see tcp_connection_test.cpp.
TEST_F(LingeringCloseTest, WhoClosesIsForgotten) {
  be_refused();
  expect_refusal_and_end();
  shutdown(client.fd(), SHUT_WR);
  // Its place among mqtt_max_connections is free.
  for (bool is_in = false; !is_in;) {
    const Socket next(new_socket());
    ASSERT_EQ(connect_client(next), 0);
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "next"}, bytes);
    send(next.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    is_in = receive(next, 4) == std::string("\x20\x02\x00\x00", 4);
  }
}

TEST_F(LingeringCloseTest, WhoDoesNotCloseIsClosedAfterAWhile) {
  be_refused();
  expect_refusal_and_end();
  send_until_reset(1, std::chrono::milliseconds(10));
  EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE) << errno;
}

TEST_F(LingeringCloseTest, WhoSendsWithoutEndIsClosedBeforeThat) {
  be_refused();
  expect_refusal_and_end();
  // What the server takes, and what the kernel holds of it: without that limit a second brings gigabytes.
  EXPECT_LT(send_until_reset(100000, std::chrono::milliseconds(0)), 64U << 20U);
}

TEST_F(LingeringCloseTest, ATakeoverDoesNotWaitForIt) {
  Limits more = limits;
  more.max_connections = 2;
  network.set_limits(more);
  network.clients({});  // commands are carried out in order
  std::string connect;
  mqtt::write(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5, .client_identifier = "meter"}, connect);
  send_all(client, connect);
  EXPECT_EQ(receive(client, 1).substr(0, 1), "\x20");
  const Socket next(new_socket());
  ASSERT_EQ(connect_client(next), 0);
  send_all(next, connect);
  EXPECT_EQ(receive(next, 1).substr(0, 1), "\x20");
  EXPECT_EQ(network.clients({}).sessions, 1U);
  EXPECT_TRUE(ends(client));
}

}  // namespace
}  // namespace pubsub_mqtt::net
