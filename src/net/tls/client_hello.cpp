#include "tls/client_hello.h"

#include <algorithm>

namespace pubsub_mqtt::net {
namespace {

// The host name of a server_name extension: the length of the list, one name's type and length, and the name.
// If that is not what it holds, no host is found, or OpenSSL refuses the extension when it acts on it. Empty:
// none.
std::string_view host_name(SSL* ssl) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  constexpr std::size_t prefix = 2 + 1 + 2;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 || size < prefix) return {};
  return {reinterpret_cast<const char*>(data) + prefix, size - prefix};
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

SSL_CTX* find(const TlsContexts& contexts, std::string_view host) {
  const auto found = contexts.by_host.find(host);
  return found == contexts.by_host.end() ? nullptr : found->second.get();
}

}  // namespace

HostName::HostName(std::string_view name) {
  if (name.size() > bytes_.size()) return;
  size_ = name.size();
  std::ranges::transform(name, bytes_.begin(), to_lower);
}

int choose_context(SSL* ssl, int* alert, void*) {
  auto* choice = static_cast<ContextChoice*>(SSL_get_app_data(ssl));
  if (choice == nullptr) return SSL_CLIENT_HELLO_SUCCESS;

  const std::string_view name = host_name(ssl);
  choice->host = HostName(name);
  choice->chosen = find(*choice->contexts, choice->host.name());
  if (choice->chosen == nullptr && SSL_CTX_get0_certificate(choice->contexts->fallback.get()) != nullptr) {
    choice->chosen = choice->contexts->fallback.get();
  }
  if (choice->chosen == nullptr) {
    // RFC 6066, section 3, and RFC 8446, section 9.2
    *alert = name.empty() ? SSL_AD_MISSING_EXTENSION : SSL_AD_UNRECOGNIZED_NAME;
    choice->refusal =
        name.empty()
            ? "the client asked for no host (SNI), and there is no certificate for that case: set "
              "mqtt_tls_ssl, or give Prosody one (`prosodyctl cert import`), and do `prosodyctl reload`"
            : "the client asked for a host (SNI) for which there is no certificate: give Prosody one "
              "(`prosodyctl cert import`), and do `prosodyctl reload`";
    return SSL_CLIENT_HELLO_ERROR;
  }
  return choice->chosen == SSL_get_SSL_CTX(ssl) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_RETRY;
}

}  // namespace pubsub_mqtt::net
