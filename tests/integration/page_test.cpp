// The page, on the ports of MQTT. Most tests have one of their own; the one that was built is looked at, too.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <string>
#include <string_view>

#include "free_port.h"
#include "outside_address.h"
#include "prosody.h"
#include "raw_session.h"
#include "websocket.h"

namespace pubsub_mqtt::tests {
namespace {

namespace fs = std::filesystem;

struct Answer {
  std::string head;
  std::string body;

  std::string status() const {
    return head.substr(0, head.find("\r\n")).substr(std::string("HTTP/1.1 ").size());
  }
  std::string field(const std::string& name) const {
    std::smatch found;
    return std::regex_search(head, found, std::regex("\r\n" + name + ": ([^\r]*)")) ? found[1].str() : "";
  }
};

// All that comes, until the server closes.
Answer ask(ByteStream& stream, std::string_view request) {
  stream.send(request);
  std::string bytes;
  std::array<char, 65536> buffer{};
  while (const std::size_t size = stream.receive(buffer)) bytes.append(buffer.data(), size);
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return {.head = "HTTP/1.1 " + bytes, .body = {}};
  return {.head = bytes.substr(0, end + 2), .body = bytes.substr(end + 4)};
}

std::string request(const std::string& path, const std::string& more = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

Answer get(std::uint16_t port, const std::string& path = "/", const std::string& more = {}) {
  TcpStream stream(port);
  return ask(stream, request(path, more));
}

class PageTest : public testing::Test {
 protected:
  // With modules whose page is this one.
  void make_page(const std::string& index = "<!DOCTYPE html><title>ours</title>") {
    const fs::path modules = prosody.folder().path("modules");
    fs::copy(modules_folder(), modules, fs::copy_options::recursive);
    page = modules / "mod_pubsub_mqtt/page";
    fs::remove_all(page);
    fs::create_directory(page);
    write("index.html", index);
    write("page.js", large);
    write("page.js.gz", "compressed");
    write("secret.lua", "no file of a page");
    prosody.set_plugin_path(modules);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(page / name, std::ios::binary) << text;
  }

  Answer get(const std::string& path = "/", const std::string& more = {}) {
    return tests::get(prosody.mqtt_port(), path, more);
  }

  const std::string large = std::string(1'000'000, 'x');
  fs::path page;
  Prosody prosody;
};

TEST_F(PageTest, IsServedOnBothPortsOverIPv4AndIPv6) {
  make_page();
  prosody.start();
  for (const char* address : {"127.0.0.1", "::1"}) {
    TcpStream stream(prosody.mqtt_port(), address);
    EXPECT_EQ(ask(stream, request("/")).body, "<!DOCTYPE html><title>ours</title>") << address;
  }
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsStream::Options options{
        .server_name = "localhost", .ca_file = prosody.ca_file(), .max_version = version};
    for (const char* path : {"/page.js", "/page.js", "/"}) {
      TlsStream stream(prosody.mqtt_tls_port(), options);
      const Answer answer = ask(stream, request(path));
      EXPECT_EQ(answer.status(), "200 OK");
      EXPECT_EQ(answer.body.size(), std::stoul(answer.field("Content-Length"))) << path;
    }
  }
  EXPECT_EQ(get("/page.js").body, large);
  EXPECT_EQ(get("/page.js", "Accept-Encoding: gzip\r\n").body, "compressed");
  EXPECT_EQ(get("/", "If-None-Match: " + get().field("ETag") + "\r\n").status(), "304 Not Modified");
  prosody.log().wait_for("debug\t.*HTTP was answered: 304 Not Modified");
  EXPECT_EQ(prosody.log().count("info\t.*HTTP was answered"), 0U);
}

TEST_F(PageTest, NothingElseIs) {
  make_page();
  prosody.start();
  for (const char* path : {"/secret.lua", "/page.js.gz", "/../pubsub_mqtt.so", "/../mod_pubsub_mqtt.lua",
                           "/.", "/..", "/%2e%2e/version.lib.lua", "//index.html", "/mqtt/", "/http-bind"}) {
    EXPECT_EQ(get(path).status(), "404 Not Found") << path;
  }
  TcpStream stream(prosody.mqtt_port());
  const Answer other = ask(stream, "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(other.status(), "405 Method Not Allowed");
  EXPECT_EQ(other.field("Allow"), "GET, HEAD");
}

TEST_F(PageTest, MqttAndWebSocketAreOnTheSamePorts) {
  make_page();
  prosody.start();
  RawMqtt device = connected(prosody.mqtt_port(), "device");
  EXPECT_EQ(get().status(), "200 OK");
  for (const char* path : {"/", "/mqtt"}) {
    TcpStream stream(prosody.mqtt_port());
    const WebSocketRequest with_origin{.path = path, .origin = "http://localhost"};
    EXPECT_EQ(websocket_status(stream, with_origin), "101 Switching Protocols") << path;
  }
  EXPECT_EQ(get("/mqtt").status(), "426 Upgrade Required");
  device.ping();
}

TEST_F(PageTest, FollowsAReload) {
  make_page();
  prosody.start({.global = "mqtt_page = false"});
  EXPECT_EQ(get().status(), "426 Upgrade Required");
  prosody.reload({});
  EXPECT_EQ(get().status(), "200 OK");
  write("index.html", "a newer version's");
  EXPECT_EQ(get().body, "<!DOCTYPE html><title>ours</title>");
  prosody.reload({.global = "mqtt_page = false"});
  EXPECT_EQ(get().status(), "426 Upgrade Required");
}

TEST_F(PageTest, ThatWasNotBuiltIsNotMissed) {
  make_page();
  fs::remove_all(page);
  prosody.start();
  EXPECT_EQ(get().status(), "426 Upgrade Required");
  prosody.wait_for_log();
  for (const char* complaint : {"warn\t.*page", "error\t.*page"})
    EXPECT_EQ(prosody.log().count(complaint), 0U);
}

TEST_F(PageTest, ThatIsTooLargeIsNotServed) {
  make_page();
  write("page.css", std::string(4'000'000, 'x'));
  prosody.start();
  prosody.log().wait_for("error\t.*/page has more than .*: the page is not served");
  EXPECT_EQ(get().status(), "426 Upgrade Required");
}

// The client of a proxy has its own limits, and says so in the log.
TEST_F(PageTest, ComesThroughProxies) {
  make_page();
  prosody.start({.global = "mqtt_proxies = { \"127.0.0.1\" }"});
  TcpStream behind(prosody.mqtt_port());
  behind.send("PROXY TCP4 192.0.2.7 192.0.2.1 50000 1883\r\n");
  EXPECT_EQ(ask(behind, request("/")).status(), "200 OK");
  prosody.log().wait_for("192\\.0\\.2\\.7:50000: HTTP was answered: 200 OK");
  prosody.reload({.global = "trusted_proxies = { \"127.0.0.1\" }"});
  EXPECT_EQ(get("/", "X-Forwarded-For: 192.0.2.8\r\n").status(), "200 OK");
  prosody.log().wait_for("192\\.0\\.2\\.8: HTTP was answered: 200 OK");
}

TEST_F(PageTest, CountsForTheLimitsOfConnections) {
  make_page();
  prosody.start({.global = "mqtt_interfaces = { \"*\" }\nmqtt_max_connections_per_address = 1"});
  TcpStream first(prosody.mqtt_port(), outside_address());
  first.send("GET / HTTP/1.1\r\n");
  TcpStream second(prosody.mqtt_port(), outside_address());
  std::array<char, 1> byte{};
  EXPECT_EQ(second.receive(byte), 0U);
  prosody.log().wait_for("has as many as mqtt_max_connections_per_address");
  EXPECT_EQ(ask(first, "Host: a\r\n\r\n").status(), "200 OK");
}

// --- Prosody's own HTTP ---

TEST_F(PageTest, ProsodysHttpLeadsToIt) {
  make_page();
  const FreePort http;
  const std::string ports = "http_interfaces = { \"127.0.0.1\" }\nhttps_ports = {}\nhttp_ports = { " +
                            std::to_string(http.number()) + " }\n";
  const std::string with_http = "modules_enabled = { \"http\" }";
  const auto location = [&](const std::string& host) {
    TcpStream stream(http.number());
    return ask(stream, "GET /mqtt/ HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
        .field("Location");
  };
  prosody.start({.global = ports, .virtual_host = with_http});
  const std::string port = std::to_string(prosody.mqtt_tls_port());
  EXPECT_EQ(location("localhost"), "https://localhost:" + port + "/");
  EXPECT_EQ(location("example.org:5280"), "https://example.org:" + port + "/");
  EXPECT_EQ(location("[::1]:5280"), "https://[::1]:" + port + "/");
  EXPECT_EQ(location("a/b@evil.example"), "");
  prosody.reload({.global = ports + "mqtt_tls_ports = {}", .virtual_host = with_http});
  EXPECT_EQ(location("localhost"), "http://localhost:" + std::to_string(prosody.mqtt_port()) + "/");
  prosody.reload({.global = ports + "mqtt_page = false", .virtual_host = with_http});
  EXPECT_EQ(location("localhost"), "");
}

TEST_F(PageTest, ProsodysHttpThatIsLoadedLaterHasNothingToComplainOf) {
  make_page();
  const FreePort http;
  prosody.start({.global = "http_interfaces = { \"127.0.0.1\" }\nhttps_ports = {}\nhttp_ports = { " +
                           std::to_string(http.number()) + " }"});
  const auto location = [&] {
    TcpStream stream(http.number());
    return ask(stream, "GET /mqtt/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .field("Location");
  };
  const std::string page = "https://localhost:" + std::to_string(prosody.mqtt_tls_port()) + "/";
  prosody.shell(R"(module:load("http", "localhost"))");
  EXPECT_EQ(location(), page);
  prosody.shell(R"(module:reload("http", "localhost"))");
  EXPECT_EQ(location(), page);
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("'mqtt' will be unreachable"), 0U);
}

TEST_F(PageTest, ProsodysHttpIsNotLoadedForIt) {
  make_page();
  prosody.start();
  EXPECT_EQ(prosody.log().count("mod_http"), 0U);
  EXPECT_EQ(prosody.log().count("Activated service 'http"), 0U);
}

// --- The one that was built ---
#ifdef PUBSUB_MQTT_PAGE
std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(PageTest, TheOneThatWasBuiltNeedsNothingButItsFiles) {
  const fs::path built = modules_folder() + "/mod_pubsub_mqtt/page";
  ASSERT_TRUE(fs::exists(built));
  prosody.start();
  const std::string start = get().body;
  EXPECT_EQ(start, contents(built / "index.html"));
  EXPECT_EQ(start.find("<style"), std::string::npos);
  EXPECT_FALSE(std::regex_search(start, std::regex("<script(?![^>]* src=)|\\s(on\\w+|style)="))) << start;
  const std::regex reference("(src|href)=\"([^\"]*)\"");
  std::size_t files = 0;
  for (auto found = std::sregex_iterator(start.begin(), start.end(), reference);
       found != std::sregex_iterator(); ++found) {
    const std::string name = (*found)[2];
    EXPECT_EQ(get("/" + name).body, contents(built / name)) << name;
    ++files;
  }
  EXPECT_GE(files, 2U);
  for (const auto& file : fs::directory_iterator(built)) {
    const std::string name = file.path().filename();
    if (name.ends_with(".gz")) continue;
    const Answer answer = get("/" + name, "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.status(), "200 OK") << name;
    const bool is_compressed = fs::exists(file.path().string() + ".gz");
    EXPECT_EQ(answer.field("Content-Encoding"), is_compressed ? "gzip" : "") << name;
    EXPECT_EQ(answer.body, contents(is_compressed ? file.path().string() + ".gz" : file.path().string()))
        << name;
  }
  EXPECT_NE(get("/licenses.txt").body.find("MIT"), std::string::npos);
}

#endif

}  // namespace
}  // namespace pubsub_mqtt::tests
