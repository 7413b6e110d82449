// What a client of WebSocket says, byte by byte: requests, and frames that may be odd.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "admission/arrival.h"

namespace pubsub_mqtt::net {

// The example of RFC 6455, section 1.3.
inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view accept_of_sample_key = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct UpgradeText {
  std::string line = "GET /mqtt HTTP/1.1";
  std::string host = "Host: mqtt.example.org\r\n";
  std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  std::string version = "Sec-WebSocket-Version: 13\r\n";
  std::string key = "Sec-WebSocket-Key: " + std::string(sample_key) + "\r\n";
  std::string protocol = "Sec-WebSocket-Protocol: mqtt\r\n";
  std::string more = {};

  std::string text() const {
    return line + "\r\n" + host + upgrade + version + key + protocol + more + "\r\n";
  }
};

inline constexpr std::uint8_t continuation = 0x0;
inline constexpr std::uint8_t text = 0x1;
inline constexpr std::uint8_t binary = 0x2;
inline constexpr std::uint8_t connection_close = 0x8;
inline constexpr std::uint8_t ping = 0x9;
inline constexpr std::uint8_t pong = 0xa;
inline constexpr std::uint8_t fin = 0x80;

inline std::string big_endian(std::size_t number, std::size_t size) {
  std::string bytes;
  while (size-- > 0) bytes += static_cast<char>(number >> (8 * size));
  return bytes;
}

struct Frame {
  std::uint8_t first = fin | binary;  // FIN, RSV and opcode
  std::string payload = {};
  bool is_masked = true;
  std::size_t length_bytes = 0;  // 0: the fewest

  std::string bytes() const {
    const std::size_t size = payload.size();
    const std::size_t bytes_of_length = length_bytes != 0 ? length_bytes
                                        : size < 126      ? 1
                                        : size < 65536    ? 2
                                                          : 8;
    const char mask_bit = is_masked ? '\x80' : '\0';
    std::string frame(1, static_cast<char>(first));
    if (bytes_of_length == 1) {
      frame += static_cast<char>(mask_bit | static_cast<char>(size));
    } else {
      frame += static_cast<char>(mask_bit | (bytes_of_length == 2 ? 126 : 127));
      frame += big_endian(size, bytes_of_length);
    }
    if (!is_masked) return frame + payload;
    const std::string mask("\x12\x34\x56\x78");
    frame += mask;
    for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
    return frame;
  }
};

// What a server sends: neither masked nor fragmented.
inline std::string server_frame(std::uint8_t opcode, const std::string& payload) {
  return Frame{.first = static_cast<std::uint8_t>(fin | opcode), .payload = payload, .is_masked = false}
      .bytes();
}

inline std::string close_frame(std::uint16_t status_code) {
  return server_frame(connection_close, big_endian(status_code, 2));
}

// A connection from an address, on a server where everybody is let in.
inline std::shared_ptr<Arrival> arrival(std::string_view from = "192.0.2.1", Access access = {}) {
  return std::make_shared<Arrival>(*RemoteAddress::parse(from, 1000), false, Time(0),
                                   std::make_shared<const Access>(std::move(access)),
                                   [](const RemoteAddress& client) {
                                     static const Limits limits;
                                     static std::vector<LogLine> log;
                                     static Admission admission(limits, log);
                                     return std::optional<Admission::Place>(std::in_place, admission, client);
                                   });
}

}  // namespace pubsub_mqtt::net
