// Chooses the context for a connection by the host that its ClientHello names (SNI, RFC 6066, section 3).
//
// The choice is made before OpenSSL acts on the ClientHello, and by starting again with an SSL of the chosen
// context. Switching an SSL to another context half-way (SSL_set_SSL_CTX) would leave it with the protocol
// versions, options, verification and curves of the first.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::net {

// A host's name in lower case. Borrows no memory from the heap, so it cannot throw among OpenSSL's frames.
class HostName {
 public:
  HostName() = default;
  // One that is too long for a host (RFC 1035, section 2.3.4) is none.
  explicit HostName(std::string_view name);

  bool empty() const { return size_ == 0; }
  std::string_view name() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 255> bytes_{};
  std::size_t size_ = 0;
};

// The app data of an SSL (SSL_set_app_data) whose context is still to be chosen.
struct ContextChoice {
  const TlsContexts* contexts = nullptr;
  SSL_CTX* chosen = nullptr;
  HostName host = {};             // that the client has named, if any
  const char* refusal = nullptr;  // why there is none; a string literal
};

// For SSL_CTX_set_client_hello_cb. Ends SSL_read with SSL_ERROR_WANT_CLIENT_HELLO_CB where the choice is not
// the context that the SSL has. Does nothing without app data.
int choose_context(SSL* ssl, int* alert, void*);

}  // namespace pubsub_mqtt::net
