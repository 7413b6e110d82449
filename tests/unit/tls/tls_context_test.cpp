#include "pubsub_mqtt/net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <map>

#include "certificates.h"

namespace pubsub_mqtt::tests {
namespace {

using net::TlsSettings;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class TlsContextTest : public testing::Test {
 protected:
  TlsContextTest() {
    settings.certificate = folder.write("server.crt", pem(identity.certificate));
    settings.key = folder.write("server.key", pem(identity.key));
  }

  bool accepted() {
    return std::holds_alternative<net::SslContext>(net::make_tls_context(settings, warnings));
  }

  std::string refusal() {
    const auto made = net::make_tls_context(settings, warnings);
    EXPECT_EQ(ERR_peek_error(), 0U) << "left for LuaSec to find";
    const auto* error = std::get_if<net::TlsContextError>(&made);
    return error != nullptr ? error->reason : "made";
  }

  TemporaryFolder folder;
  Identity identity = make_identity({.name = "example.org"});
  TlsSettings settings;
  std::vector<std::string> warnings;
};

TEST_F(TlsContextTest, CertificateAndKeyAreEnough) {
  EXPECT_TRUE(accepted());
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(TlsContextTest, NoCertificateIsAllowed) {
  settings = {};
  EXPECT_TRUE(accepted());
}

TEST_F(TlsContextTest, BuffersOfConnectionsAtRestAreReleased) {
  const auto made = net::make_tls_context(settings, warnings);
  EXPECT_NE(SSL_CTX_get_mode(std::get<net::SslContext>(made).get()) & SSL_MODE_RELEASE_BUFFERS, 0);
}

TEST_F(TlsContextTest, MissingCertificateIsNamed) {
  settings.certificate = folder.path("none.crt");
  EXPECT_EQ(refusal(), "cannot use the certificate " + settings.certificate + ": No such file or directory");
}

TEST_F(TlsContextTest, CertificateThatIsNoneIsNamed) {
  settings.certificate = folder.write("text.crt", "hello");
  EXPECT_THAT(refusal(),
              StartsWith("cannot use the certificate " + settings.certificate + ": no start line"));
}

TEST_F(TlsContextTest, CertificateNeedsAKey) {
  settings.key.clear();
  EXPECT_EQ(refusal(), "there is no key for the certificate " + settings.certificate);
}

TEST_F(TlsContextTest, MissingKeyIsNamed) {
  settings.key = folder.path("none.key");
  EXPECT_EQ(refusal(), "cannot read the key " + settings.key + ": No such file or directory");
}

TEST_F(TlsContextTest, KeyThatIsNoneIsNamed) {
  settings.key = folder.write("text.key", "hello");
  EXPECT_THAT(refusal(), StartsWith("cannot read the key " + settings.key + ": "));
}

TEST_F(TlsContextTest, KeyOfAnotherCertificateIsRefused) {
  settings.key = folder.write("other.key", pem(make_ec_key()));
  EXPECT_EQ(refusal(),
            "the key " + settings.key + " does not belong to the certificate " + settings.certificate);
}

TEST_F(TlsContextTest, KeyOfAnotherKindIsRefused) {
  settings.key = folder.write("rsa.key", pem(make_rsa_key()));
  EXPECT_EQ(refusal(),
            "the key " + settings.key + " does not belong to the certificate " + settings.certificate);
}

TEST_F(TlsContextTest, EncryptedKeyWithoutPasswordIsRefusedWithoutAPrompt) {
  settings.key = folder.write("encrypted.key", pem(identity.key, "secret"));
  EXPECT_EQ(refusal(), "the key " + settings.key + " is encrypted, and there is no password for it");
}

TEST_F(TlsContextTest, WrongPasswordIsRefusedAndNotRepeated) {
  settings.key = folder.write("encrypted.key", pem(identity.key, "secret"));
  settings.password = "guess";
  EXPECT_EQ(refusal(), "the password does not open the key " + settings.key);
}

TEST_F(TlsContextTest, PasswordTooLongForOpensslIsRefused) {
  settings.key = folder.write("encrypted.key", pem(identity.key, "secret"));
  settings.password = std::string(100000, 'x');
  EXPECT_EQ(refusal(), "the password does not open the key " + settings.key);
}

TEST_F(TlsContextTest, RightPasswordOpensTheKey) {
  settings.key = folder.write("encrypted.key", pem(identity.key, "secret"));
  settings.password = "secret";
  EXPECT_TRUE(accepted());
}

TEST_F(TlsContextTest, OnlyAnEncryptedKeyNeedsAPassword) {
  EXPECT_FALSE(net::needs_password(settings.key));
  EXPECT_TRUE(net::needs_password(folder.write("encrypted.key", pem(identity.key, "secret"))));
  EXPECT_FALSE(net::needs_password(folder.write("text.key", "hello")));
  EXPECT_FALSE(net::needs_password(folder.path("none.key")));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(TlsContextTest, ProtocolNamesAreThoseOfLuaSec) {
  for (const char* name : {"", "any", "sslv23", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"}) {
    settings.protocol = name;
    EXPECT_TRUE(accepted()) << name;
  }
  settings.protocol = "sslv3";
  EXPECT_EQ(refusal(), "unknown TLS protocol \"sslv3\"");
}

TEST_F(TlsContextTest, OptionsAreThoseOfLuaSec) {
  settings.options = {"no_tlsv1_2", "single_dh_use", "all", "tlsext_padding", "cipher_server_preference"};
  const auto made = net::make_tls_context(settings, warnings);
  const auto options = SSL_CTX_get_options(std::get<net::SslContext>(made).get());
  EXPECT_EQ(options & SSL_OP_ALL, SSL_OP_ALL);
  EXPECT_NE(options & SSL_OP_NO_TLSv1_2, 0U);
  EXPECT_NE(options & SSL_OP_TLSEXT_PADDING, 0U);
  EXPECT_NE(options & SSL_OP_CIPHER_SERVER_PREFERENCE, 0U);
  EXPECT_EQ(options & SSL_OP_NO_TLSv1_3, 0U);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(TlsContextTest, UnknownOptionIsAWarning) {
  settings.options = {"no_such_option", "no_ticket"};
  EXPECT_TRUE(accepted());
  EXPECT_THAT(warnings, ElementsAre("unknown TLS option \"no_such_option\" is ignored"));
}

TEST_F(TlsContextTest, VerifyFlagsAreThoseOfLuaSec) {
  const std::map<std::vector<std::string>, int> modes = {
      {{}, SSL_VERIFY_NONE},
      {{"none"}, SSL_VERIFY_NONE},
      {{"peer"}, SSL_VERIFY_PEER},
      {{"peer", "fail_if_no_peer_cert"}, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT},
      {{"peer", "client_once"}, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE},
  };
  for (const auto& [flags, mode] : modes) {
    settings.verify = flags;
    const auto made = net::make_tls_context(settings, warnings);
    EXPECT_EQ(SSL_CTX_get_verify_mode(std::get<net::SslContext>(made).get()), mode);
  }
}

TEST_F(TlsContextTest, UnknownVerifyFlagIsRefused) {
  settings.verify = {"peer", "fail_if_no_per_cert"};
  EXPECT_EQ(refusal(), "unknown TLS verify flag \"fail_if_no_per_cert\"");
}

TEST_F(TlsContextTest, BadCiphersAreNamed) {
  settings.ciphers = "NO-SUCH-CIPHER";
  EXPECT_EQ(refusal(), "cannot use the ciphers \"NO-SUCH-CIPHER\": no cipher match");
}

TEST_F(TlsContextTest, BadCiphersuitesAreNamed) {
  settings.ciphersuites = "TLS_NO_SUCH_SUITE";
  EXPECT_THAT(refusal(), StartsWith("cannot use the ciphersuites \"TLS_NO_SUCH_SUITE\": "));
}

TEST_F(TlsContextTest, BadCurvesAreNamed) {
  settings.curves = "X25519:P-257";
  EXPECT_EQ(refusal(), "unknown curve in \"X25519:P-257\"");
}

TEST_F(TlsContextTest, MissingAuthoritiesAreNamed) {
  settings.cafile = folder.path("none.pem");
  EXPECT_EQ(refusal(),
            "cannot use the certificate authorities in " + settings.cafile + ": No such file or directory");
}

TEST_F(TlsContextTest, DiffieHellmanParametersAreRead) {
  settings.dhparam = dh_parameters();
  EXPECT_TRUE(accepted());
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(TlsContextTest, BadDiffieHellmanParametersAreAWarning) {
  settings.dhparam = "hello";
  EXPECT_TRUE(accepted());
  settings.dhparam = ec_parameters();
  EXPECT_TRUE(accepted());
  settings.dhparam = weak_dh_parameters();
  EXPECT_TRUE(accepted());
  EXPECT_THAT(warnings, ElementsAre(StartsWith("cannot read the TLS dhparam: "),
                                    "the TLS dhparam is not for Diffie-Hellman; DHE ciphers are off",
                                    "cannot use the TLS dhparam: dh key too small; DHE ciphers are off"));
}

}  // namespace
}  // namespace pubsub_mqtt::tests
