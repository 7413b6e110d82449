#include "pubsub_mqtt/net/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string_view>

#include "tls/client_hello.h"
#include "tls/openssl_error.h"
#include "tls/tls_options.h"

namespace pubsub_mqtt::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

// What a step says when it fails.
using Failure = std::optional<std::string>;

std::string in_quotes(std::string_view text) { return std::string("\"").append(text).append("\""); }

// --- Key ---

struct PasswordRequest {
  const std::optional<std::string>& password;
  bool asked = false;
};

// OpenSSL's pem_password_cb. Without one OpenSSL prompts on the terminal.
int give_password(char* buffer, int size, int, void* request_data) {
  auto* request = static_cast<PasswordRequest*>(request_data);
  request->asked = true;
  if (!request->password || request->password->size() > static_cast<std::size_t>(size)) return -1;
  std::ranges::copy(*request->password, buffer);
  return static_cast<int>(request->password->size());
}

int give_no_password(char*, int, int, void*) { return -1; }

Key read_key(const std::string& file, PasswordRequest& request) {
  const Bio bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) return nullptr;
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &request));
}

// --- The steps, in the order of LuaSec's ssl.newcontext ---

struct Protocol {
  std::string_view name;
  int version;
};

// 0: every version that OpenSSL has. Prosody turns "tlsv1_2+" into "sslv23" and options (util.sslconfig).
constexpr Protocol protocols[] = {
    {"", 0},
    {"any", 0},
    {"sslv23", 0},
    {"tlsv1", TLS1_VERSION},
    {"tlsv1_1", TLS1_1_VERSION},
    {"tlsv1_2", TLS1_2_VERSION},
    {"tlsv1_3", TLS1_3_VERSION},
};

Failure set_protocol(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  const auto* protocol = std::ranges::find(protocols, settings.protocol, &Protocol::name);
  if (protocol == std::end(protocols)) return "unknown TLS protocol " + in_quotes(settings.protocol);
  SSL_CTX_set_min_proto_version(context, protocol->version);
  SSL_CTX_set_max_proto_version(context, protocol->version);
  return std::nullopt;
}

Failure set_certificate(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  if (settings.certificate.empty()) return std::nullopt;
  SSL_CTX_set_default_passwd_cb(context, give_no_password);
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1) {
    return "cannot use the certificate " + settings.certificate + ": " + take_openssl_error();
  }
  if (settings.key.empty()) return "there is no key for the certificate " + settings.certificate;

  PasswordRequest request{settings.password};
  const Key key = read_key(settings.key, request);
  if (!key && request.asked && !settings.password) {
    return "the key " + settings.key + " is encrypted, and there is no password for it";
  }
  if (!key && request.asked) return "the password does not open the key " + settings.key;
  if (!key) return "cannot read the key " + settings.key + ": " + take_openssl_error();
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
    return "the key " + settings.key + " does not belong to the certificate " + settings.certificate;
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return "cannot use the key " + settings.key + ": " + take_openssl_error();
  }
  return std::nullopt;
}

Failure set_authorities(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  if (settings.cafile.empty() && settings.capath.empty()) return std::nullopt;
  const char* file = settings.cafile.empty() ? nullptr : settings.cafile.c_str();
  const char* path = settings.capath.empty() ? nullptr : settings.capath.c_str();
  if (SSL_CTX_load_verify_locations(context, file, path) == 1) return std::nullopt;
  return "cannot use the certificate authorities in " +
         (file != nullptr ? settings.cafile : settings.capath) + ": " + take_openssl_error();
}

Failure set_ciphers(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) {
    return "cannot use the ciphers " + in_quotes(settings.ciphers) + ": " + take_openssl_error();
  }
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) != 1) {
    return "cannot use the ciphersuites " + in_quotes(settings.ciphersuites) + ": " + take_openssl_error();
  }
  return std::nullopt;
}

Failure set_verify(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  int mode = SSL_VERIFY_NONE;
  for (const std::string& flag : settings.verify) {
    if (flag == "peer") {
      mode |= SSL_VERIFY_PEER;
    } else if (flag == "fail_if_no_peer_cert") {
      mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    } else if (flag == "client_once") {
      mode |= SSL_VERIFY_CLIENT_ONCE;
    } else if (flag != "none") {
      // No warning: what the administrator meant to demand of clients must not be dropped.
      return "unknown TLS verify flag " + in_quotes(flag);
    }
  }
  SSL_CTX_set_verify(context, mode, nullptr);
  // "The verification result is part of the established session and is restored when a session is reused"
  // (SSL_get_verify_result(3)): a client could go on for ever, from ticket to ticket, with a certificate that
  // has expired. Where one is asked for nothing is resumed, so that it is verified for each connection.
  if ((mode & SSL_VERIFY_PEER) != 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (settings.depth) SSL_CTX_set_verify_depth(context, *settings.depth);
  return std::nullopt;
}

Failure set_options(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>& warnings) {
  for (const std::string& name : settings.options) {
    if (const auto bits = tls_option(name)) {
      SSL_CTX_set_options(context, *bits);
    } else {
      warnings.push_back("unknown TLS option " + in_quotes(name) + " is ignored");
    }
  }
  // Nothing in MQTT needs it, and a client could make us repeat the costly part of a handshake.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // There is no session cache, so without tickets TLS 1.3's NewSessionTicket would name what we forgot
  // already.
  if ((SSL_CTX_get_options(context) & SSL_OP_NO_TICKET) != 0) SSL_CTX_set_num_tickets(context, 0);
  return std::nullopt;
}

// Without parameters there are no DHE ciphers, as with LuaSec, so parameters that cannot be used are no
// reason to close the port.
Failure set_dhparam(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>& warnings) {
  if (settings.dhparam.empty()) return std::nullopt;
  const Bio bio(BIO_new_mem_buf(settings.dhparam.data(), static_cast<int>(settings.dhparam.size())));
  Key parameters(bio ? PEM_read_bio_Parameters(bio.get(), nullptr) : nullptr);
  if (!parameters) {
    warnings.push_back("cannot read the TLS dhparam: " + take_openssl_error() + "; DHE ciphers are off");
  } else if (EVP_PKEY_is_a(parameters.get(), "DH") != 1) {
    warnings.emplace_back("the TLS dhparam is not for Diffie-Hellman; DHE ciphers are off");
  } else if (SSL_CTX_set0_tmp_dh_pkey(context, parameters.get()) != 1) {
    warnings.push_back("cannot use the TLS dhparam: " + take_openssl_error() + "; DHE ciphers are off");
  } else {
    (void)parameters.release();
  }
  return std::nullopt;
}

Failure set_curves(SSL_CTX* context, const TlsSettings& settings, std::vector<std::string>&) {
  if (settings.curves.empty() || SSL_CTX_set1_curves_list(context, settings.curves.c_str()) == 1)
    return std::nullopt;
  take_openssl_error();
  return "unknown curve in " + in_quotes(settings.curves);
}

// "mqtt" is registered with IANA for MQTT over TLS, "http/1.1" for what becomes a WebSocket; a client that offers
// both gets the first. One that offers others only is served without.
int select_protocol(SSL*, const unsigned char** selected, unsigned char* selected_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = {4, 'm', 'q', 't', 't', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* match = nullptr;
  if (SSL_select_next_proto(&match, selected_size, ours, sizeof ours, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *selected = match;
  return SSL_TLSEXT_ERR_OK;
}

// What no setting decides.
Failure set_our_own(SSL_CTX* context, const TlsSettings&, std::vector<std::string>&) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // 33 kB of each connection at rest
  // Tickets only. Those of one context mean nothing to another: each has ticket keys of its own.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_client_hello_cb(context, choose_context, nullptr);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  return std::nullopt;
}

}  // namespace

bool needs_password(const std::string& key_file) {
  const std::optional<std::string> none;
  PasswordRequest request{none};
  const Key key = read_key(key_file, request);
  ERR_clear_error();
  return request.asked;
}

SslContext share(const SslContext& context) {
  SSL_CTX_up_ref(context.get());
  return SslContext(context.get());
}

std::variant<SslContext, TlsContextError> make_tls_context(const TlsSettings& settings,
                                                           std::vector<std::string>& warnings) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return TlsContextError{"cannot make a TLS context: " + take_openssl_error()};
  for (const auto step : {set_protocol, set_certificate, set_authorities, set_ciphers, set_verify,
                          set_options, set_dhparam, set_curves, set_our_own}) {
    if (auto failure = step(context.get(), settings, warnings)) {
      ERR_clear_error();
      return TlsContextError{*std::move(failure)};
    }
  }
  ERR_clear_error();
  return context;
}

}  // namespace pubsub_mqtt::net
