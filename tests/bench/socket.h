// A connection to a port of this machine, plain or TLS, with WebSocket or without, that never blocks.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "file_descriptor.h"
#include "websocket.h"

namespace pubsub_mqtt::bench {

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// Of a client that takes any certificate.
TlsContext make_tls_context();

// What carries MQTT: TCP itself (or TLS), or WebSocket on it.
enum class Carrier : std::uint8_t { tcp, websocket };

struct Endpoint {
  // Of the server's port, without more.
  Endpoint(std::uint16_t of, Carrier with = Carrier::tcp)
      : port(of), carrier(with) {}  // NOLINT(google-explicit-constructor)

  std::uint16_t port;
  Carrier carrier;
};

class Socket {
 public:
  // Connects, in the background. `tls` may be nullptr: plain TCP.
  Socket(Endpoint endpoint, SSL_CTX* tls);

  int fd() const { return fd_.get(); }

  // How many bytes were read or written; 0: none now, and what is to be written must be offered again, with more behind
  // it or not. Throws std::runtime_error where the connection has
  // ended.
  std::size_t read(std::span<char> buffer);
  std::size_t write(std::string_view bytes);

 private:
  std::size_t read_below(std::span<char> buffer);
  std::size_t write_below(std::string_view bytes);
  std::size_t tls_result(int result, std::size_t size) const;

  tests::FileDescriptor fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::unique_ptr<WebSocket> websocket_;
};

}  // namespace pubsub_mqtt::bench
