// The page on a running Network.
#include <chrono>
#include <string>

#include "net/network_fixture.h"
#include "some_page.h"

namespace pubsub_mqtt::net {
namespace {

class NetworkPageTest : public NetworkTest {
 protected:
  explicit NetworkPageTest(const Limits& with = short_timeouts()) : NetworkTest(with) {
    network.set_access(with_page());
    EXPECT_TRUE(network.listen(1, server.fd(), nullptr));
  }

  static constexpr std::size_t all = 100'000'000;

  // Until the end of the connection. Who is not let in gets a reset, and maybe before connect() returns.
  std::string answer(const std::string& request) {
    const Socket browser(new_socket());
    if (connect_client(browser) != 0) return {};
    send(browser.fd(), request.data(), request.size(), MSG_NOSIGNAL);
    return receive(browser, all);
  }

  static std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

  static std::string body(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "no answer" : answer.substr(end + 4);
  }
};

TEST_F(NetworkPageTest, AFileIsTheWholeOfAConnection) {
  EXPECT_EQ(body(answer(get("/"))), start_of_page);
  wait_for_line("HTTP was answered: 200 OK");
  EXPECT_EQ(body(answer(get("/page.js"))), "whole");
  EXPECT_EQ(body(answer(get("/empty.txt"))), "");
}

TEST_F(NetworkPageTest, ALargeOneComesWhole) {
  EXPECT_EQ(body(answer(get("/large.txt"))), std::string(3'000'000, 'x'));
}

TEST_F(NetworkPageTest, AHeadHasNoBody) {
  for (const char* path : {"/", "/none", "/large.txt"}) {
    EXPECT_EQ(body(answer("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n")), "") << path;
  }
}

TEST_F(NetworkPageTest, ARequestBehindAnotherIsNotAnswered) {
  const std::string given = answer(get("/") + get("/page.js") + std::string(100'000, 'x'));
  EXPECT_EQ(body(given), start_of_page);
}

// Neither is the answer lost to what a client sends behind its request, nor is that kept.
TEST_F(NetworkPageTest, ABodyOfARequestIsNotRead) {
  const std::string given =
      answer("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  EXPECT_EQ(given.substr(0, 12), "HTTP/1.1 405");
}

TEST_F(NetworkPageTest, WhoHasNoPatienceForTheEndGetsTheFileToo) {
  const Socket browser(new_socket());
  ASSERT_EQ(connect_client(browser), 0);
  send_all(browser, get("/large.txt"));
  shutdown(browser.fd(), SHUT_WR);
  EXPECT_EQ(body(receive(browser, all)).size(), 3'000'000U);
}

TEST_F(NetworkPageTest, ARequestThatIsNeverFinishedIsCutOff) {
  const Socket browser(new_socket());
  ASSERT_EQ(connect_client(browser), 0);
  send_all(browser, "GET / HTTP/1.1\r\nHost: a\r\n");
  EXPECT_TRUE(ends(browser));
  wait_for_line("no CONNECT within mqtt_connect_timeout");
}

TEST_F(NetworkPageTest, IsNoClientOfMqtt) {
  const Socket device(new_socket());
  ASSERT_EQ(connect_client(device), 0);
  let_in(device);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(body(answer(get("/page.js"))), "whole") << i;
  const Metrics metrics = network.metrics();
  EXPECT_EQ(metrics.arrivals.admitted, 1001U);
  EXPECT_EQ(metrics.clients.of(Transport::tcp, mqtt::ProtocolLevel::mqtt_3_1_1), 1U);
  EXPECT_EQ(network.clients({.most = 10}).clients.size(), 1U);
  send_all(device, std::string("\xc0\x00", 2));
  EXPECT_EQ(receive(device, 2), std::string("\xd0\x00", 2));
}

class NetworkPageWithOnePlaceTest : public NetworkPageTest {
 protected:
  NetworkPageWithOnePlaceTest() : NetworkPageTest(one_place()) {}

  static Limits one_place() {
    Limits limits = short_timeouts();
    limits.max_connections = 1;
    return limits;
  }
};

// connect_timeout for the request, and as long again for the answer.
TEST_F(NetworkPageWithOnePlaceTest, WhoDoesNotReadGivesTheirPlaceUp) {
  const Socket browser(new_socket());
  const int small = 4096;
  setsockopt(browser.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ASSERT_EQ(connect_client(browser), 0);
  send_all(browser, get("/large.txt"));
  wait_for_line("HTTP was answered: 200 OK");
  std::string next;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience);
  while (next.empty() && std::chrono::steady_clock::now() < until) next = answer(get("/page.js"));
  EXPECT_EQ(body(next), "whole");
  EXPECT_LT(receive(browser, all).size(), 3'000'000U);
}

TEST_F(NetworkPageTest, WithoutAPageTheNextOnesGetNone) {
  network.set_access({});
  EXPECT_EQ(answer(get("/")).substr(0, 12), "HTTP/1.1 426");
}

}  // namespace
}  // namespace pubsub_mqtt::net
