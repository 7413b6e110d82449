#include "websocket.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace pubsub_mqtt::tests {
namespace {

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

std::string ask_for_websocket(ByteStream& stream, const WebSocketRequest& request, std::string& rest) {
  std::string text = "GET " + request.path + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
                     request.protocol + "\r\n" + request.more;
  if (!request.origin.empty()) text += "Origin: " + request.origin + "\r\n";
  stream.send(text + "\r\n");
  std::string answer;
  std::array<char, 4096> buffer{};
  while (answer.find("\r\n\r\n") == std::string::npos) {
    const std::size_t size = stream.receive(buffer);
    if (size == 0) throw ConnectionClosed("the server answered no request for WebSocket: " + answer);
    answer.append(buffer.data(), size);
  }
  const std::size_t head = answer.find("\r\n\r\n") + 4;
  rest = answer.substr(head);
  return answer.substr(0, head);
}

std::string websocket_status(ByteStream& stream, const WebSocketRequest& request) {
  constexpr std::string_view version = "HTTP/1.1 ";
  std::string rest;
  const std::string head = ask_for_websocket(stream, request, rest);
  return head.substr(version.size(), head.find("\r\n") - version.size());
}

struct WebSocket::Callbacks {
  static ssize_t receive(wslay_event_context* context, std::uint8_t* into, std::size_t size, int,
                         void* socket) {
    std::string& unread = static_cast<WebSocket*>(socket)->unread_;
    if (unread.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    const std::size_t taken = std::min(size, unread.size());
    std::memcpy(into, unread.data(), taken);
    unread.erase(0, taken);
    return static_cast<ssize_t>(taken);
  }
  static ssize_t send(wslay_event_context* context, const std::uint8_t* bytes, std::size_t size, int,
                      void* socket) {
    try {
      static_cast<WebSocket*>(socket)->below_->send({reinterpret_cast<const char*>(bytes), size});
    } catch (const std::exception&) {
      wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
      return -1;
    }
    return static_cast<ssize_t>(size);
  }
  static int mask(wslay_event_context*, std::uint8_t* key, std::size_t size, void*) {
    std::fill(key, key + size, std::uint8_t{0x5a});
    return 0;
  }
  static void take(wslay_event_context*, const wslay_event_on_msg_recv_arg* message, void* socket) {
    if (wslay_is_ctrl_frame(message->opcode)) return;
    static_cast<WebSocket*>(socket)->received_.append(reinterpret_cast<const char*>(message->msg),
                                                      message->msg_length);
  }
};

WebSocket::WebSocket(std::unique_ptr<ByteStream> below, const WebSocketRequest& request)
    : below_(std::move(below)), context_(nullptr, wslay_event_context_free) {
  const std::string head = ask_for_websocket(*below_, request, unread_);
  if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error(head.substr(0, head.find("\r\n")));
  const wslay_event_callbacks callbacks{.recv_callback = Callbacks::receive,
                                        .send_callback = Callbacks::send,
                                        .genmask_callback = Callbacks::mask,
                                        .on_frame_recv_start_callback = nullptr,
                                        .on_frame_recv_chunk_callback = nullptr,
                                        .on_frame_recv_end_callback = nullptr,
                                        .on_msg_recv_callback = Callbacks::take};
  wslay_event_context* context = nullptr;
  wslay_event_context_client_init(&context, &callbacks, this);
  context_.reset(context);
}

void WebSocket::queue(std::uint8_t opcode, std::string_view bytes) {
  const wslay_event_msg message{.opcode = opcode, .msg = bytes_of(bytes), .msg_length = bytes.size()};
  if (wslay_event_queue_msg(context_.get(), &message) != 0) throw ConnectionClosed("the WebSocket is closed");
}

void WebSocket::send_queued() {
  if (wslay_event_send(context_.get()) != 0) throw ConnectionClosed("below the WebSocket");
}

void WebSocket::send(std::string_view bytes) {
  queue(WSLAY_BINARY_FRAME, bytes);
  send_queued();
}

void WebSocket::send_last(std::string_view bytes) {
  queue(WSLAY_BINARY_FRAME, bytes);
  send_queued();
  wslay_event_queue_close(context_.get(), WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
  send_queued();
}

std::size_t WebSocket::receive(std::span<char> buffer) {
  while (true) {
    wslay_event_recv(context_.get());
    if (!received_.empty()) break;
    if (wslay_event_get_close_received(context_.get()) != 0) return 0;
    send_queued();
    std::array<char, 65536> bytes{};
    const std::size_t size = below_->receive(bytes);
    if (size == 0) return 0;
    unread_.append(bytes.data(), size);
  }
  const std::size_t size = std::min(buffer.size(), received_.size());
  std::memcpy(buffer.data(), received_.data(), size);
  received_.erase(0, size);
  return size;
}

int WebSocket::close_code() const { return wslay_event_get_status_code_received(context_.get()); }

}  // namespace pubsub_mqtt::tests
