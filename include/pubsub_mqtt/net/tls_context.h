// Server-side TLS settings as Prosody resolved them, and the OpenSSL contexts made from them.
//
// Built on Prosody's thread (it reads certificate files), used on the network thread: an SSL_CTX is not
// changed after it was built, so handing over the reference is all that it takes. Source: the LuaSec options
// that Prosody's core.certmanager and util.sslconfig produce.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pubsub_mqtt::net {

struct TlsSettings {
  std::string certificate;  // path of a PEM chain; empty: none (a client must then name a host by SNI)
  std::string key;          // path of a PEM key
  std::optional<std::string> password;  // of the key
  std::string protocol;                 // LuaSec's: "sslv23", "tlsv1_2", ...; empty: "sslv23"
  std::vector<std::string> options;     // LuaSec's: "no_sslv3", "cipher_server_preference", ...
  std::string ciphers;                  // TLS 1.2 and older, OpenSSL's syntax; empty: OpenSSL's default
  std::string ciphersuites;             // TLS 1.3; empty: OpenSSL's default
  std::string curves;                   // "X25519:P-256"; empty: OpenSSL's default
  std::string dhparam;                  // PEM text; empty: none
  std::vector<std::string> verify;      // LuaSec's: "none", "peer", "fail_if_no_peer_cert", "client_once"
  std::optional<int> depth;             // of a client's certificate chain
  std::string cafile;                   // path
  std::string capath;                   // path
};

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

// Another owner of the same context.
SslContext share(const SslContext& context);

struct TlsContextError {
  std::string reason;  // names the file or setting, and what OpenSSL said of it
};

// Whether a PEM key is encrypted. Prosody's default for `password` is a function that logs an error when it
// is called, so it must be called for such a key only. False where there is no such file: make_tls_context
// will say so.
bool needs_password(const std::string& key_file);

// A client certificate, where `verify` asks for one, counts only if its chain verifies; else the handshake
// fails, and its connections resume no TLS sessions. `warnings` gets a sentence for each setting that was
// ignored: an unknown option, Diffie-Hellman parameters that cannot be used. Never prompts on the terminal.
std::variant<SslContext, TlsContextError> make_tls_context(const TlsSettings& settings,
                                                           std::vector<std::string>& warnings);

// What one TLS listener presents: a context of its own, and one for each host that a client may name (SNI,
// RFC 6066).
struct TlsContexts {
  SslContext fallback;
  std::map<std::string, SslContext, std::less<>> by_host;  // lower case
};

}  // namespace pubsub_mqtt::net
