// Chooses the context for a connection by the host that its ClientHello names (SNI, RFC 6066, section 3).
//
// The choice is made before OpenSSL acts on the ClientHello, and by starting again with an SSL of the chosen
// context. Switching an SSL to another context half-way (SSL_set_SSL_CTX) would leave it with the protocol
// versions, options, verification and curves of the first.
#pragma once

#include <openssl/ssl.h>

#include "pubsub_mqtt/net/tls_context.h"

namespace pubsub_mqtt::net {

// The app data of an SSL (SSL_set_app_data) whose context is still to be chosen.
struct ContextChoice {
  const TlsContexts* contexts = nullptr;
  SSL_CTX* chosen = nullptr;
  const char* refusal = nullptr;  // why there is none; a string literal
};

// For SSL_CTX_set_client_hello_cb. Ends SSL_read with SSL_ERROR_WANT_CLIENT_HELLO_CB where the choice is not
// the context that the SSL has. Does nothing without app data.
int choose_context(SSL* ssl, int* alert, void*);

}  // namespace pubsub_mqtt::net
