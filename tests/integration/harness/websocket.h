// A client of WebSocket on another stream: MQTT's bytes in binary frames, as a browser's library sends them.
#pragma once

#include <wslay/wslay.h>

#include <memory>
#include <string>
#include <string_view>

#include "byte_stream.h"

namespace pubsub_mqtt::tests {

struct WebSocketRequest {
  std::string path = "/mqtt";
  std::string host = "localhost";
  std::string origin = {};  // empty: none, as of a client that is no browser
  std::string protocol = "mqtt";
  std::string more = {};  // further fields, each with CRLF
};

// Asks for a WebSocket. Returns the head of the answer, and what came behind it in `rest`.
std::string ask_for_websocket(ByteStream& stream, const WebSocketRequest& request, std::string& rest);

// The status of the answer: "101 Switching Protocols".
std::string websocket_status(ByteStream& stream, const WebSocketRequest& request);

class WebSocket final : public ByteStream {
 public:
  // Throws std::runtime_error with the status where the server refuses.
  WebSocket(std::unique_ptr<ByteStream> below, const WebSocketRequest& request);

  // One frame.
  void send(std::string_view bytes) override;
  // And Close.
  void send_last(std::string_view bytes) override;
  // What frames carry; 0 after Close, too.
  std::size_t receive(std::span<char> buffer) override;

  // What the server said in Close; 0: nothing yet.
  int close_code() const;

 private:
  struct Callbacks;
  void queue(std::uint8_t opcode, std::string_view bytes);
  void send_queued();

  std::unique_ptr<ByteStream> below_;
  std::string unread_;    // from below
  std::string received_;  // for the reader
  std::unique_ptr<wslay_event_context, decltype(&wslay_event_context_free)> context_;
};

}  // namespace pubsub_mqtt::tests
