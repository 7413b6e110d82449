// A connection to a port of this machine, plain or TLS, that never blocks.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "file_descriptor.h"

namespace pubsub_mqtt::bench {

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// Of a client that takes any certificate.
TlsContext make_tls_context();

class Socket {
 public:
  // Connects, in the background. `tls` may be nullptr: plain TCP.
  Socket(std::uint16_t port, SSL_CTX* tls);

  int fd() const { return fd_.get(); }

  // How many bytes were read or written; 0: none now. Throws std::runtime_error where the connection has
  // ended.
  std::size_t read(std::span<char> buffer);
  std::size_t write(std::string_view bytes);

 private:
  std::size_t tls_result(int result, std::size_t size) const;

  tests::FileDescriptor fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

}  // namespace pubsub_mqtt::bench
