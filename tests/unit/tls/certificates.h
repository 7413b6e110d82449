// Keys and certificates for tests, made when they run, in a folder that goes with them.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace pubsub_mqtt::tests {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(std::string_view name) const { return folder_ / name; }

  // Returns the path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path folder_;
};

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

Key make_ec_key();
Key make_rsa_key();

struct Identity {
  Key key;
  Certificate certificate;
};

struct CertificateRequest {
  std::string name = {};             // common name, and subjectAltName where there are no `names`
  std::string names = {};            // subjectAltName, as openssl.cnf has it: "DNS:a.example"
  const Identity* issuer = nullptr;  // none: signed by itself, and an authority
  int days = 30;                     // negative: expired
  std::string purpose = {};          // extendedKeyUsage; empty: none
  bool authority = false;            // may sign others
  Key key = nullptr;                 // none: a new P-256 key
};

Identity make_identity(const CertificateRequest& request);

std::string pem(const Certificate& certificate);
std::string pem(const Key& key, const std::string& password = "");  // empty: not encrypted

// As `openssl dhparam` and `openssl ecparam` write parameters.
std::string dh_parameters();       // ffdhe2048 of RFC 7919
std::string weak_dh_parameters();  // 1,536 bits
std::string ec_parameters();

}  // namespace pubsub_mqtt::tests
