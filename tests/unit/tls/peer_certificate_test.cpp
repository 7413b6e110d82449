#include "tls/peer_certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "certificates.h"
#include "conversation.h"

namespace pubsub_mqtt::tests {
namespace {

using namespace std::string_literals;
using Names = std::vector<std::string>;

// subjectAltName with bytes that openssl.cnf could not write.
class RawNames {
 public:
  void add_dns(const std::string& bytes) { add(GEN_DNS, string(ASN1_IA5STRING_new(), bytes)); }
  void add_email(const std::string& bytes) { add(GEN_EMAIL, string(ASN1_IA5STRING_new(), bytes)); }
  void add_other(int nid, int type, const std::string& bytes) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_TYPE* value = ASN1_TYPE_new();
    ASN1_TYPE_set(value, type, string(ASN1_STRING_type_new(type), bytes));
    GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), value);
    sk_GENERAL_NAME_push(names_.get(), name);
  }

  CertificateNames read() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    EXPECT_EQ(X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names_.get(), 0, 0), 1);
    return net::certificate_names(certificate.get());
  }

 private:
  static ASN1_STRING* string(ASN1_STRING* made, const std::string& bytes) {
    ASN1_STRING_set(made, bytes.data(), static_cast<int>(bytes.size()));
    return made;
  }
  void add(int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names_.get(), name);
  }

  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names_{sk_GENERAL_NAME_new_null(),
                                                                       GENERAL_NAMES_free};
};

TEST(CertificateNamesTest, AreReadByKind) {
  const Identity identity = make_identity(
      {.name = "romeo",
       .names = "otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@example.net,DNS:meter.example.net,"
                "email:juliet@example.net,DNS:b.example.net,IP:192.0.2.1,URI:xmpp:x@example.net,"
                "otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@example.net"});
  const auto names = net::certificate_names(identity.certificate.get());
  EXPECT_EQ(names.xmpp_addresses, (Names{"romeo@example.net", "juliet@example.net"}));
  EXPECT_EQ(names.dns_names, (Names{"meter.example.net", "b.example.net"}));
  EXPECT_EQ(names.emails, Names{"juliet@example.net"});
}

TEST(CertificateNamesTest, NoneWithoutTheExtension) {
  RawNames none;
  EXPECT_TRUE(none.read().empty());
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  EXPECT_TRUE(net::certificate_names(certificate.get()).empty());
}

TEST(CertificateNamesTest, WhatIsMalformedHasNoNamesAndLeavesNoError) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> value(ASN1_OCTET_STRING_new(),
                                                                                    ASN1_OCTET_STRING_free);
  ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>("\x30\x7f\x82"), 3);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, value.get());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  EXPECT_TRUE(net::certificate_names(certificate.get()).empty());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// "admin@example.net\0.attacker.example" was issued to the owner of attacker.example.
TEST(CertificateNamesTest, ZerosMakeANameNone) {
  RawNames raw;
  raw.add_dns("meter.example.net\0.attacker.example"s);
  raw.add_dns("\0"s);
  raw.add_email("admin@example.net\0.attacker.example"s);
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "admin@example.net\0.attacker.example"s);
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "admin@example.net\0"s);
  raw.add_dns("good.example.net");
  const auto names = raw.read();
  EXPECT_EQ(names.xmpp_addresses, Names{});
  EXPECT_EQ(names.dns_names, Names{"good.example.net"});
  EXPECT_EQ(names.emails, Names{});
}

TEST(CertificateNamesTest, BadEncodingsMakeANameNone) {
  RawNames raw;
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "r\xc0\xafmeo@example.net");
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "r\xf6meo@example.net");
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "rom\xc3\xa9o@example.net");
  raw.add_dns("m\xc3\xa9ter.example.net");  // IA5String is ASCII
  raw.add_email("rom\xc3\xa9o@example.net");
  raw.add_email("\xff@example.net");
  const auto names = raw.read();
  EXPECT_EQ(names.xmpp_addresses, Names{"rom\xc3\xa9o@example.net"});
  EXPECT_EQ(names.dns_names, Names{});
  EXPECT_EQ(names.emails, Names{});
}

TEST(CertificateNamesTest, OtherNamesOfOtherKindsAreNone) {
  RawNames raw;
  raw.add_other(NID_XmppAddr, V_ASN1_IA5STRING, "ia5@example.net");
  raw.add_other(NID_XmppAddr, V_ASN1_BMPSTRING, "\0r\0o"s);
  raw.add_other(NID_ms_upn, V_ASN1_UTF8STRING, "upn@example.net");
  raw.add_other(NID_XmppAddr, V_ASN1_UTF8STRING, "");
  raw.add_dns("");
  raw.add_email("");
  EXPECT_TRUE(raw.read().empty());
}

// A server whose verification goes on whatever it finds, as with LuaSec's lsec_continue.
TEST(CertificateNamesTest, OnlyAVerifiedCertificateHasNames) {
  const Identity authority = make_identity({.name = "authority"});
  const Identity server = make_identity({.name = "example.org"});
  for (const bool good : {true, false}) {
    const Identity device = make_identity({.name = "device", .issuer = good ? &authority : nullptr});
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                    SSL_CTX_free);
    SSL_CTX_use_certificate(context.get(), server.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), server.key.get());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.certificate.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl.get());

    TlsClient client({.identity = device});
    for (int flight = 0; flight < 2; ++flight) {
      client.work();
      const std::string to_server = client.take_ciphertext();
      BIO_write(SSL_get_rbio(ssl.get()), to_server.data(), static_cast<int>(to_server.size()));
      SSL_do_handshake(ssl.get());
      std::string to_client(BIO_ctrl_pending(SSL_get_wbio(ssl.get())), '\0');
      BIO_read(SSL_get_wbio(ssl.get()), to_client.data(), static_cast<int>(to_client.size()));
      client.feed(to_client);
    }
    ASSERT_EQ(SSL_is_init_finished(ssl.get()), 1);
    ASSERT_NE(SSL_get0_peer_certificate(ssl.get()), nullptr);
    EXPECT_EQ(net::verified_names(ssl.get()).dns_names, good ? Names{"device"} : Names{});
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
