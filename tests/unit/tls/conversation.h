// An OpenSSL client and a TlsStream that talk to each other in memory.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "certificates.h"
#include "tls/tls_stream.h"

namespace pubsub_mqtt::tests {

struct ClientSettings {
  std::string server_name = {};  // SNI; empty: none
  int version = 0;               // the only one; 0: TLS 1.2 and 1.3
  std::optional<Identity> identity = {};
  std::string alpn = {};  // wire format
  std::string ciphers = {};
  std::string curves = {};
  std::shared_ptr<SSL_SESSION> resume = {};
};

class TlsClient {
 public:
  explicit TlsClient(const ClientSettings& settings);
  TlsClient(TlsClient&&) = delete;
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(TlsClient&&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Handshakes, then reads: as far as the bytes that were fed allow.
  void work();

  void feed(std::string_view ciphertext);
  std::string take_ciphertext();

  void write(std::string_view plaintext);
  void close();
  void renegotiate();

  bool handshake_done() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  bool closed_by_server() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  std::string server_common_name() const;  // of the certificate that the server presented
  const std::string& received() const { return received_; }
  const std::string& error() const { return error_; }
  const std::shared_ptr<SSL_SESSION>& ticket() const { return ticket_; }  // the newest; may be none
  SSL* ssl() const { return ssl_.get(); }

 private:
  void note_error(int result);

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::shared_ptr<SSL_SESSION> ticket_;
  std::string received_;
  std::string error_;
};

// All that waits, as the stream below gets it.
net::Stream::Status send(net::Stream& stream, std::string_view plaintext, std::string& ciphertext);

struct Conversation {
  TlsClient client;
  net::TlsStream stream;
  net::TlsStream::Status status = net::TlsStream::Status::open;
  std::string received;                        // by the server
  std::size_t piece = std::string_view::npos;  // bytes that the server receives at once

  Conversation(const ClientSettings& settings, std::shared_ptr<const net::TlsContexts> contexts)
      : client(settings), stream(std::move(contexts)) {}

  // Carries bytes both ways until nobody has any more to say, or the stream has failed.
  void run();

  void receive(std::string_view ciphertext);
  void send(std::string_view plaintext);
};

}  // namespace pubsub_mqtt::tests
