// Connections for tests that want every byte in their own hand: plain TCP, and TLS over it.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "file_descriptor.h"

namespace pubsub_mqtt::tests {

struct ConnectionClosed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // All of it. Throws ConnectionClosed, TimedOut.
  virtual void send(std::string_view bytes) = 0;

  // All of it and the end of what this side sends (FIN; TLS: close_notify), in one segment where it fits.
  virtual void send_last(std::string_view bytes) = 0;

  // At least one byte; 0 when the peer has closed, rudely or not. Throws TimedOut.
  virtual std::size_t receive(std::span<char> buffer) = 0;

 protected:
  ByteStream() = default;
};

class TcpStream : public ByteStream {
 public:
  // `address` is IPv4 or IPv6 text. `receive_buffer` (bytes; 0: the system's) is what the kernel keeps
  // unread.
  explicit TcpStream(std::uint16_t port, const std::string& address = "127.0.0.1", int receive_buffer = 0);

  void send(std::string_view bytes) override;
  void send_last(std::string_view bytes) override;
  std::size_t receive(std::span<char> buffer) override;

  // The kernel gathers what is sent meanwhile.
  void cork(bool on);
  // As much as the kernel takes right now.
  std::size_t send_some(std::string_view bytes);
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }
  // Closes with a TCP reset.
  void abort();

 private:
  FileDescriptor fd_;
};

class TlsStream : public ByteStream {
 public:
  struct Options {
    std::string server_name = {};      // SNI; empty: none
    std::string verify_name = {};      // must stand in the certificate; empty: server_name
    std::string ca_file = {};          // empty: any certificate will do
    int max_version = TLS1_3_VERSION;  // OpenSSL's constants
    std::string certificate = {};      // of the client, PEM files
    std::string key = {};
  };

  // Throws std::runtime_error with OpenSSL's reason where the handshake fails.
  TlsStream(std::uint16_t port, const Options& options);

  void send(std::string_view bytes) override;
  void send_last(std::string_view bytes) override;
  std::size_t receive(std::span<char> buffer) override;

  std::string protocol() const { return SSL_get_version(ssl_.get()); }
  std::string peer_common_name() const;
  std::string peer_serial() const;

 private:
  TcpStream tcp_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

}  // namespace pubsub_mqtt::tests
