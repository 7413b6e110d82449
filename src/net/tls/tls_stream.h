// One server-side TLS connection as a stream: ciphertext below, plaintext above. Network thread only.
//
// It waits for its turn with each part of the handshake, which costs more than anything else that a client
// without an account can ask for. At rest it holds no buffers, only OpenSSL's state of the connection.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "admission/handshake_turn.h"
#include "connection/stream.h"
#include "pubsub_mqtt/boundary/certificate_names.h"
#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::net {

struct ContextChoice;

class TlsStream final : public Stream {
 public:
  // Keeps a reference to `contexts` until the client has named its host: a reload hands new ones to new
  // connections only. Without a `turn` the handshake never waits.
  explicit TlsStream(std::shared_ptr<const TlsContexts> contexts,
                     std::unique_ptr<HandshakeTurn> turn = nullptr);

  // Stream. A handshake that fails is answered by an alert.
  bool needs_turns() const override { return turn_ != nullptr; }
  bool take_turn() override { return turn_->has_come(); }
  Status receive(std::string_view ciphertext, std::string& plaintext, std::string& answer) override;
  // Before the handshake is done, and after close(), there is nobody to send to: the caller must not.
  Status send(SendQueue& plaintext, SendQueue& ciphertext) override;
  // close_notify; nothing where there is no connection to close (the handshake is not done, or it failed).
  void close(std::string& answer) override;
  // Of the client's verified certificate.
  std::unique_ptr<CertificateNames> take_client_names() override { return std::move(client_names_); }
  std::string take_server_name() override;
  static constexpr std::string_view stream_name = "TLS";
  std::string_view name() const override { return stream_name; }
  bool is_mendable() const override { return is_mendable_; }
  std::string_view error() const override { return error_ ? std::string_view{*error_} : std::string_view{}; }

  bool handshake_done() const;

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using Ssl = std::unique_ptr<SSL, FreeSsl>;

  static Ssl make_ssl(SSL_CTX* context);
  Status decrypt(std::string_view ciphertext, std::string& plaintext, std::string& answer);
  Status receive_client_hello(std::string_view ciphertext, std::string& plaintext, std::string& answer);
  int read(std::string_view ciphertext, ContextChoice* choice, std::string& plaintext, std::string& answer);
  std::uint64_t Handshakes::*result_of_handshake() const;
  Status outcome(int ssl_error);
  Status fail_with_openssl_error();
  Status fail(std::string error);
  Status fail_mendably(std::string error);

  // Until the client has named its host.
  struct Choice {
    std::shared_ptr<const TlsContexts> contexts;
    std::string hello;  // what came of the ClientHello
  };
  std::unique_ptr<Choice> choice_;
  std::unique_ptr<HandshakeTurn> turn_;  // until the handshake is done
  Ssl ssl_;                              // none after a failure
  std::unique_ptr<CertificateNames> client_names_;
  std::unique_ptr<std::string> server_name_;  // until it is taken
  std::unique_ptr<const std::string> error_;
  bool client_is_known_ = false;
  bool is_mendable_ = false;
};

}  // namespace pubsub_mqtt::net
