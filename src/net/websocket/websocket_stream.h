// MQTT over WebSocket (RFC 6455; MQTT 3.1.1 and 5.0, chapter 6) on the ports of MQTT: the first byte of a connection
// tells. A capital letter begins a method of HTTP, and everything else is MQTT, which passes on. On top of a
// connection's other streams. Network thread only.
//
// A request for no WebSocket is for the page (page_answer.h), one file on a connection.
//
// Each packet has a frame of its own: the specification wants clients to take them as they come [MQTT-6.0.0-2], and
// not all do. At rest it holds no buffers. `permessage-deflate` is declined: MQTT's packets are small, and a
// compressor for each client is not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admission/arrival.h"
#include "connection/stream.h"
#include "http/http_request.h"
#include "websocket/frame_reader.h"
#include "websocket/frame_writer.h"

namespace pubsub_mqtt::net {

class WebSocketStream final : public Stream {
 public:
  // So often: proxies close what is silent, nginx after a minute.
  static constexpr Time ping_interval = std::chrono::seconds(30);

  // The writer outlives this.
  WebSocketStream(std::shared_ptr<Arrival> client, FrameWriter& writer)
      : client_(std::move(client)), writer_(writer) {}

  // Stream
  Status receive(std::string_view bytes, std::string& payload, std::string& answer) override;
  std::string_view head(std::string_view packets) override;
  Status send(SendQueue& frames, SendQueue& below) override;
  bool go_on(std::string& answer) override;
  void close(std::string& answer) override;
  std::optional<Introduction> take_introduction() override;
  bool is_done() const override { return state_ == State::mqtt; }
  std::optional<Time> next_ping() const override;
  void ping(Time now, std::string& answer) override;
  static constexpr std::string_view stream_name = "WebSocket";
  std::string_view name() const override { return stream_name; }
  std::string_view error() const override { return error_; }
  bool is_mendable() const override { return is_mendable_; }

 private:
  enum class State : std::uint8_t { unknown, request, open, mqtt, over };

  Status receive_first(std::string_view bytes, std::string& payload, std::string& answer);
  Status receive_request(std::string_view bytes, std::string& payload, std::string& answer);
  Status answer_request(const HttpRequest& request, std::string& answer);
  Status serve_page(const HttpRequest& request, std::string& answer);
  Status receive_frames(std::string_view bytes, std::string& payload, std::string& answer);
  Status fail(std::string_view error);

  State state_ = State::unknown;
  bool is_mendable_ = false;
  std::shared_ptr<Arrival> client_;  // until the connection is a WebSocket
  std::unique_ptr<HttpRequest> request_;
  struct Body {
    std::shared_ptr<const std::string> bytes;
    std::size_t sent = 0;
  };
  std::unique_ptr<Body> body_;           // of the page's file, until all of it is sent
  std::unique_ptr<FrameReader> reader_;  // while a frame or a message is incomplete
  FrameWriter& writer_;
  std::size_t left_of_packet_ = 0;  // whose frame has begun
  Time next_ping_{0};
  std::string_view error_;  // a string literal
};

}  // namespace pubsub_mqtt::net
