// A running Network with a listening socket, and clients of it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "pubsub_mqtt/base/limits.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"
#include "pubsub_mqtt/net/network.h"

namespace pubsub_mqtt::net {

inline constexpr int patience = 10000;  // ms

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class NetworkTest : public ::testing::Test {
 protected:
  explicit NetworkTest(const Limits& with = short_timeouts()) : limits(with), network(with) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(server.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(server.fd(), 1), 0);
    EXPECT_EQ(getsockname(server.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    EXPECT_TRUE(network.start());
  }

  int connect_client(const Socket& client) const {
    const auto address = loopback(port);
    return connect(client.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  static int new_socket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

  static void send_all(const Socket& client, const std::string& bytes) {
    ASSERT_EQ(send(client.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // What arrives until `size` bytes are there or the connection ends.
  static std::string receive(const Socket& client, std::size_t size) {
    std::string bytes;
    char buffer[4096];
    while (bytes.size() < size) {
      pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, patience) != 1) break;
      const ssize_t count = recv(client.fd(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      bytes.append(buffer, static_cast<std::size_t>(count));
    }
    return bytes;
  }

  // Whether the connection ends, after whatever it still brings.
  static bool ends(const Socket& client) {
    char buffer[4096];
    for (;;) {
      pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, patience) != 1) return false;
      if (recv(client.fd(), buffer, sizeof buffer, 0) <= 0) return true;
    }
  }

  static Limits short_timeouts() {
    Limits limits;
    limits.connect_timeout = std::chrono::seconds(1);
    return limits;
  }

  // Until its CONNACK is here.
  void let_in(const Socket& client) {
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
    send_all(client, bytes);
    ASSERT_EQ(receive(client, 4), std::string("\x20\x02\x00\x00", 4));
  }

  // Of the only client that was let in.
  SessionId session() {
    const auto clients = network.clients({.most = 10}).clients;
    EXPECT_EQ(clients.size(), 1U);
    return clients.empty() ? 0 : clients[0].session;
  }

  template <typename Kind>
  Kind wait_for() {
    return wait_for<Kind>([](const Kind&) { return true; });
  }

  // The text of the next line that has `part` in it.
  std::string wait_for_line(std::string_view part) {
    return wait_for<LogLine>([&](const LogLine& line) { return line.text.find(part) != std::string::npos; })
        .text;
  }

  template <typename Kind, typename Wanted>
  Kind wait_for(Wanted&& wanted) {
    for (;;) {
      if (auto found = find<Kind>(wanted)) return *std::move(found);
      pollfd waiting{.fd = network.requests_fd(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, patience) != 1) {
        ADD_FAILURE() << "no such request";
        return {};
      }
      network.set_requests_fd(false);
      take_all(requests, [this](auto& into) { network.take_requests(into); });
      take_all(log, [this](auto& into) { network.take_log(into); });
    }
  }

  // The first one that is wanted; those before it are passed by.
  template <typename Kind, typename Wanted>
  std::optional<Kind> find(Wanted&& wanted) {
    if constexpr (std::is_same_v<Kind, LogLine>) {
      while (!log.empty()) {
        LogLine line = std::move(log.front());
        log.pop_front();
        if (wanted(line)) return line;
      }
    } else {
      while (!requests.empty()) {
        Request request = std::move(requests.front());
        requests.pop_front();
        auto* found = std::get_if<Kind>(&request);
        if (found != nullptr && wanted(*found)) return std::move(*found);
      }
    }
    return std::nullopt;
  }

  template <typename Kind, typename Take>
  static void take_all(std::deque<Kind>& into, Take&& take) {
    std::vector<Kind> batch;
    take(batch);
    for (auto& each : batch) into.push_back(std::move(each));
  }

  Limits limits;
  Socket server{new_socket()};
  std::uint16_t port = 0;
  Network network;
  std::deque<Request> requests;
  std::deque<LogLine> log;
};

}  // namespace pubsub_mqtt::net
