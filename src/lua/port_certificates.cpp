#include "port_certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace pubsub_mqtt::lua {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

int note_question(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// The key belongs to the certificate; one that needs a password is believed.
bool is_key_of(const X509* certificate, const std::string& path) {
  const Bio file(BIO_new_file(path.c_str(), "r"));
  bool asked = false;
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      file ? PEM_read_bio_PrivateKey(file.get(), nullptr, note_question, &asked) : nullptr);
  return asked || (key && X509_check_private_key(certificate, key.get()) == 1);
}

// What it was loaded from could be loaded again.
bool is_there(const LoadedContext& loaded) {
  const Bio file(BIO_new_file(loaded.certificate.c_str(), "r"));
  const std::unique_ptr<X509, FreeCertificate> certificate(
      file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr);
  const bool is_there = certificate && X509_cmp_current_time(X509_get0_notAfter(certificate.get())) > 0 &&
                        is_key_of(certificate.get(), loaded.key);
  ERR_clear_error();
  return is_there;
}

bool is_for(const LoadedContext& loaded, const std::string& name) {
  X509* certificate = SSL_CTX_get0_certificate(loaded.context.get());
  const bool matches = X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
  ERR_clear_error();
  return matches;
}

}  // namespace

LoadedContext share(const LoadedContext& loaded) {
  return {.context = net::share(loaded.context), .certificate = loaded.certificate, .key = loaded.key};
}

std::shared_ptr<const net::TlsContexts> PortCertificates::contexts() const {
  auto contexts = std::make_shared<net::TlsContexts>();
  contexts->fallback = net::share(fallback.context);
  for (const auto& [host, loaded] : by_host) contexts->by_host[host] = net::share(loaded.context);
  return contexts;
}

std::vector<std::string> host_names(const LoadedContext& loaded) {
  std::vector<std::string> found;
  const X509* certificate = SSL_CTX_get0_certificate(loaded.context.get());
  if (certificate == nullptr) return found;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    found.emplace_back(bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return found;
}

std::optional<std::string> reason_to_keep(const LoadedContext& old, const LoadedContext& found,
                                          const std::vector<std::string>& names) {
  if (old.certificate.empty()) return std::nullopt;
  if (!found.certificate.empty() &&
      (is_there(old) || std::ranges::all_of(names, [&](const auto& name) { return is_for(found, name); }))) {
    return std::nullopt;
  }
  std::string reason = old.certificate + " or its key is missing, has expired or cannot be used";
  if (!found.certificate.empty()) reason += ", and " + found.certificate + " is for other names";
  return reason;
}

}  // namespace pubsub_mqtt::lua
