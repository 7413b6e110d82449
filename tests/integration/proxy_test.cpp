// Proxies in front: the header of the PROXY protocol by hand, and real proxies as docs/recipes.md has them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "documents.h"
#include "free_port.h"
#include "mosquitto_command.h"
#include "outside_address.h"
#include "patience.h"
#include "prosody.h"
#include "raw_session.h"
#include "websocket.h"

namespace pubsub_mqtt::tests {
namespace {

const mqtt::Connect with_password{
    .client_identifier = "client", .user_name = "juliet@localhost", .password = account_password};

std::unique_ptr<TcpStream> after(std::string_view header, std::uint16_t port) {
  auto stream = std::make_unique<TcpStream>(port);
  stream->send(header);
  return stream;
}

constexpr std::string_view header_1 = "PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r\n";

// With the SSL field: the client is encrypted.
constexpr std::string_view header_2(
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x07\xc0\0\x02\x01\xc3\x50\x07\x5b\x20\0\x05\x01\0\0\0\0",
    36);

class BehindProxy : public testing::Test {
 protected:
  void start(const std::string& global = "mqtt_proxies = { \"127.0.0.1\" }") {
    prosody.start({.global = "allow_unencrypted_plain_auth = false\n" + global});
  }
  Prosody prosody;
};

TEST_F(BehindProxy, TheClientIsWhomTheHeaderSays) {
  start();
  RawMqtt plain(after(header_1, prosody.mqtt_port()));
  EXPECT_EQ(connect(plain, with_password).reason, mqtt::Reason::not_authorized);
  prosody.log().wait_for(
      "192\\.0\\.2\\.7:50000 \"client\": closed: a user name on an unencrypted connection");
  RawMqtt encrypted(after(header_2, prosody.mqtt_port()));
  EXPECT_EQ(connect(encrypted, with_password).reason, mqtt::Reason::success);
  prosody.log().wait_for("192\\.0\\.2\\.7:50000 \"client\" .*: connected");
}

TEST_F(BehindProxy, NobodyIsFromLoopback) {
  start();
  for (const char* header : {"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "PROXY UNKNOWN\r\n"}) {
    EXPECT_EQ(RawMqtt(after(header, prosody.mqtt_port())).connect("client"), mqtt::Reason::not_authorized)
        << header;
  }
}

TEST_F(BehindProxy, AProxyWithoutAHeaderIsNotServed) {
  start();
  RawMqtt client(prosody.mqtt_port());
  client.send(mqtt::Connect{.client_identifier = "client"});
  EXPECT_THROW(client.read(), ConnectionClosed);
  prosody.log().wait_for("info\t.*PROXY failed: no header of the PROXY protocol, from one of mqtt_proxies");
}

TEST_F(BehindProxy, AHeaderOfNobodysProxyIsNotBelieved) {
  start("mqtt_proxies = { \"192.0.2.0/24\" }");
  for (const std::uint16_t port : {prosody.mqtt_port(), prosody.mqtt_tls_port()}) {
    const std::size_t before = prosody.log().size();
    for (const std::string_view header : {header_1, header_2}) {
      std::array<char, 100> answer{};
      after(header, port)->receive(answer);
    }
    prosody.log().wait_for("a header of the PROXY protocol, from an address that is none of mqtt_proxies",
                           before);
  }
}

TEST_F(BehindProxy, ClientsHaveTheirOwnLimits) {
  start("mqtt_proxies = { \"127.0.0.1\" }\nmqtt_max_connections_per_address = 1");
  RawMqtt first(after(header_2, prosody.mqtt_port()));
  EXPECT_EQ(connect(first, with_password).reason, mqtt::Reason::success);
  RawMqtt second(after(header_2, prosody.mqtt_port()));
  second.wait_for_close();
  prosody.log().wait_for("192\\.0\\.2\\.7 has as many as mqtt_max_connections_per_address");
  RawMqtt other(after("PROXY TCP4 192.0.2.8 192.0.2.1 50000 1883\r\n", prosody.mqtt_port()));
  EXPECT_EQ(other.connect("other"), mqtt::Reason::not_authorized) << "it is read";
}

TEST_F(BehindProxy, WhatIsNoAddressIsReported) {
  start("mqtt_proxies = { \"haproxy\", \"10.0.0.0/33\", \"::/9223372036854775808\", \"10.0.0.0/\", 7 }");
  for (const char* odd : {"haproxy", "10\\.0\\.0\\.0/33", "::/9223372036854775808", "10\\.0\\.0\\.0/", "7"}) {
    prosody.log().wait_for("error\tmqtt_proxies: \"" + std::string(odd) + "\" is no address");
  }
  EXPECT_EQ(RawMqtt(prosody.mqtt_port()).connect("client"), mqtt::Reason::success);
}

// --- Real proxies ---

class RealProxy : public testing::Test {
 protected:
  // Returns when it accepts connections.
  void run(std::vector<std::string> command) {
    process = std::make_unique<MosquittoCommand>(std::move(command));
    const auto until = deadline();
    while (!accepts()) {
      if (Clock::now() >= until) throw TimedOut("the proxy to start");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  bool accepts() const {
    try {
      TcpStream{port.number()};
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  std::string bind() const { return "bind :" + std::to_string(port.number()); }
  static std::string server(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

  // A certificate and its key.
  std::string pem() const {
    std::string text;
    for (const char* file : {"certs/pubsub.localhost.crt", "certs/pubsub.localhost.key"}) {
      std::ifstream part(prosody.folder().path(file));
      text.append(std::istreambuf_iterator<char>(part), {});
    }
    return prosody.folder().write("haproxy.pem", text);
  }

  void run_haproxy(const std::string& configuration) {
    run({"haproxy", "-db", "-f", prosody.folder().write("haproxy.cfg", configuration)});
  }

  std::unique_ptr<ByteStream> encrypted() const {
    return std::make_unique<TlsStream>(
        port.number(), TlsStream::Options{.server_name = "pubsub.localhost", .ca_file = prosody.ca_file()});
  }

  // Through a proxy that has the certificate and speaks HTTP.
  void expect_websockets() const {
    const WebSocketRequest good{.host = "pubsub.localhost", .origin = "https://pubsub.localhost"};
    RawMqtt page(std::make_unique<WebSocket>(encrypted(), good));
    EXPECT_EQ(connect(page, with_password).reason, mqtt::Reason::success);
    page.ping();
    const WebSocketRequest evil{.host = "pubsub.localhost", .origin = "https://evil.example"};
    EXPECT_EQ(websocket_status(*encrypted(), evil), "403 Forbidden");
    // From loopback, to the proxy.
    RawMqtt anonymous(std::make_unique<WebSocket>(encrypted(), WebSocketRequest{.host = "pubsub.localhost"}));
    EXPECT_EQ(anonymous.connect("anonymous"), mqtt::Reason::not_authorized);
  }

  Prosody prosody;
  FreePort port;
  std::unique_ptr<MosquittoCommand> process;
};

constexpr const char* haproxy = "Behind HAProxy: MQTT and WebSocket";

TEST_F(RealProxy, HaproxyEndsTls) {
  prosody.start({.global = "allow_unencrypted_plain_auth = false\nmqtt_proxies = { \"127.0.0.2\" }"});
  std::string configuration = recipe(haproxy, "defaults");
  configuration = with(configuration, "bind :8883", bind());
  configuration = with(configuration, "/etc/haproxy/pubsub.example.org.pem", pem());
  run_haproxy(with(configuration, "127.0.0.1:1883", server(prosody.mqtt_port())));
  RawMqtt client(encrypted());
  EXPECT_EQ(connect(client, with_password).reason, mqtt::Reason::success);
  RawMqtt anonymous(encrypted());
  EXPECT_EQ(anonymous.connect("anonymous"), mqtt::Reason::not_authorized);
  RawMqtt page(std::make_unique<WebSocket>(encrypted(), WebSocketRequest{}));
  EXPECT_EQ(connect(page, with_password).reason, mqtt::Reason::success);
  EXPECT_EQ(RawMqtt(prosody.mqtt_port()).connect("here"), mqtt::Reason::success) << "without a header";
}

TEST_F(RealProxy, HaproxyPassesTlsThroughWithEitherVersion) {
  prosody.start({.global = "allow_unencrypted_plain_auth = false\nmqtt_proxies = { \"127.0.0.2\" }"});
  for (const char* version : {"send-proxy", "send-proxy-v2"}) {
    const std::string defaults = recipe(haproxy, "defaults");
    std::string configuration = with(recipe(haproxy, "listen"), "bind :8883", bind());
    configuration = with(configuration, "127.0.0.1:8884", server(prosody.mqtt_tls_port()));
    configuration = with(configuration, "send-proxy", version);
    process.reset();
    run_haproxy(defaults.substr(0, defaults.find("    listen")) + configuration);
    const std::size_t before = prosody.log().size();
    RawMqtt client(encrypted());
    EXPECT_EQ(connect(client, with_password).reason, mqtt::Reason::success) << version;
    RawMqtt outside(std::make_unique<TcpStream>(port.number(), outside_address()));
    outside.send_bytes("no TLS");
    prosody.log().wait_for(outside_address() + ":[0-9]+: .*TLS", before);
  }
}

TEST_F(RealProxy, NginxPassesWebSocketsOn) {
  prosody.start({.global = "allow_unencrypted_plain_auth = false"});
  const std::string location =
      with(recipe("Behind nginx: WebSocket", "location"), "localhost:1883", server(prosody.mqtt_port()));
  const std::string folder = prosody.folder().path("nginx");
  mkdir(folder.c_str(), 0777);
  std::string paths;
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    paths += std::string(kind) + "_temp_path " + folder + "/" + kind + ";\n";
  }
  run({"nginx", "-e", "stderr", "-c",
       prosody.folder().write(
           "nginx.conf", "daemon off; master_process off; pid " + folder +
                             "/pid;\nevents {}\nhttp {\naccess_log off;\n" + paths + "server {\nlisten " +
                             std::to_string(port.number()) + " ssl;\nssl_certificate " + pem() +
                             ";\nssl_certificate_key " + pem() + ";\n" + location + "}\n}\n")});
  expect_websockets();
}

TEST_F(RealProxy, CaddyPassesWebSocketsOn) {
  prosody.start({.global = "allow_unencrypted_plain_auth = false"});
  std::string site = recipe("Behind Caddy: WebSocket", "pubsub.example.org {");
  site = with(site, "127.0.0.1:1883", server(prosody.mqtt_port()));
  const std::string pair = pem();
  site = with(site, "pubsub.example.org {",
              "pubsub.localhost:" + std::to_string(port.number()) + " {\ntls " + pair + ' ' + pair);
  const std::string file =
      prosody.folder().write("Caddyfile", "{\nadmin off\nauto_https disable_redirects\n}\n" + site);
  run({"env", "HOME=" + prosody.folder().path("caddy"), "caddy", "run", "--config", file, "--adapter",
       "caddyfile"});
  expect_websockets();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
