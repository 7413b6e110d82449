#include "websocket/websocket_stream.h"

#include <algorithm>
#include <utility>

#include "http/http_answer.h"
#include "http/page_answer.h"
#include "proxy/proxy_header.h"
#include "websocket/upgrade.h"

namespace pubsub_mqtt::net {
namespace {

// Of a file of the page.
constexpr std::size_t part_size = 32UL * 1024;

// A method's name is of capital letters (RFC 9110, section 9.1). MQTT begins with 0x10, CONNECT; TLS, where nobody
// expects that, with 0x16.
bool begins_http(std::string_view bytes) {
  return !bytes.empty() && bytes.front() >= 'A' && bytes.front() <= 'Z';
}

// Whoever opens MQTT's own path is told that it is for WebSocket.
bool asks_for_websocket(const HttpRequest& request) {
  return request.has_token("Upgrade", "websocket") || request.path() == "/mqtt";
}

}  // namespace

Stream::Status WebSocketStream::receive(std::string_view bytes, std::string& payload, std::string& answer) {
  switch (state_) {
    case State::unknown:
      return receive_first(bytes, payload, answer);
    case State::request:
      return receive_request(bytes, payload, answer);
    case State::open:
      return receive_frames(bytes, payload, answer);
    case State::mqtt:
      payload += bytes;
      return Status::open;
    case State::over:
      break;
  }
  return Status::failed;
}

Stream::Status WebSocketStream::receive_first(std::string_view bytes, std::string& payload,
                                              std::string& answer) {
  if (begins_proxy_header(bytes)) {
    is_mendable_ = true;
    return fail(unexpected_proxy_header);
  }
  if (!begins_http(bytes)) {
    state_ = State::mqtt;
    payload.append(bytes);
    return Status::open;
  }
  state_ = State::request;
  request_ = std::make_unique<HttpRequest>();
  return receive_request(bytes, payload, answer);
}

Stream::Status WebSocketStream::receive_request(std::string_view bytes, std::string& payload,
                                                std::string& answer) {
  const HttpRequest::Status status = request_->read(bytes);
  if (status == HttpRequest::Status::incomplete) return Status::open;
  const auto request = std::exchange(request_, nullptr);
  if (status == HttpRequest::Status::malformed) {
    const auto malformed = answer_malformed_request();
    answer.append(malformed.response);
    return fail(malformed.refusal);
  }
  std::string said;
  const Status answered = answer_request(*request, said);
  // RFC 9110, section 9.3.2
  answer.append(request->method() == "HEAD" ? http_head_of(said) : said);
  return answered == Status::open && !bytes.empty() ? receive_frames(bytes, payload, answer) : answered;
}

Stream::Status WebSocketStream::answer_request(const HttpRequest& request, std::string& answer) {
  if (client_->access().page && !asks_for_websocket(request)) return serve_page(request, answer);
  auto [response, refusal, is_mendable] = answer_upgrade(request, *client_);
  answer = std::move(response);
  is_mendable_ = is_mendable;
  if (!refusal.empty()) return fail(refusal);
  state_ = State::open;
  next_ping_ = client_->at() + ping_interval;
  return Status::open;
}

Stream::Status WebSocketStream::serve_page(const HttpRequest& request, std::string& answer) {
  PageAnswer page = answer_page(request, *client_);
  state_ = State::over;
  error_ = page.status;
  answer = std::move(page.said);
  if (page.body) body_ = std::make_unique<Body>(Body{.bytes = std::move(page.body)});
  return Status::answered;
}

bool WebSocketStream::go_on(std::string& answer) {
  if (!body_) return false;
  const std::string_view bytes = *body_->bytes;
  const auto part = bytes.substr(body_->sent, part_size);
  answer.append(part);
  body_->sent += part.size();
  if (body_->sent == bytes.size()) body_.reset();
  return true;
}

Stream::Status WebSocketStream::receive_frames(std::string_view bytes, std::string& payload,
                                               std::string& answer) {
  if (!reader_) reader_ = std::make_unique<FrameReader>(writer_);
  const FrameReader::Status status = reader_->read(bytes, payload, answer);
  if (status == FrameReader::Status::failed) return fail(reader_->error());
  if (status == FrameReader::Status::closed) {
    state_ = State::over;
    return Status::closed;
  }
  if (reader_->is_at_rest()) reader_.reset();
  return Status::open;
}

Stream::Status WebSocketStream::fail(std::string_view error) {
  state_ = State::over;
  error_ = error;
  return Status::failed;
}

// A large packet comes in parts, of which others share some.
std::string_view WebSocketStream::head(std::string_view packets) {
  if (state_ != State::open || packets.empty()) return {};
  const bool goes_on = left_of_packet_ > 0;
  const std::size_t size = goes_on ? left_of_packet_ : std::max(writer_.packet_size(packets), packets.size());
  left_of_packet_ = size - std::min(size, packets.size());
  return goes_on ? std::string_view() : writer_.head(size);
}

Stream::Status WebSocketStream::send(SendQueue& frames, SendQueue& below) {
  if (state_ == State::over) {
    frames = {};  // there is nobody to send to
  } else {
    below.append(std::move(frames));
  }
  return Status::open;
}

void WebSocketStream::close(std::string& answer) {
  if (std::exchange(state_, State::over) == State::open)
    answer.append(writer_.close(WSLAY_CODE_NORMAL_CLOSURE));
}

std::optional<Introduction> WebSocketStream::take_introduction() {
  if (!client_) return std::nullopt;
  auto news = client_->take_news();
  if (state_ != State::unknown && state_ != State::request) client_.reset();
  return news;
}

std::optional<Time> WebSocketStream::next_ping() const {
  return state_ == State::open ? std::optional(next_ping_) : std::nullopt;
}

void WebSocketStream::ping(Time now, std::string& answer) {
  if (state_ != State::open) return;
  next_ping_ = now + ping_interval;
  answer.append(writer_.ping());
}

}  // namespace pubsub_mqtt::net
