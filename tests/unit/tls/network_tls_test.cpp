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

  // What the TLS client has to say; at first its ClientHello. The server may have ended the connection meanwhile.
  void say() {
    tls.work();
    const std::string bytes = tls.take_ciphertext();
    const ssize_t sent = ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
    EXPECT_EQ(sent, static_cast<ssize_t>(bytes.size()));
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

  void listen(const std::vector<std::string>& verify = {}, const Key& key = nullptr) {
    const Identity identity = make_identity({.name = "example.org", .key = key});
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
    const auto names = wait_for<LoginRequest>().client.certificate;
    EXPECT_EQ(names.xmpp_addresses, Names{"meter@example.org"});
    EXPECT_EQ(names.dns_names, Names{"meter.example.org"});
    EXPECT_EQ(names.emails, Names{"meter@example.com"});
  }
}

TEST_F(NetworkTlsTest, TheHostThatTlsNamedIsPassedOn) {
  listen();
  Client client({.server_name = "capulet.lit"});
  connect(client);
  ASSERT_TRUE(client.handshake());
  std::string properties;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::authentication_method,
                .value = std::string_view("SCRAM-SHA-1")},
               properties);
  std::string packet;
  mqtt::write(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                            .client_identifier = "meter",
                            .properties = mqtt::Properties(properties)},
              packet);
  client.tls.write(packet);
  client.say();
  EXPECT_EQ(wait_for<AuthRequest>().server_name, "capulet.lit");
}

TEST_F(NetworkTlsTest, WithoutACertificateTheClientIsNobody) {
  listen({"peer"});
  Client client;
  connect(client);
  ASSERT_TRUE(client.handshake());
  client.tls.write(connect_packet());
  client.say();
  wait_for_line("\"meter\": connected, MQTT 3.1.1 over TLS");  // and no account
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

// --- Many handshakes ---

// With a key whose signatures take milliseconds: each handshake is more than a turn's share.
class ManyHandshakesTest : public NetworkTlsTest {
 protected:
  explicit ManyHandshakesTest(const Limits& with = {}) : NetworkTlsTest(with) {
    listen({}, Key(EVP_RSA_gen(3072), EVP_PKEY_free));
  }

  // Has sent its ClientHello.
  std::unique_ptr<Client> waiting_client() {
    auto client = std::make_unique<Client>();
    connect(*client);
    client->say();
    return client;
  }

  std::vector<std::unique_ptr<Client>> waiting_clients(int count) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < count; ++i) clients.push_back(waiting_client());
    return clients;
  }

  static void expect_let_in(Client& client) {
    ASSERT_TRUE(client.handshake());
    client.tls.write(connect_packet());
    EXPECT_TRUE(client.receive({"\x20\x02\x00\x00", 4}));
  }
};

TEST_F(ManyHandshakesTest, AllAreServedInTheEnd) {
  const auto clients = waiting_clients(20);
  for (const auto& client : clients) expect_let_in(*client);
}

TEST_F(ManyHandshakesTest, WhoIsConnectedIsServedMeanwhile) {
  Client first;
  connect(first);
  expect_let_in(first);
  std::string received("\x20\x02\x00\x00", 4);
  const auto waiting = waiting_clients(100);
  const auto since = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    first.tls.write(std::string_view("\xc0\x00", 2));
    received += std::string_view("\xd0\x00", 2);
    ASSERT_TRUE(first.receive(received));
  }
  const auto served = std::chrono::steady_clock::now() - since;
  ASSERT_TRUE(waiting.back()->handshake());
  EXPECT_LT(served, std::chrono::steady_clock::now() - since - served) << "it came before those who wait";
}

TEST_F(ManyHandshakesTest, ClientsThatHaveGoneCostNoHandshake) {
  waiting_clients(100);  // and they are gone
  Client client;
  connect(client);
  expect_let_in(client);
}

class ShortTimeToConnectTest : public ManyHandshakesTest {
 protected:
  ShortTimeToConnectTest() : ManyHandshakesTest(short_time()) {}

  static Limits short_time() {
    Limits limits;
    limits.connect_timeout = std::chrono::milliseconds(200);
    return limits;
  }
};

TEST_F(ShortTimeToConnectTest, NoTimeCountsWhileAHandshakeWaits) {
  const auto since = std::chrono::steady_clock::now();
  const auto before = waiting_clients(200);
  const auto last = waiting_client();
  expect_let_in(*last);
  EXPECT_GT(std::chrono::steady_clock::now() - since, limits.connect_timeout) << "it did not have to wait";
}

}  // namespace
}  // namespace pubsub_mqtt::tests
