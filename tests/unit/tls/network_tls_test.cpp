#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../base/failing_allocation.h"
#include "admission/handshake_queue.h"
#include "certificates.h"
#include "conversation.h"
#include "net/network_fixture.h"
#include "order_of_arrival.h"
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

  std::shared_ptr<net::TlsContexts> make_contexts(const std::vector<std::string>& verify = {}) const {
    const Identity identity = make_identity({.name = "example.org"});
    net::TlsSettings settings;
    settings.certificate = folder.write("server.crt", pem(identity.certificate));
    settings.key = folder.write("server.key", pem(identity.key));
    settings.cafile = folder.write("authority.pem", pem(authority.certificate));
    settings.verify = verify;
    std::vector<std::string> warnings;
    auto contexts = std::make_shared<net::TlsContexts>();
    contexts->fallback = std::get<net::SslContext>(net::make_tls_context(settings, warnings));
    return contexts;
  }

  void listen(const std::vector<std::string>& verify = {}) {
    ASSERT_TRUE(network.listen(1, server.fd(), make_contexts(verify)));
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

// Each costs the network thread more than a turn's share, whatever the machine.
class ManyHandshakesTest : public NetworkTlsTest {
 protected:
  // Each takes so much longer than what it costs.
  explicit ManyHandshakesTest(const Limits& with = {}, Time pause = Time(0))
      : NetworkTlsTest(with), pause_(pause) {
    auto contexts = make_contexts();
    SSL_CTX_set_msg_callback(contexts->fallback.get(), on_message);
    SSL_CTX_set_msg_callback_arg(contexts->fallback.get(), this);
    EXPECT_TRUE(network.listen(1, server.fd(), std::move(contexts)));
  }
  ~ManyHandshakesTest() override {
    let_begin(true);
    network.stop();
  }

  // Until they may, the next one holds the thread.
  void let_begin(bool may) {
    may_begin_ = may;
    may_begin_.notify_all();
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

 private:
  // On the network thread, for each message of a handshake.
  static void on_message(int is_written, int /*version*/, int content_type, const void* bytes,
                         std::size_t size, SSL* /*ssl*/, void* test) {
    if (is_written != 0 || content_type != SSL3_RT_HANDSHAKE || size == 0) return;
    if (*static_cast<const unsigned char*>(bytes) != SSL3_MT_CLIENT_HELLO) return;
    auto& self = *static_cast<ManyHandshakesTest*>(test);
    self.may_begin_.wait(false);
    const auto end = net::thread_processor_time() + std::chrono::milliseconds(2);
    while (net::thread_processor_time() < end) continue;
    poll(nullptr, 0, static_cast<int>(self.pause_.count()));
  }

  Time pause_;
  std::atomic<bool> may_begin_ = true;
};

TEST_F(ManyHandshakesTest, AllAreServedInTheEnd) {
  const auto clients = waiting_clients(20);
  for (const auto& client : clients) expect_let_in(*client);
}

TEST_F(ManyHandshakesTest, WhoIsConnectedIsServedMeanwhile) {
  Client first;
  connect(first);
  expect_let_in(first);
  std::vector<std::unique_ptr<Client>> waiting;
  std::vector<int> sockets{first.socket.fd()};
  for (int i = 0; i < 50; ++i) {
    connect(*waiting.emplace_back(std::make_unique<Client>()));
    sockets.push_back(waiting.back()->socket.fd());
  }
  let_begin(false);
  for (const auto& client : waiting) client->say();
  first.tls.write(std::string_view("\xc0\x00", 2));
  first.say();
  OrderOfArrival order(sockets);
  let_begin(true);
  for (const int socket : sockets) {
    pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&readable, 1, patience), 1);
  }
  EXPECT_LT(order.before(first.socket.fd()), waiting.size() / 2);
}

TEST_F(ManyHandshakesTest, ClientsThatHaveGoneCostNoHandshake) {
  waiting_clients(50);  // and they are gone
  Client client;
  connect(client);
  expect_let_in(client);
}

class ShortTimeToConnectTest : public ManyHandshakesTest {
 protected:
  static constexpr Time pause{20};

  ShortTimeToConnectTest() : ManyHandshakesTest(short_time(), pause) {}

  static Limits short_time() {
    Limits limits;
    limits.connect_timeout = std::chrono::seconds(1);
    return limits;
  }
};

TEST_F(ShortTimeToConnectTest, NoTimeCountsWhileAHandshakeWaits) {
  const auto before = waiting_clients(static_cast<int>(limits.connect_timeout / pause));
  expect_let_in(*waiting_client());
}

}  // namespace
}  // namespace pubsub_mqtt::tests
