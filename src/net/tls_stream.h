// One server-side TLS connection without a socket: ciphertext in, plaintext out, and back. Network thread
// only.
//
// At rest it holds no buffers, only OpenSSL's state of the connection.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pubsub_mqtt/boundary/certificate_names.h"
#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::net {

struct ContextChoice;

class TlsStream {
 public:
  enum class Status {
    open,    // go on
    closed,  // the peer said close_notify; whatever comes after it is ignored
    failed,  // handshake or record error, for good; error() tells
  };

  // Keeps a reference to `contexts` until the client has named its host: a reload hands new ones to new
  // connections only.
  explicit TlsStream(std::shared_ptr<const TlsContexts> contexts);

  // Takes bytes from the socket. Appends what they decrypt to `plaintext` and what must be sent in answer to
  // `ciphertext_out`, also when it fails (the alert).
  Status receive(std::string_view ciphertext, std::string& plaintext, std::string& ciphertext_out);

  // Encrypts. Before the handshake is done, and after close(), there is nobody to send to: the caller must
  // not.
  Status send(std::string_view plaintext, std::string& ciphertext_out);

  // close_notify, once; nothing where there is no connection to close (the handshake is not done, or it
  // failed).
  void close(std::string& ciphertext_out);

  bool handshake_done() const;

  // Whether an administrator can mend what went wrong: error() is one of a few literals then.
  bool is_mendable() const { return is_mendable_; }

  // Who the client's verified certificate says it is: once, with the first plaintext.
  std::unique_ptr<CertificateNames> take_client_names() { return std::move(client_names_); }

  // What went wrong, after it failed, for a debug log line; holds nothing secret and no bytes of the
  // client's.
  std::string_view error() const { return error_ ? std::string_view{*error_} : std::string_view{}; }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using Ssl = std::unique_ptr<SSL, FreeSsl>;

  static Ssl make_ssl(SSL_CTX* context);
  Status receive_client_hello(std::string_view ciphertext, std::string& plaintext,
                              std::string& ciphertext_out);
  int read(std::string_view ciphertext, ContextChoice* choice, std::string& plaintext,
           std::string& ciphertext_out);
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
  Ssl ssl_;  // none after a failure
  std::unique_ptr<CertificateNames> client_names_;
  std::unique_ptr<const std::string> error_;
  bool client_is_known_ = false;
  bool is_mendable_ = false;
};

}  // namespace pubsub_mqtt::net
