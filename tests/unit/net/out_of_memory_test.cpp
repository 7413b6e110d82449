// Memory runs out at each allocation that the network thread makes for a connection, one after the other:
// only that connection ends. tcp_connection_test.cpp does the same with a connection alone, up to its end.
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "../base/failing_allocation.h"
#include "network_fixture.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::net {
namespace {

using tests::Fail;
using tests::FailIn;
using tests::FailingAllocation;

constexpr std::size_t most_allocations = 2000;
constexpr std::string_view pong("\xd0\x00", 2);

class OutOfMemoryTest : public NetworkTest {
 protected:
  OutOfMemoryTest() : NetworkTest(Limits{}) {
    EXPECT_TRUE(network.listen(1, server.fd(), nullptr));
    EXPECT_EQ(connect_client(bystander), 0);
    send_all(bystander, connect_packet("bystander"));
    EXPECT_EQ(receive(bystander, 4), std::string("\x20\x02\x00\x00", 4));
    deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
    network.post(deliveries);
  }

  static std::string connect_packet(const std::string& identifier) {
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = identifier}, bytes);
    return bytes;
  }

  template <typename Packet>
  static std::string bytes_of(const Packet& packet) {
    std::string bytes;
    mqtt::write(packet, bytes);
    return bytes;
  }

  // Sends what it can: the connection may be gone.
  static void say(const Socket& client, std::string_view bytes) {
    EXPECT_LE(send(client.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // Whether a ping is answered, after whatever else comes; false: the connection has ended.
  static bool is_alive(const Socket& client) {
    say(client, bytes_of(mqtt::Pingreq{}));
    std::string end;
    for (;;) {
      pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, patience) != 1) {
        ADD_FAILURE() << "neither an answer nor the end";
        return false;
      }
      std::array<char, 65536> buffer{};
      const ssize_t count = recv(client.fd(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return false;
      end.append(buffer.data(), static_cast<std::size_t>(count));
      if (end.ends_with(pong)) return true;
      end.erase(0, end.size() - 1);
    }
  }

  // Whether the connection stays, after the network thread has seen it: what came later is answered. The
  // memory may run out for that as well.
  static bool is_accepted(const Socket& client, const Socket& later) {
    is_alive(later);
    pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
    return poll(&waiting, 1, 0) == 0;
  }

  // The first session of a client with this identifier; 0: none.
  SessionId session_of(std::string_view identifier) {
    const auto page = network.clients({.most = 1, .identifier = std::string(identifier)});
    return page.connected == 0 ? 0 : page.clients[0].session;
  }

  // What it subscribed to is published, once small and once larger than a socket takes.
  void publish_to(SessionId session) {
    Selection selection;
    selection.by_form[0] = mqtt::QoS::at_most_once;
    deliveries.emplace_back(AudienceChange{.node = 5, .session = session, .selection = selection});
    for (const std::size_t size : {10UL, 3000000UL}) {
      ItemPublished item{.node = 5, .payloads = {}};
      item.payloads[0] = std::string(size, 'x');
      deliveries.emplace_back(std::move(item));
    }
    network.post(deliveries);
  }

  void forget_requests() {
    std::vector<Request> taken;
    network.take_requests(taken);
    std::vector<LogLine> lines;
    network.take_log(lines);
  }

  Socket bystander{new_socket()};
  std::vector<Delivery> deliveries;
};

TEST_F(OutOfMemoryTest, OnlyOneConnectionEnds) {
  const std::string publish = bytes_of(mqtt::Publish{.topic = "h/json/other", .payload = "1"});
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    {
      const Socket client(new_socket());
      const Socket other(new_socket());
      ASSERT_EQ(connect_client(other), 0);
      send_all(other, connect_packet("other"));
      ASSERT_TRUE(is_alive(other));
      FailingAllocation failing(n, FailIn::other_threads);
      ASSERT_EQ(connect_client(client), 0);
      if (is_accepted(client, other)) {
        say(client, connect_packet("meter"));
        is_alive(client);
        failing.pause();
        const SessionId session = session_of("meter");
        failing.go_on();
        publish_to(session);
        is_alive(client);
        say(client, publish);
        is_alive(client);
      }
      if (n % 2 == 0) say(client, bytes_of(mqtt::Disconnect{}));
      shutdown(client.fd(), SHUT_WR);
      EXPECT_TRUE(ends(client));
      failing.pause();
      failed = failing.has_failed();
    }
    ASSERT_TRUE(is_alive(bystander));
    ASSERT_NE(session_of("bystander"), 0U);
    forget_requests();
  }
  EXPECT_GT(n, 8U);
  EXPECT_LT(n, most_allocations);
}

// The list of what is logged is empty, so a line in it needs memory as well.
TEST_F(NetworkTest, AFailureThatCannotBeLoggedCostsNobodyElse) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  EXPECT_EQ(network.clients({}).sessions, 0U);  // the listener is there
  {
    const Socket client(new_socket());
    const FailingAllocation failing(1, FailIn::other_threads, Fail::from_then_on);
    ASSERT_EQ(connect_client(client), 0);
    EXPECT_TRUE(ends(client));
    EXPECT_TRUE(failing.has_failed());
  }
  const Socket later(new_socket());
  ASSERT_EQ(connect_client(later), 0);
  let_in(later);
}

// Who asks is told so, and does not wait for an answer that is not to come.
TEST_F(OutOfMemoryTest, WhoeverAsksForClientsOrMetricsHearsOfIt) {
  const SessionId session = session_of("bystander");
  std::size_t failures = 0;
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    const FailingAllocation failing(n, FailIn::other_threads);
    try {
      EXPECT_EQ(network.clients({.most = 1}).sessions, 1U);
      EXPECT_TRUE(network.client(session, 10).has_value());
      EXPECT_EQ(network.metrics().sessions.present.connected, 1U);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    failed = failing.has_failed();
  }
  EXPECT_GT(failures, 0U);
  EXPECT_LT(n, most_allocations);
}

// What has to be done about a failure needs no memory itself.
TEST_F(OutOfMemoryTest, NothingElseEndsWhereThereIsNoMemoryAtAll) {
  std::size_t n = 0;
  bool failed = true;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    {
      const Socket client(new_socket());
      const FailingAllocation failing(n, FailIn::other_threads, Fail::from_then_on);
      ASSERT_EQ(connect_client(client), 0);
      say(client, connect_packet("meter").substr(0, 8));
      shutdown(client.fd(), SHUT_WR);
      EXPECT_TRUE(ends(client));
      failed = failing.has_failed();
    }
    ASSERT_TRUE(is_alive(bystander));
    forget_requests();
  }
  EXPECT_GT(n, 4U);
  EXPECT_LT(n, most_allocations);
}

}  // namespace
}  // namespace pubsub_mqtt::net
