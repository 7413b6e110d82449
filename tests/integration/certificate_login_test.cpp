// Client certificates are logins (XEP-0178), where the TLS settings ask for them.
#include <gtest/gtest.h>

#include <memory>

#include "raw_session.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Code = mqtt::Reason;

class CertificateLogin : public testing::Test {
 protected:
  void start(const std::string& global = "", const std::string& virtual_host = "") {
    prosody.start({.global = "mqtt_tls_ssl = { verify = { \"peer\" }, capath = false, cafile = \"" +
                             prosody.ca_file() + "\" }\n" + global,
                   .virtual_host = virtual_host});
  }

  // What CONNACK says to a client whose certificate has these names, as openssl.cnf writes them, signed by
  // the authority that Prosody trusts unless by another.
  Code connect_code(const std::string& names, const mqtt::Connect& packet = {.client_identifier = "device"},
                    const Identity* issuer = nullptr) {
    const Identity device = make_identity(
        {.name = "device", .names = names, .issuer = issuer != nullptr ? issuer : &prosody.authority()});
    RawMqtt client(std::make_unique<TlsStream>(
        prosody.mqtt_tls_port(),
        TlsStream::Options{.server_name = "pubsub.localhost",
                           .ca_file = prosody.ca_file(),
                           .certificate = prosody.folder().write("device.crt", pem(device.certificate)),
                           .key = prosody.folder().write("device.key", pem(device.key))}));
    const Code code = connect(client, packet).reason;
    if (code == Code::success) client.ping();
    return code;
  }

  Prosody prosody;
};

constexpr const char* juliet_in_certificate = "otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@localhost";

TEST_F(CertificateLogin, TheXmppAddressIsTheAccount) {
  start();
  EXPECT_EQ(connect_code(juliet_in_certificate), Code::success);
  prosody.log().wait_for("\"device\" \\(juliet@localhost\\): connected");
}

TEST_F(CertificateLogin, AUserNameThatIsGivenMustAgree) {
  start();
  EXPECT_EQ(
      connect_code(juliet_in_certificate, {.client_identifier = "device", .user_name = "juliet@localhost"}),
      Code::success);
  EXPECT_EQ(connect_code(juliet_in_certificate, {.client_identifier = "device",
                                                 .user_name = "romeo@localhost",
                                                 .password = account_password}),
            Code::not_authorized);
}

TEST_F(CertificateLogin, ACertificateWithoutAnAccountIsNone) {
  start();
  EXPECT_EQ(connect_code("otherName:1.3.6.1.5.5.7.8.5;UTF8:nobody@localhost"), Code::not_authorized);
  EXPECT_EQ(connect_code("otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@elsewhere"), Code::not_authorized);
  EXPECT_EQ(connect_code("otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet"), Code::not_authorized) << "a domain";
}

TEST_F(CertificateLogin, SeveralAccountsNeedAUserNameToChoose) {
  start();
  const std::string both =
      std::string(juliet_in_certificate).append(",otherName:1.3.6.1.5.5.7.8.5;UTF8:romeo@localhost");
  EXPECT_EQ(connect_code(both), Code::not_authorized);
  EXPECT_EQ(connect_code(both, {.client_identifier = "device", .user_name = "romeo@localhost"}),
            Code::success);
}

TEST_F(CertificateLogin, OtherNamesCountWhereConfiguredOnly) {
  start();
  EXPECT_EQ(connect_code("DNS:juliet.localhost"), Code::success);  // from loopback, without login
  prosody.log().wait_for("\"device\": connected");
  EXPECT_EQ(prosody.log().count("juliet@localhost"), 0U);
}

TEST_F(CertificateLogin, ACertificateWithOtherNamesIsNoWayAroundMqttAllowAnonymous) {
  start("mqtt_allow_anonymous = false");
  EXPECT_EQ(connect_code("DNS:juliet.localhost"), Code::not_authorized);
}

TEST_F(CertificateLogin, ADnsNameIsAnAccountWhereConfigured) {
  start("mqtt_certificate_user = \"dns_name\"");
  EXPECT_EQ(connect_code("DNS:juliet.localhost"), Code::success);
  prosody.log().wait_for("\\(juliet@localhost\\): connected");
  EXPECT_EQ(connect_code("DNS:nobody.localhost"), Code::not_authorized);
  EXPECT_EQ(connect_code("DNS:*.localhost"), Code::not_authorized);
}

TEST_F(CertificateLogin, AnEmailAddressIsAnAccountWhereConfigured) {
  start("mqtt_certificate_user = \"email\"");
  EXPECT_EQ(connect_code("email:juliet@localhost"), Code::success);
  prosody.log().wait_for("\\(juliet@localhost\\): connected");
}

TEST_F(CertificateLogin, ACertificateOfAnotherAuthorityIsNoLogin) {
  start("mqtt_allow_anonymous = false");
  const Identity stranger = make_identity({.name = "stranger", .authority = true});
  EXPECT_ANY_THROW(EXPECT_NE(connect_code(juliet_in_certificate, {.client_identifier = "device"}, &stranger),
                             Code::success));
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("juliet@localhost"), 0U);
}

// The provider that can disable accounts on Prosody 13; on 0.12 there is no such command.
TEST_F(CertificateLogin, ADisabledAccountIsRefused) {
  start("", "authentication = \"internal_hashed\"");
  EXPECT_EQ(connect_code(juliet_in_certificate), Code::success);
  prosody.shell(R"(user:disable("juliet@localhost"))");
  EXPECT_EQ(connect_code(juliet_in_certificate), prosody.is_0_12() ? Code::success : Code::not_authorized);
  prosody.shell(R"(user:enable("juliet@localhost"))");
  EXPECT_EQ(connect_code(juliet_in_certificate), Code::success);
}

}  // namespace
}  // namespace pubsub_mqtt::tests
