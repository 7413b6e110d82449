// What the settings of a server allow, and whom it lets in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "certificates.h"
#include "conversation.h"
#include "tls/tls_stream.h"
#include "tls_stream_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using testing::HasSubstr;

// --- Versions, ciphers ---

TEST_F(TlsStreamTest, VersionsAreRefusedBySettings) {
  struct Case {
    std::string protocol;
    std::vector<std::string> options;
    int accepted;
    int refused;
  };
  for (const Case& c : {Case{"tlsv1_3", {}, TLS1_3_VERSION, TLS1_2_VERSION},
                        Case{"tlsv1_2", {}, TLS1_2_VERSION, TLS1_3_VERSION},
                        Case{"sslv23", {"no_tlsv1_2"}, TLS1_3_VERSION, TLS1_2_VERSION},
                        Case{"", {"no_tlsv1_3"}, TLS1_2_VERSION, TLS1_3_VERSION}}) {
    TlsSettings settings = server("example.org");
    settings.protocol = c.protocol;
    settings.options = c.options;
    const auto all = contexts(settings);
    Conversation good({.version = c.accepted}, all);
    expect_works(good);
    Conversation bad({.version = c.refused}, all);
    EXPECT_NE(refusal(bad), "");
  }
}

TEST_F(TlsStreamTest, OldVersionsAreRefusedAsProsodyWritesIt) {
  TlsSettings settings = server("example.org");
  settings.options = {"no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1"};  // "tlsv1_2+"
  settings.ciphers = "DEFAULT:@SECLEVEL=0";
  const auto all = contexts(settings);
  Conversation old({.version = TLS1_1_VERSION, .ciphers = "DEFAULT:@SECLEVEL=0"}, all);
  EXPECT_EQ(refusal(old), "unsupported protocol");
  Conversation good({}, all);
  expect_works(good);
}

TEST_F(TlsStreamTest, OldVersionsWorkWhereTheSettingsSaySo) {
  TlsSettings settings = server("example.org");
  settings.protocol = "tlsv1_1";
  settings.ciphers = "DEFAULT:@SECLEVEL=0";
  Conversation old({.version = TLS1_1_VERSION, .ciphers = "DEFAULT:@SECLEVEL=0"}, contexts(settings));
  expect_works(old);
}

TEST_F(TlsStreamTest, CiphersApply) {
  TlsSettings settings = server("example.org");
  settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  settings.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256";
  settings.curves = "P-521";
  const auto all = contexts(settings);
  Conversation two({.version = TLS1_2_VERSION}, all);
  expect_works(two);
  EXPECT_STREQ(SSL_get_cipher_name(two.client.ssl()), "ECDHE-ECDSA-AES256-GCM-SHA384");
  Conversation three({.version = TLS1_3_VERSION}, all);
  expect_works(three);
  EXPECT_STREQ(SSL_get_cipher_name(three.client.ssl()), "TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(SSL_get_negotiated_group(three.client.ssl()), NID_secp521r1);
  Conversation other({.version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}, all);
  EXPECT_EQ(refusal(other), "no shared cipher");
}

TEST_F(TlsStreamTest, ServersCipherPreferenceIsAnOption) {
  TlsSettings settings = server("example.org");
  settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
  const ClientSettings client{.version = TLS1_2_VERSION,
                              .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"};
  Conversation clients(client, contexts(settings));
  expect_works(clients);
  EXPECT_STREQ(SSL_get_cipher_name(clients.client.ssl()), "ECDHE-ECDSA-AES256-GCM-SHA384");
  settings.options = {"cipher_server_preference"};
  Conversation servers(client, contexts(settings));
  expect_works(servers);
  EXPECT_STREQ(SSL_get_cipher_name(servers.client.ssl()), "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsStreamTest, DiffieHellmanNeedsParameters) {
  const Identity identity = make_identity({.name = "example.org", .key = make_rsa_key()});
  TlsSettings settings;
  settings.certificate = folder.write("rsa.crt", pem(identity.certificate));
  settings.key = folder.write("rsa.key", pem(identity.key));
  const ClientSettings client{.version = TLS1_2_VERSION, .ciphers = "DHE-RSA-AES256-GCM-SHA384"};
  Conversation without(client, contexts(settings));
  EXPECT_EQ(refusal(without), "no shared cipher");
  settings.dhparam = dh_parameters();
  Conversation with(client, contexts(settings));
  expect_works(with);
}

TEST_F(TlsStreamTest, RenegotiationIsRefused) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"allow_client_renegotiation"}}) {
    TlsSettings settings = server("example.org");
    settings.options = options;
    Conversation conversation({.version = TLS1_2_VERSION}, contexts(settings));
    expect_works(conversation);
    conversation.client.renegotiate();
    const std::string hello = conversation.client.take_ciphertext();
    ASSERT_NE(hello, "");
    conversation.receive(hello);
    conversation.client.work();
    EXPECT_EQ(conversation.client.error(), "no renegotiation");
  }
}

// --- Client certificates ---

class ClientCertificateTest : public TlsStreamTest, public testing::WithParamInterface<int> {
 protected:
  ClientCertificateTest() {
    required = server("example.org");
    required.cafile = folder.write("authority.pem", pem(authority.certificate));
    required.verify = {"peer", "fail_if_no_peer_cert"};
    optional = required;
    optional.verify = {"peer"};
  }

  ClientSettings with(const Identity& identity) const {
    return {.version = GetParam(), .identity = identity};
  }

  Identity authority = make_identity({.name = "authority"});
  Identity good = make_identity({.name = "device", .issuer = &authority});
  TlsSettings required;
  TlsSettings optional;
};

INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificateTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(ClientCertificateTest, GoodOneIsAccepted) {
  for (const TlsSettings& settings : {required, optional}) {
    Conversation conversation(with(good), contexts(settings));
    expect_works(conversation);
  }
}

TEST_P(ClientCertificateTest, RequiredOneIsMissing) {
  Conversation conversation({.version = GetParam()}, contexts(required));
  EXPECT_EQ(refusal(conversation), "peer did not return a certificate");
}

TEST_P(ClientCertificateTest, OptionalOneMayBeMissing) {
  Conversation conversation({.version = GetParam()}, contexts(optional));
  expect_works(conversation);
}

TEST_P(ClientCertificateTest, NotAskedForIsNotSent) {
  required.verify = {"none"};
  Conversation conversation(with(make_identity({.name = "device"})), contexts(required));
  expect_works(conversation);
}

TEST_P(ClientCertificateTest, ExpiredOneIsRefused) {
  const Identity expired = make_identity({.name = "device", .issuer = &authority, .days = -1});
  for (const TlsSettings& settings : {required, optional}) {
    Conversation conversation(with(expired), contexts(settings));
    EXPECT_EQ(refusal(conversation), "certificate verify failed: certificate has expired");
    EXPECT_THAT(conversation.client.error(), HasSubstr("certificate expired"));
  }
}

TEST_P(ClientCertificateTest, OneOfAnUnknownAuthorityIsRefused) {
  const Identity other = make_identity({.name = "authority"});
  const Identity stranger = make_identity({.name = "device", .issuer = &other});
  for (const TlsSettings& settings : {required, optional}) {
    Conversation conversation(with(stranger), contexts(settings));
    EXPECT_EQ(refusal(conversation), "certificate verify failed: certificate signature failure");
  }
}

TEST_P(ClientCertificateTest, OneForServersOnlyIsRefused) {
  const Identity wrong = make_identity({.name = "device", .issuer = &authority, .purpose = "serverAuth"});
  Conversation conversation(with(wrong), contexts(required));
  EXPECT_THAT(refusal(conversation), HasSubstr("certificate verify failed: un"));
}

TEST_P(ClientCertificateTest, NamesAreKnownOnceWithTheFirstPlaintext) {
  Conversation conversation(with(good), contexts(optional));
  conversation.run();
  ASSERT_TRUE(conversation.stream.handshake_done());
  conversation.client.write("hello");
  conversation.run();
  const auto names = conversation.stream.take_client_names();
  ASSERT_NE(names, nullptr);
  EXPECT_EQ(names->dns_names, std::vector<std::string>{"device"});
  conversation.client.write("more");
  conversation.run();
  EXPECT_EQ(conversation.stream.take_client_names(), nullptr);
}

TEST_P(ClientCertificateTest, NamesAreKnownBeforeABadRecordToo) {
  Conversation conversation(with(good), contexts(optional));
  conversation.run();
  conversation.client.write("hello");
  std::string plaintext;
  std::string answer;
  const std::string bytes = conversation.client.take_ciphertext() + "no record at all";
  EXPECT_EQ(conversation.stream.receive(bytes, plaintext, answer), Status::failed);
  EXPECT_EQ(plaintext, "hello");
  EXPECT_EQ(conversation.stream.take_client_names()->dns_names, std::vector<std::string>{"device"});
}

// A certificate that was not asked for, or none: X509_V_OK is what OpenSSL says then, too.
TEST_P(ClientCertificateTest, NamesOfNobodyAreNone) {
  for (const auto& verify : {std::vector<std::string>{"none"}, {"peer"}}) {
    optional.verify = verify;
    Conversation conversation({.version = GetParam()}, contexts(optional));
    expect_works(conversation);
    EXPECT_TRUE(conversation.stream.take_client_names()->empty());
  }
}

TEST_P(ClientCertificateTest, ChainLongerThanTheDepthIsRefused) {
  const Identity middle = make_identity({.name = "middle", .issuer = &authority, .authority = true});
  const Identity device = make_identity({.name = "device", .issuer = &middle});
  required.cafile = folder.write("both.pem", pem(authority.certificate) + pem(middle.certificate));
  Conversation within(with(device), contexts(required));
  expect_works(within);
  required.depth = 0;
  Conversation beyond(with(device), contexts(required));
  EXPECT_THAT(refusal(beyond), HasSubstr("certificate verify failed: "));
}

// --- Sessions ---

class SessionTest : public TlsStreamTest, public testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(SessionTest, IsResumedByTicket) {
  const auto all = contexts(server("example.org"));
  Conversation first({.version = GetParam()}, all);
  expect_works(first);
  ASSERT_NE(first.client.ticket(), nullptr);
  Conversation second({.version = GetParam(), .resume = first.client.ticket()}, all);
  expect_works(second);
  EXPECT_EQ(SSL_session_reused(second.client.ssl()), 1);
}

// Else a certificate that has expired since would never be looked at again.
TEST_P(SessionTest, IsNotResumedWhereCertificatesAreAskedFor) {
  const Identity authority = make_identity({.name = "authority"});
  const Identity device = make_identity({.name = "device", .issuer = &authority});
  TlsSettings settings = server("example.org");
  settings.cafile = folder.write("authority.pem", pem(authority.certificate));
  for (const auto& verify : {std::vector<std::string>{"peer"}, {"peer", "client_once"}}) {
    settings.verify = verify;
    const auto all = contexts(settings);
    Conversation first({.version = GetParam(), .identity = device}, all);
    expect_works(first);
    Conversation second({.version = GetParam(), .identity = device, .resume = first.client.ticket()}, all);
    expect_works(second);
    EXPECT_EQ(SSL_session_reused(second.client.ssl()), 0);
    const auto names = second.stream.take_client_names();
    ASSERT_NE(names, nullptr);
    EXPECT_EQ(names->dns_names, std::vector<std::string>{"device"});
  }
}

TEST_P(SessionTest, HasNoTicketWhereTheOptionSaysSo) {
  TlsSettings settings = server("example.org");
  settings.options = {"no_ticket"};
  const auto all = contexts(settings);
  Conversation conversation({.version = GetParam()}, all);
  expect_works(conversation);
  EXPECT_TRUE(conversation.client.ticket() == nullptr ||
              SSL_SESSION_has_ticket(conversation.client.ticket().get()) == 0);

  Conversation second({.version = GetParam(), .resume = conversation.client.ticket()}, all);
  expect_works(second);
  EXPECT_EQ(SSL_session_reused(second.client.ssl()), 0) << "kept in a cache";
}

// Else a client could enter a host that demands certificates with the session of one that does not.
TEST_P(SessionTest, OfOneHostIsNotResumedAtAnother) {
  const auto all = contexts(server("fallback.example"),
                            {{"a.example", server("a.example")}, {"b.example", server("b.example")}});
  for (const std::string from : {"a.example", "fallback.example"}) {
    Conversation first({.server_name = from, .version = GetParam()}, all);
    expect_works(first);
    ASSERT_NE(first.client.ticket(), nullptr);
    Conversation second({.server_name = "b.example", .version = GetParam(), .resume = first.client.ticket()},
                        all);
    expect_works(second);
    EXPECT_EQ(SSL_session_reused(second.client.ssl()), 0);
    EXPECT_EQ(second.client.server_common_name(), "b.example");
  }
}

// --- ALPN ---

TEST_F(TlsStreamTest, MqttIsSelectedByAlpnOrHttp) {
  struct Case {
    std::string offered;
    std::string selected;
  };
  for (const Case& c :
       {Case{"\x04mqtt", "mqtt"}, Case{"\x02h2\x04mqtt", "mqtt"}, Case{"\x02h2", ""}, Case{"", ""},
        Case{"\x02h2\x08http/1.1", "http/1.1"}, Case{"\x08http/1.1\x04mqtt", "mqtt"}}) {
    Conversation conversation({.server_name = "a.example", .alpn = c.offered},
                              contexts(server("fallback.example"), {{"a.example", server("a.example")}}));
    expect_works(conversation);
    const unsigned char* selected = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(conversation.client.ssl(), &selected, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(selected), size), c.selected);
  }
}

}  // namespace
}  // namespace pubsub_mqtt::tests
