// The first bytes of a connection: MQTT that passes, a request for the page, or one for WebSocket and its frames. Whole
// and in parts they must be taken for the same, and answered the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/proxy_header.h"
#include "require.h"
#include "websocket/websocket_stream.h"

namespace {

using namespace pubsub_mqtt;
using namespace pubsub_mqtt::net;

struct Reading {
  Stream::Status status = Stream::Status::open;
  bool is_mqtt = false;
  std::string payload = {};
  std::string head = {};  // of the answer
  session::WebSocketOrigin origin = session::WebSocketOrigin::none;
};

std::shared_ptr<const Page> page() {
  Page page;
  page.emplace("/index.html", make_page_file("text/html", "the page", "compressed"));
  return std::make_shared<const Page>(std::move(page));
}

std::shared_ptr<const Access> access() {
  static const auto settings = std::make_shared<const Access>(
      Access{.trusted_proxies = {{.address = RemoteAddress::parse("127.0.0.1")->bytes(), .bits = 128}},
             .websocket_origins = {"https://app.example.org", "null"},
             .hosts = {"example.org"},
             .page = page()});
  return settings;
}

Reading read(std::string_view bytes, std::size_t at_a_time) {
  static FrameWriter writer;
  static const Limits limits;
  static std::vector<LogLine> log;
  static Admission admission(limits, log);
  const auto admit = [](const RemoteAddress&) {
    return std::optional<Admission::Place>(std::in_place, admission);
  };
  WebSocketStream stream(
      std::make_shared<Arrival>(*RemoteAddress::parse("127.0.0.1"), false, Time(0), access(), admit), writer);
  Reading reading;
  std::string answer;
  while (!bytes.empty() && reading.status == Stream::Status::open) {
    reading.status = stream.receive(bytes.substr(0, at_a_time), reading.payload, answer);
    bytes.remove_prefix(std::min(at_a_time, bytes.size()));
    if (const auto introduction = stream.take_introduction()) reading.origin = introduction->peer.websocket;
  }
  reading.is_mqtt = stream.is_done();
  reading.head = answer.substr(0, answer.find("\r\n\r\n"));
  require(reading.status != Stream::Status::failed || !stream.error().empty(), "a failure says what it is");
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read(bytes, size);
  if (begins_proxy_header(bytes)) return 0;  // told where it comes at once only
  for (const std::size_t at_a_time : {std::size_t{1}, std::size_t{2}, size / 2 + 1}) {
    const Reading other = read(bytes, at_a_time);
    // For the rest of a malformed line Beast may wait, until mqtt_connect_timeout.
    if (whole.head.starts_with("HTTP/1.1 400 ") && other.head.empty()) continue;
    require(other.is_mqtt == whole.is_mqtt, "the same protocol");
    require(other.payload == whole.payload, "the same payload");
    require((other.status == Stream::Status::open) == (whole.status == Stream::Status::open), "the same end");
    require(other.head == whole.head, "the same answer");
    require(other.origin == whole.origin, "the same origin");
  }
  require(!whole.is_mqtt || whole.payload == bytes, "MQTT passes unaltered");
  require(whole.payload.empty() || whole.is_mqtt || whole.head.starts_with("HTTP/1.1 101 "),
          "only a WebSocket carries");
  return 0;
}
