#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../base/failing_allocation.h"
#include "certificates.h"
#include "conversation.h"
#include "net/network_fixture.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::tests {
namespace {

using net::NetworkTest;
using net::patience;
using net::Socket;
using Names = std::vector<std::string>;

// A TlsClient with a socket.
class Client {
 public:
  explicit Client(const ClientSettings& settings = {})
      : tls(settings), socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}

  // What the TLS client has to say; at first its ClientHello.
  void say() {
    tls.work();
    const std::string bytes = tls.take_ciphertext();
    EXPECT_EQ(::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  bool handshake() {
    return run([this] { return tls.handshake_done(); });
  }

  bool receive(const std::string& expected) {
    return run([&] { return tls.received() == expected; });
  }

  TlsClient tls;
  Socket socket;

 private:
  // Until it is done; false where the connection ends first.
  bool run(const std::function<bool()>& done) {
    std::array<char, 16384> buffer{};
    for (;;) {
      say();
      if (done()) return true;
      pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, patience) != 1) return false;
      const ssize_t count = recv(socket.fd(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return false;
      tls.feed({buffer.data(), static_cast<std::size_t>(count)});
    }
  }
};

class NetworkTlsTest : public NetworkTest {
 protected:
  explicit NetworkTlsTest(const Limits& with = {}) : NetworkTest(with) {}

  void listen(const std::vector<std::string>& verify = {}) {
    const Identity identity = make_identity({.name = "example.org"});
    net::TlsSettings settings;
    settings.certificate = folder.write("server.crt", pem(identity.certificate));
    settings.key = folder.write("server.key", pem(identity.key));
    settings.cafile = folder.write("authority.pem", pem(authority.certificate));
    settings.verify = verify;
    std::vector<std::string> warnings;
    auto contexts = std::make_shared<net::TlsContexts>();
    contexts->fallback = std::get<net::SslContext>(net::make_tls_context(settings, warnings));
    ASSERT_TRUE(network.listen(1, server.fd(), contexts));
  }

  void connect(const Client& client) { ASSERT_EQ(connect_client(client.socket), 0); }

  static std::string connect_packet() {
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
    return bytes;
  }

  TemporaryFolder folder;
  Identity authority = make_identity({.name = "authority"});
};

TEST_F(NetworkTlsTest, AVerifiedCertificateTellsWhoConnects) {
  listen({"peer"});
  const Identity device = make_identity({.name = "meter",
                                         .names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:meter@example.org,"
                                                  "DNS:meter.example.org,email:meter@example.com",
                                         .issuer = &authority});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Client client({.version = version, .identity = device});
    connect(client);
    ASSERT_TRUE(client.handshake());
    client.tls.write(connect_packet());
    client.say();
    const auto names = wait_for<LoginRequest>().certificate;
    EXPECT_EQ(names.xmpp_addresses, Names{"meter@example.org"});
    EXPECT_EQ(names.dns_names, Names{"meter.example.org"});
    EXPECT_EQ(names.emails, Names{"meter@example.com"});
  }
}

TEST_F(NetworkTlsTest, WithoutACertificateTheClientIsNobody) {
  listen({"peer"});
  Client client;
  connect(client);
  ASSERT_TRUE(client.handshake());
  client.tls.write(connect_packet());
  client.say();
  EXPECT_TRUE(wait_for_line("\"meter\": connected").ends_with("\"meter\": connected")) << "and no account";
}

// Memory runs out at each allocation that the network thread makes for a client from its ClientHello to its
// end.
TEST_F(NetworkTlsTest, WithoutMemoryOnlyOneConnectionEnds) {
  listen();
  Client bystander;
  connect(bystander);
  ASSERT_TRUE(bystander.handshake());
  bystander.tls.write(connect_packet());
  std::string received("\x20\x02\x00\x00", 4);
  ASSERT_TRUE(bystander.receive(received));
  for (const Fail how : {Fail::once, Fail::from_then_on}) {
    std::size_t n = 0;
    bool failed = true;
    while (failed && ++n < 1000) {
      SCOPED_TRACE(n);
      Client client;
      {
        const FailingAllocation failing(n, FailIn::other_threads, how);
        connect(client);
        if (client.handshake()) {
          client.tls.write(connect_packet().substr(0, 8));
          client.tls.close();
          client.say();
        }
        EXPECT_TRUE(ends(client.socket));
        failed = failing.has_failed();
      }
      bystander.tls.write(std::string_view("\xc0\x00", 2));
      received += std::string_view("\xd0\x00", 2);
      ASSERT_TRUE(bystander.receive(received));
      std::vector<LogLine> lines;
      network.take_log(lines);
    }
    EXPECT_GT(n, 8U);
    EXPECT_LT(n, 1000U);
  }
}

// --- The share of TLS handshakes ---

// So small a share that a part of a handshake is followed by tenths of a second in which others wait.
class SmallHandshakeShareTest : public NetworkTlsTest {
 protected:
  explicit SmallHandshakeShareTest(Limits with = {}) : NetworkTlsTest(small_share(with)) { listen(); }

  static Limits small_share(Limits limits) {
    limits.tls_handshake_share = 0.002;
    return limits;
  }

  void use_up() {
    connect(first);
    ASSERT_TRUE(first.handshake());
  }

  // Has sent its ClientHello.
  std::unique_ptr<Client> waiting_client() {
    auto client = std::make_unique<Client>();
    connect(*client);
    client->say();
    return client;
  }

  Client first;
};

TEST_F(SmallHandshakeShareTest, HandshakesBeyondItWait) {
  use_up();
  const auto second = waiting_client();
  wait_for_line("TLS handshakes have to wait");
  const auto third = waiting_client();
  for (const auto* client : {&second, &third}) {
    ASSERT_TRUE((*client)->handshake());
    (*client)->tls.write(connect_packet());
    EXPECT_TRUE((*client)->receive({"\x20\x02\x00\x00", 4}));
  }
}

TEST_F(SmallHandshakeShareTest, WhoIsConnectedIsServedMeanwhile) {
  use_up();
  first.tls.write(connect_packet());
  std::string received("\x20\x02\x00\x00", 4);
  ASSERT_TRUE(first.receive(received));
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 100; ++i) waiting.push_back(waiting_client());
  wait_for_line("TLS handshakes have to wait");
  for (int i = 0; i < 100; ++i) {
    first.tls.write(std::string_view("\xc0\x00", 2));
    received += std::string_view("\xd0\x00", 2);
    ASSERT_TRUE(first.receive(received));
  }
}

// Each of the clients that have gone would cost tenths of a second.
TEST_F(SmallHandshakeShareTest, ClientsThatHaveGoneDoNotHoldUpTheOthers) {
  use_up();
  std::vector<std::unique_ptr<Client>> gone;
  for (int i = 0; i < 100; ++i) gone.push_back(waiting_client());
  wait_for_line("TLS handshakes have to wait");
  gone.clear();
  Client client;
  connect(client);
  EXPECT_TRUE(client.handshake());
}

TEST_F(SmallHandshakeShareTest, SilentClientsCostNoHandshake) {
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Client>());
    connect(*silent.back());
  }
  use_up();
}

TEST_F(SmallHandshakeShareTest, ClientsThatHangUpCostNoHandshake) {
  for (int i = 0; i < 20; ++i) {
    Client client;
    connect(client);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(wait_for<LogLine>().text.find("closed by the client"), std::string::npos);  // and none waits
  }
  use_up();
}

class ShortTimeToConnectTest : public SmallHandshakeShareTest {
 protected:
  ShortTimeToConnectTest() : SmallHandshakeShareTest(short_time()) {}

  static Limits short_time() {
    Limits limits;
    limits.connect_timeout = std::chrono::milliseconds(200);
    return limits;
  }
};

TEST_F(ShortTimeToConnectTest, NoTimeCountsWhileAHandshakeWaits) {
  use_up();
  std::vector<std::unique_ptr<Client>> before;
  for (int i = 0; i < 4; ++i) before.push_back(waiting_client());
  const auto last = waiting_client();
  const auto since = std::chrono::steady_clock::now();
  for (const auto& client : before) EXPECT_TRUE(client->handshake());
  EXPECT_TRUE(last->handshake());
  EXPECT_GT(std::chrono::steady_clock::now() - since, limits.connect_timeout) << "it did not have to wait";
  last->tls.write(connect_packet());
  EXPECT_TRUE(last->receive({"\x20\x02\x00\x00", 4}));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
