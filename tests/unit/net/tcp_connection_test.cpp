#include "connection/tcp_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "../websocket/some_page.h"
#include "addresses.h"
#include "loop/event_loop.h"
#include "websocket/websocket_stream.h"

namespace pubsub_mqtt::net {
namespace {

using tests::Fail;
using tests::FailIn;
using tests::FailingAllocation;

// A connection in a loop that turns at the end only, and its client.
class LoneConnection {
 public:
  LoneConnection() {
    EXPECT_TRUE(loop.init());
    std::array<int, 2> sockets{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()), 0);
    socket = FileDescriptor(sockets[0]);
    client = FileDescriptor(sockets[1]);
  }
  ~LoneConnection() {
    commands.post(Stop{});
    loop.wake();
    loop.run();
  }
  LoneConnection(const LoneConnection&) = delete;
  LoneConnection& operator=(const LoneConnection&) = delete;

  // As the loop does, when a client was let in.
  void start() {
    connection = std::make_unique<TcpConnection>(loop, 1, std::move(socket), v4_address(1).peer(false),
                                                 streams(), Admission::Place(admission, v4_address(1)));
    connection->start();
  }

  StreamStack streams() {
    StreamStack streams;
    streams.push(std::make_unique<WebSocketStream>(
        std::make_shared<Arrival>(v4_address(1), false, Time(0), access, nullptr), frame_writer));
    return streams;
  }

  void say(std::string_view bytes) const { ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  // After whatever was sent.
  bool client_has_end() const {
    std::array<char, 4096> bytes{};
    ssize_t size = 0;
    do {
      size = recv(client.get(), bytes.data(), bytes.size(), 0);
    } while (size > 0);
    return size == 0 || errno == ECONNRESET;
  }

  Limits limits;
  Mailbox<Command> commands;
  Mailbox<Delivery> deliveries;
  Mailbox<Request> requests;
  Mailbox<LogLine> log_lines;
  EventLoop loop{limits, commands, deliveries, requests, log_lines, -1};
  std::vector<LogLine> log;
  Admission admission{limits, log};
  std::shared_ptr<const Access> access = std::make_shared<const Access>(with_page());
  FrameWriter frame_writer;
  FileDescriptor socket;
  FileDescriptor client;
  std::unique_ptr<TcpConnection> connection;
};

// What another client publishes is written while that client's session is at work.
TEST(TcpConnectionTest, WithoutMemoryForAWriteItEndsAndTheWriterDoesNotNotice) {
  LoneConnection lone;
  lone.start();
  {
    const FailingAllocation failing(1, FailIn::this_thread);
    lone.connection->write(std::string_view("hello"));
    EXPECT_TRUE(failing.has_failed());
  }
  EXPECT_FALSE(lone.connection->is_closed()) << "a session may be at work that refers to it";
  lone.connection->write(std::make_shared<const std::string>("more"));
  EXPECT_EQ(lone.connection->waiting_bytes(), 0U);
  lone.connection->flush();
  EXPECT_TRUE(lone.connection->is_closed());
  EXPECT_TRUE(lone.client_has_end());
}

TEST(TcpConnectionTest, AfterItsLastWordItLingersNoLongerThanItsClient) {
  LoneConnection lone;
  lone.start();
  lone.say("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
  lone.connection->on_ready(EPOLLIN);
  lone.connection->flush();
  lone.say("more");
  lone.connection->on_ready(EPOLLIN);
  EXPECT_FALSE(lone.connection->is_closed());
  shutdown(lone.client.get(), SHUT_WR);
  lone.connection->on_ready(EPOLLIN);
  EXPECT_TRUE(lone.connection->is_closed());
}

// However large the file is.
TEST(TcpConnectionTest, WhoDoesNotReadAFileOfThePageCostsAPartOfItsMemory) {
  LoneConnection lone;
  lone.start();
  lone.say("GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  lone.connection->on_ready(EPOLLIN);
  lone.connection->flush();
  EXPECT_GT(lone.connection->waiting_bytes(), 0U);
  for (int i = 0; i < 100; ++i) {
    lone.connection->on_ready(EPOLLOUT);
    lone.connection->flush();
    ASSERT_LE(lone.connection->waiting_bytes(), 65536U);
  }
  std::size_t taken = 0;
  std::array<char, 65536> bytes{};
  while (!lone.connection->is_closed()) {
    const ssize_t size = recv(lone.client.get(), bytes.data(), bytes.size(), 0);
    if (size == 0) break;
    if (size > 0) taken += static_cast<std::size_t>(size);
    if (size < 0) lone.connection->on_ready(EPOLLOUT);
    lone.connection->flush();
    ASSERT_LE(lone.connection->waiting_bytes(), 65536U);
  }
  EXPECT_GT(taken, 3'000'000U);
  EXPECT_LT(taken, 3'001'000U);
}

// All that the loop and a session do with a connection that has no session of its own, up to its end.
void live(LoneConnection& lone, std::string_view input, const std::shared_ptr<const std::string>& shared) {
  try {
    lone.start();
  } catch (const std::bad_alloc&) {
    return lone.socket.reset();  // as the loop lets go of it
  }
  const auto next = [&lone](auto&& happens) {
    if (!lone.connection->is_closed()) happens(*lone.connection);
  };
  lone.say(input);
  next([](TcpConnection& connection) { connection.on_ready(EPOLLIN); });
  next([](TcpConnection& connection) { connection.write(std::string_view("too long to need no memory")); });
  next([&](TcpConnection& connection) { connection.write(shared); });
  next([](TcpConnection& connection) { connection.resume_reading(); });
  next([](TcpConnection& connection) { connection.flush(); });
  shutdown(lone.client.get(), SHUT_WR);
  next([](TcpConnection& connection) { connection.on_ready(EPOLLIN); });
  next([](TcpConnection& connection) { connection.flush(); });
  next([](TcpConnection& connection) { connection.on_deadline(Time::max()); });
  next([](TcpConnection& connection) { connection.flush(); });
}

// An upgrade, a frame of what is no MQTT, and a Ping.
constexpr std::string_view websocket =
    "GET /mqtt HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n\x89\x81MASK?\x82\x82MASK!!";

constexpr std::string_view for_the_page = "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n";

// Nothing is thrown, and the connection ends.
TEST(TcpConnectionTest, SurvivesTheLackOfMemoryAtEachAllocation) {
  const auto shared = std::make_shared<const std::string>(1000, 'x');
  for (const Fail how : {Fail::once, Fail::from_then_on}) {
    for (const std::string_view input :
         {std::string_view("\x10\x7fMQTT"), std::string_view("no MQTT"), websocket, for_the_page}) {
      std::size_t n = 0;
      bool failed = true;
      while (failed && ++n < 1000) {
        LoneConnection lone;
        {
          const FailingAllocation failing(n, FailIn::this_thread, how);
          live(lone, input, shared);
          failed = failing.has_failed();
        }
        EXPECT_TRUE(lone.client_has_end()) << n;
      }
      EXPECT_GT(n, 5U);
      EXPECT_LT(n, 1000U);
    }
  }
}

}  // namespace
}  // namespace pubsub_mqtt::net
