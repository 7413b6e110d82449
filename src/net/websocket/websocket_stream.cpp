#include "websocket/websocket_stream.h"

#include <algorithm>
#include <utility>

#include "proxy/proxy_header.h"
#include "websocket/upgrade.h"

namespace pubsub_mqtt::net {
namespace {

// MQTT begins with 0x10, CONNECT; TLS, where nobody expects that, with 0x16.
constexpr std::string_view http_begins = "GET ";

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
  if (first_bytes_ == 0 && begins_proxy_header(bytes)) {
    is_mendable_ = true;
    return fail(unexpected_proxy_header);
  }
  const std::string_view expected = http_begins.substr(first_bytes_);
  const std::size_t size = std::min(expected.size(), bytes.size());
  if (bytes.substr(0, size) != expected.substr(0, size)) {
    state_ = State::mqtt;
    payload.append(http_begins.substr(0, first_bytes_)).append(bytes);
    return Status::open;
  }
  first_bytes_ = static_cast<std::uint8_t>(first_bytes_ + size);
  if (size < expected.size()) return Status::open;
  state_ = State::request;
  request_ = std::make_unique<HttpRequest>();
  std::string_view begin = http_begins;
  request_->read(begin);
  return receive_request(bytes.substr(size), payload, answer);
}

Stream::Status WebSocketStream::receive_request(std::string_view bytes, std::string& payload,
                                                std::string& answer) {
  const HttpRequest::Status status = request_->read(bytes);
  if (status == HttpRequest::Status::incomplete) return Status::open;
  const auto [response, refusal, is_mendable] = status == HttpRequest::Status::complete
                                                    ? answer_upgrade(*request_, *client_)
                                                    : answer_malformed_request();
  answer.append(response);
  request_.reset();
  is_mendable_ = is_mendable;
  if (!refusal.empty()) return fail(refusal);
  state_ = State::open;
  next_ping_ = client_->at() + ping_interval;
  return bytes.empty() ? Status::open : receive_frames(bytes, payload, answer);
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
