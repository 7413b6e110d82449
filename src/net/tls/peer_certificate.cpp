#include "tls/peer_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pubsub_mqtt/mqtt/strings.h"

namespace pubsub_mqtt::net {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Names = std::unique_ptr<GENERAL_NAMES, FreeNames>;

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

bool is_ascii(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void add(std::string_view name, std::vector<std::string>& names) {
  if (!name.empty() && mqtt::is_utf8_string(name)) names.emplace_back(name);
}

void add_ia5(const ASN1_IA5STRING* string, std::vector<std::string>& names) {
  if (is_ascii(bytes_of(string))) add(bytes_of(string), names);
}

void add_other(const OTHERNAME* other, CertificateNames& names) {
  if (OBJ_obj2nid(other->type_id) != NID_XmppAddr || other->value->type != V_ASN1_UTF8STRING) return;
  add(bytes_of(other->value->value.utf8string), names.xmpp_addresses);
}

}  // namespace

CertificateNames certificate_names(const X509* certificate) {
  CertificateNames found;
  // None either where the extension stands twice, or is not to be parsed.
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_OTHERNAME) add_other(name->d.otherName, found);
    if (name->type == GEN_DNS) add_ia5(name->d.dNSName, found.dns_names);
    if (name->type == GEN_EMAIL) add_ia5(name->d.rfc822Name, found.emails);
  }
  return found;
}

CertificateNames verified_names(const SSL* ssl) {
  // The result is X509_V_OK without a certificate, too. A server that does not verify gets none.
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  return certificate_names(certificate);
}

}  // namespace pubsub_mqtt::net
