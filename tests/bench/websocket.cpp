#include "websocket.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace pubsub_mqtt::bench {
namespace {

constexpr std::string_view request =
    "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

constexpr char binary = '\x82';

// RFC 6455, section 5.2
void append_head(std::size_t size, std::string& to) {
  const std::size_t length_bytes = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
  to += binary;
  to += static_cast<char>(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127));
  for (std::size_t i = length_bytes; i-- > 0;) to += static_cast<char>(size >> (8 * i));
  to.append(4, '\0');
}

constexpr std::size_t max_head_size = 10;

std::size_t head_size(std::string_view head) {
  const auto length = static_cast<std::uint8_t>(head[1]);
  return 2 + (length < 126U ? 0U : length == 126 ? 2U : 8U);
}

std::uint64_t payload_size(std::string_view head) {
  if (head.size() == 2) return static_cast<std::uint8_t>(head[1]);
  std::uint64_t size = 0;
  for (const char byte : head.substr(2)) size = size << 8U | static_cast<std::uint8_t>(byte);
  return size;
}

}  // namespace

std::string_view WebSocket::frame(std::string_view payload) {
  if (!unsent_.empty()) return unsent_;
  if (!has_asked_) unsent_ = request;
  has_asked_ = true;
  append_head(payload.size(), unsent_);
  unsent_ += payload;
  payload_size_ = payload.size();
  return unsent_;
}

std::size_t WebSocket::sent(std::size_t bytes) {
  unsent_.erase(0, bytes);
  return unsent_.empty() ? payload_size_ : 0;
}

bool WebSocket::is_upgraded(std::string_view& bytes) {
  const std::size_t before = head_.size();
  head_ += bytes;
  const auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) {
    bytes = {};
    return false;
  }
  if (!head_.starts_with("HTTP/1.1 101 ")) throw std::runtime_error(head_.substr(0, head_.find("\r\n")));
  bytes.remove_prefix(end + 4 - before);
  head_.clear();
  return true;
}

std::size_t WebSocket::unframe(std::span<char> bytes) {
  std::string_view rest(bytes.data(), bytes.size());
  is_upgraded_ = is_upgraded_ || is_upgraded(rest);
  std::size_t size = 0;
  while (!rest.empty()) {
    if (left_ == 0 && head_.empty() && rest.size() >= max_head_size) {
      const std::string_view head = rest.substr(0, head_size(rest));
      left_ = payload_size(head);
      rest.remove_prefix(head.size());
    } else if (left_ == 0) {
      head_ += rest.front();
      rest.remove_prefix(1);
      if (head_.size() < 2 || head_.size() < head_size(head_)) continue;
      left_ = payload_size(head_);
      head_.clear();
      continue;
    }
    const std::size_t taken = std::min<std::uint64_t>(left_, rest.size());
    std::memmove(&bytes[size], rest.data(), taken);
    rest.remove_prefix(taken);
    size += taken;
    left_ -= taken;
  }
  return size;
}

}  // namespace pubsub_mqtt::bench
