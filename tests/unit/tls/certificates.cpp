#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>
#include <stdexcept>

namespace pubsub_mqtt::tests {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

std::string content(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string parameters(const char* algorithm, const char* group) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* generated = nullptr;
  require(EVP_PKEY_paramgen_init(context.get()) == 1, "EVP_PKEY_paramgen_init");
  require(EVP_PKEY_CTX_set_group_name(context.get(), group) == 1, "EVP_PKEY_CTX_set_group_name");
  require(EVP_PKEY_paramgen(context.get(), &generated) == 1, "EVP_PKEY_paramgen");
  const Key key(generated, EVP_PKEY_free);
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  require(PEM_write_bio_Parameters(bio.get(), generated) == 1, "PEM_write_bio_Parameters");
  return content(bio);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "tls_unit_tests.XXXXXX";
  require(mkdtemp(name.data()) != nullptr, "mkdtemp");
  folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string TemporaryFolder::write(std::string_view name, std::string_view text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

Key make_ec_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

Key make_rsa_key() { return {EVP_RSA_gen(2048), EVP_PKEY_free}; }

Identity make_identity(const CertificateRequest& request) {
  static std::atomic<long> serial = 1;
  Identity identity{request.key ? request.key : make_ec_key(), {X509_new(), X509_free}};
  X509* certificate = identity.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  constexpr long day = 24L * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60 * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate), request.days * day);
  X509_set_pubkey(certificate, identity.key.get());

  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>(request.name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common_name, -1, -1, 0);
  const Identity& issuer = request.issuer != nullptr ? *request.issuer : identity;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));

  const bool authority = request.authority || request.issuer == nullptr;
  add_extension(certificate, issuer.certificate.get(), NID_basic_constraints,
                authority ? "critical,CA:TRUE" : "CA:FALSE");
  add_extension(certificate, issuer.certificate.get(), NID_subject_alt_name,
                request.names.empty() ? "DNS:" + request.name : request.names);
  if (!request.purpose.empty()) {
    add_extension(certificate, issuer.certificate.get(), NID_ext_key_usage, request.purpose);
  }
  require(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0, "X509_sign");
  return identity;
}

std::string pem(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  require(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "PEM_write_bio_X509");
  return content(bio);
}

std::string pem(const Key& key, const std::string& password) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  const EVP_CIPHER* cipher = password.empty() ? nullptr : EVP_aes_256_cbc();
  require(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), cipher, password.data(),
                                        static_cast<int>(password.size()), nullptr, nullptr) == 1,
          "PEM_write_bio_PKCS8PrivateKey");
  return content(bio);
}

std::string dh_parameters() { return parameters("DH", "ffdhe2048"); }

std::string weak_dh_parameters() { return parameters("DH", "modp_1536"); }

std::string ec_parameters() { return parameters("EC", "P-256"); }

}  // namespace pubsub_mqtt::tests
