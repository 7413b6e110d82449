#include "net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "certificates.h"
#include "conversation.h"

namespace pubsub_mqtt::tests {
namespace {

using net::SslContext;
using net::TlsContexts;
using net::TlsSettings;
using net::TlsStream;
using Status = TlsStream::Status;
using testing::HasSubstr;

class TlsStreamTest : public testing::Test {
 protected:
  // Settings of a server with a certificate for `name`.
  TlsSettings server(const std::string& name) {
    const Identity identity = make_identity({.name = name});
    TlsSettings settings;
    settings.certificate = folder.write(name + ".crt", pem(identity.certificate));
    settings.key = folder.write(name + ".key", pem(identity.key));
    return settings;
  }

  static SslContext make(const TlsSettings& settings) {
    std::vector<std::string> warnings;
    auto made = net::make_tls_context(settings, warnings);
    EXPECT_TRUE(warnings.empty());
    if (const auto* error = std::get_if<net::TlsContextError>(&made)) ADD_FAILURE() << error->reason;
    return std::get<SslContext>(std::move(made));
  }

  static std::shared_ptr<TlsContexts> contexts(const TlsSettings& fallback,
                                               const std::map<std::string, TlsSettings>& hosts = {}) {
    auto made = std::make_shared<TlsContexts>();
    made->fallback = make(fallback);
    for (const auto& [name, settings] : hosts) made->by_host[name] = make(settings);
    return made;
  }

  TemporaryFolder folder;
};

void expect_works(Conversation& conversation) {
  conversation.run();
  ASSERT_EQ(conversation.stream.error(), "");
  ASSERT_TRUE(conversation.stream.handshake_done());
  ASSERT_TRUE(conversation.client.handshake_done());
  conversation.client.write("from the client");
  conversation.run();
  conversation.send("from the server");
  conversation.run();
  EXPECT_EQ(conversation.status, Status::open);
  EXPECT_EQ(conversation.received, "from the client");
  EXPECT_EQ(conversation.client.received(), "from the server");
}

// Runs and returns the stream's error.
std::string refusal(Conversation& conversation) {
  conversation.run();
  EXPECT_EQ(conversation.status, Status::failed);
  EXPECT_FALSE(conversation.stream.handshake_done());
  EXPECT_EQ(conversation.received, "");
  return std::string(conversation.stream.error());
}

// --- Bytes ---

TEST_F(TlsStreamTest, CarriesBytesBothWays) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Conversation conversation({.version = version}, contexts(server("example.org")));
    expect_works(conversation);
    EXPECT_EQ(SSL_version(conversation.client.ssl()), version);
  }
}

TEST_F(TlsStreamTest, TakesOneByteAtATime) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Conversation conversation({.server_name = "b.example", .version = version},
                              contexts(server("a.example"), {{"b.example", server("b.example")}}));
    conversation.piece = 1;
    expect_works(conversation);
    EXPECT_EQ(conversation.client.server_common_name(), "b.example");
  }
}

TEST_F(TlsStreamTest, HandshakeIsNotDoneBeforeItIs) {
  Conversation conversation({}, contexts(server("example.org")));
  EXPECT_FALSE(conversation.stream.handshake_done());
  conversation.client.work();
  conversation.receive(conversation.client.take_ciphertext());
  EXPECT_FALSE(conversation.stream.handshake_done());
  conversation.run();
  EXPECT_TRUE(conversation.stream.handshake_done());
}

TEST_F(TlsStreamTest, CarriesAMebibyteBothWays) {
  std::string big(1U << 20U, '\0');
  std::ranges::generate(big, [i = 0U]() mutable { return static_cast<char>(i++ * 31U >> 3U); });
  for (const std::size_t piece : {std::size_t{1000}, std::string_view::npos}) {
    Conversation conversation({}, contexts(server("example.org")));
    conversation.run();
    conversation.piece = piece;
    conversation.client.write(big);
    conversation.run();
    EXPECT_EQ(conversation.received, big);
    conversation.send(big);
    conversation.run();
    EXPECT_EQ(conversation.client.received(), big);
  }
}

TEST_F(TlsStreamTest, PlaintextThatComesWithTheHandshakeIsDelivered) {
  Conversation conversation({.version = TLS1_3_VERSION}, contexts(server("example.org")));
  conversation.client.work();
  conversation.receive(conversation.client.take_ciphertext());
  conversation.client.work();
  conversation.client.write("hello");
  conversation.receive(conversation.client.take_ciphertext());
  EXPECT_TRUE(conversation.stream.handshake_done());
  EXPECT_EQ(conversation.received, "hello");
}

TEST_F(TlsStreamTest, SendingNothingSaysNothing) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  std::string out;
  EXPECT_EQ(conversation.stream.send("", out), Status::open);
  EXPECT_EQ(out, "");
}

TEST_F(TlsStreamTest, ErrorsThatOthersLeftInTheQueueAreNotItsOwn) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  conversation.client.write("hello");
  const std::string ciphertext = conversation.client.take_ciphertext();
  ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
  conversation.receive(ciphertext);
  EXPECT_EQ(conversation.status, Status::open);
  EXPECT_EQ(conversation.received, "hello");
}

// --- What goes wrong ---

TEST_F(TlsStreamTest, MqttWithoutTlsIsNamed) {
  TlsStream stream(contexts(server("example.org")));
  std::string plaintext;
  std::string out;
  const std::string_view connect("\x10\x0c\0\4MQTT\4\2\0\0\0\0", 14);
  EXPECT_EQ(stream.receive(connect, plaintext, out), Status::failed);
  EXPECT_THAT(std::string(stream.error()), HasSubstr("the client speaks MQTT without TLS"));
  EXPECT_TRUE(stream.is_mendable());
  EXPECT_EQ(plaintext, "");
}

TEST_F(TlsStreamTest, GarbageFails) {
  for (const std::string garbage :
       {"GET / HTTP/1.1\r\n\r\n", "garbage", "\x16\x03\x01\xff\xff\xff\xff\xff\xff",
        "\x80\x01\xff\xff\xff\xff\xff\xff"}) {
    TlsStream stream(contexts(server("example.org")));
    std::string plaintext;
    std::string out;
    EXPECT_EQ(stream.receive(garbage, plaintext, out), Status::failed) << garbage;
    EXPECT_NE(stream.error(), "");
    EXPECT_EQ(plaintext, "");
  }
}

TEST_F(TlsStreamTest, HttpIsNamed) {
  TlsStream stream(contexts(server("example.org")));
  std::string plaintext;
  std::string out;
  EXPECT_EQ(stream.receive("GET / HTTP/1.1\r\n\r\n", plaintext, out), Status::failed);
  EXPECT_EQ(stream.error(), "http request");
}

TEST_F(TlsStreamTest, StaysFailed) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.receive("garbage");
  const std::string error(conversation.stream.error());
  conversation.client.work();
  std::string plaintext;
  std::string out;
  EXPECT_EQ(conversation.stream.receive(conversation.client.take_ciphertext(), plaintext, out),
            Status::failed);
  EXPECT_EQ(conversation.stream.send("hello", out), Status::failed);
  conversation.stream.close(out);
  EXPECT_FALSE(conversation.stream.handshake_done());
  EXPECT_EQ(out, "");
  EXPECT_EQ(conversation.stream.error(), error);
}

TEST_F(TlsStreamTest, RecordThatWasTamperedWithFailsWithAnAlert) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Conversation conversation({.version = version}, contexts(server("example.org")));
    conversation.run();
    conversation.client.write("hello");
    std::string ciphertext = conversation.client.take_ciphertext();
    ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
    conversation.receive(ciphertext);
    EXPECT_EQ(conversation.status, Status::failed);
    EXPECT_EQ(conversation.received, "");
    EXPECT_EQ(conversation.stream.error(), "decryption failed or bad record mac");
    conversation.client.work();
    EXPECT_THAT(conversation.client.error(), HasSubstr("bad record mac"));
  }
}

TEST_F(TlsStreamTest, WhatCameBeforeABadRecordIsDelivered) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  conversation.client.write("hello");
  conversation.receive(conversation.client.take_ciphertext() + "garbage");
  EXPECT_EQ(conversation.status, Status::failed);
  EXPECT_EQ(conversation.received, "hello");
}

TEST_F(TlsStreamTest, EndlessClientHelloIsRefused) {
  TlsStream stream(contexts(server("example.org")));
  const auto record = [](std::string_view fragment) {
    return std::string("\x16\x03\x01\x00", 4).append(1, static_cast<char>(fragment.size())).append(fragment);
  };
  std::string plaintext;
  std::string out;
  Status status =
      stream.receive(record(std::string("\x01\x01\x80\x00", 4)), plaintext, out);  // a claim of 98,304 bytes
  std::size_t sent = 0;
  while (status == Status::open && sent < 200000) {
    const std::string one = record("x");
    sent += one.size();
    status = stream.receive(one, plaintext, out);
  }
  EXPECT_EQ(status, Status::failed);
  EXPECT_LT(sent, 70000U);
  EXPECT_EQ(stream.error(), "the ClientHello is too long");
}

// --- The end ---

TEST_F(TlsStreamTest, ServerCloses) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  std::string out;
  conversation.stream.close(out);
  EXPECT_NE(out, "");
  conversation.client.feed(out);
  conversation.client.work();
  EXPECT_TRUE(conversation.client.closed_by_server());
  EXPECT_EQ(conversation.client.error(), "");

  out.clear();
  conversation.stream.close(out);
  EXPECT_EQ(out, "") << "said twice";
}

TEST_F(TlsStreamTest, ClientsLastBytesArriveAfterServerClosed) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  std::string out;
  conversation.stream.close(out);
  conversation.client.write("goodbye");
  conversation.client.close();
  conversation.run();
  EXPECT_EQ(conversation.status, Status::closed);
  EXPECT_EQ(conversation.received, "goodbye");
}

TEST_F(TlsStreamTest, ClientCloses) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.run();
  conversation.client.write("goodbye");
  conversation.client.close();
  conversation.run();
  EXPECT_EQ(conversation.status, Status::closed);
  EXPECT_EQ(conversation.received, "goodbye");

  conversation.receive("garbage");
  EXPECT_EQ(conversation.status, Status::closed) << "what comes after is ignored";

  conversation.send("you too");
  std::string out;
  conversation.stream.close(out);
  conversation.client.feed(out);
  EXPECT_NE(out, "");
  EXPECT_EQ(conversation.status, Status::open);
}

TEST_F(TlsStreamTest, ClosingAnUnfinishedHandshakeSaysNothing) {
  Conversation conversation({}, contexts(server("example.org")));
  conversation.client.work();
  conversation.receive(conversation.client.take_ciphertext());
  std::string out;
  conversation.stream.close(out);
  EXPECT_EQ(out, "");
}

// --- SNI ---

TEST_F(TlsStreamTest, HostIsChosenByItsName) {
  const auto all = contexts(server("fallback.example"),
                            {{"a.example", server("a.example")}, {"b.example", server("b.example")}});
  for (const auto& [asked, presented] : std::map<std::string, std::string>{{"a.example", "a.example"},
                                                                           {"B.EXAMPLE", "b.example"},
                                                                           {"c.example", "fallback.example"},
                                                                           {"", "fallback.example"}}) {
    Conversation conversation({.server_name = asked}, all);
    expect_works(conversation);
    EXPECT_EQ(conversation.client.server_common_name(), presented) << asked;
  }
}

TEST_F(TlsStreamTest, UnknownHostWithoutAFallbackIsRefused) {
  Conversation conversation({.server_name = "c.example"}, contexts({}, {{"a.example", server("a.example")}}));
  EXPECT_THAT(refusal(conversation), HasSubstr("a host (SNI) for which there is no certificate"));
  EXPECT_THAT(conversation.client.error(), HasSubstr("unrecognized name"));
}

// `content` after its size in so many bytes, as TLS writes its vectors.
std::string vector(std::size_t bytes, const std::string& content) {
  std::string text;
  for (std::size_t i = bytes; i-- > 0;) text += static_cast<char>(content.size() >> 8U * i);
  return text + content;
}

// In records; for what OpenSSL's client would not send.
std::string client_hello(const std::string& server_name_extension) {
  const std::string extensions = std::string(2, '\0') + vector(2, server_name_extension);
  std::string message =
      "\x01" + vector(3, "\x03\x03" + std::string(32, 'r') + vector(1, "") + vector(2, "\xc0\x2b") +
                             vector(1, std::string(1, '\0')) + vector(2, extensions));
  std::string records;
  for (std::size_t at = 0; at < message.size(); at += 16000) {
    records += "\x16\x03\x01" + vector(2, message.substr(at, 16000));
  }
  return records;
}

TEST_F(TlsStreamTest, HostNameThatIsTooLongIsUnknown) {
  const std::string name = std::string(1, '\0') + vector(2, std::string(60000, 'a'));
  TlsStream stream(contexts({}, {{"a.example", server("a.example")}}));
  std::string plaintext;
  std::string out;
  EXPECT_EQ(stream.receive(client_hello(vector(2, name)), plaintext, out), Status::failed);
  EXPECT_THAT(std::string(stream.error()), HasSubstr("a host (SNI) for which there is no certificate"));
  EXPECT_TRUE(stream.is_mendable());
}

TEST_F(TlsStreamTest, MalformedHostNameIsRefused) {
  const std::string host("a.example");
  const std::string zero(1, '\0');
  for (const std::string& extension :
       {std::string(), zero, std::string(4, '\0'), std::string(5, '\0'), vector(2, "\x01" + vector(2, host)),
        vector(2, zero + vector(2, host) + "x"), std::string(4, '\0') + "\x08" + host}) {
    TlsStream stream(contexts(server("fallback.example"), {{host, server(host)}}));
    std::string plaintext;
    std::string out;
    EXPECT_EQ(stream.receive(client_hello(extension), plaintext, out), Status::failed);
    EXPECT_EQ(stream.error(), "bad extension");
    EXPECT_EQ(out.size(), 7U) << "an alert and nothing else";
  }
  TlsStream stream(contexts(server("fallback.example"), {{host, server(host)}}));
  std::string plaintext;
  std::string out;
  stream.receive(client_hello(vector(2, zero + vector(2, host))), plaintext, out);
  EXPECT_NE(stream.error(), "bad extension");
}

TEST_F(TlsStreamTest, NoHostWithoutAFallbackIsRefused) {
  Conversation conversation({}, contexts({}, {{"a.example", server("a.example")}}));
  EXPECT_THAT(refusal(conversation), HasSubstr("the client asked for no host (SNI)"));
  EXPECT_NE(conversation.client.error(), "");
}

TEST_F(TlsStreamTest, HostIsServedWithoutAFallback) {
  Conversation conversation({.server_name = "a.example"}, contexts({}, {{"a.example", server("a.example")}}));
  expect_works(conversation);
}

TEST_F(TlsStreamTest, EverySettingOfAHostApplies) {
  const Identity authority = make_identity({.name = "authority"});
  TlsSettings fallback = server("fallback.example");
  fallback.protocol = "tlsv1_3";
  fallback.curves = "X25519";
  fallback.cafile = folder.write("authority.pem", pem(authority.certificate));
  fallback.verify = {"peer", "fail_if_no_peer_cert"};
  TlsSettings host = server("a.example");
  host.protocol = "tlsv1_2";
  host.curves = "P-384";
  host.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";

  const auto both = contexts(fallback, {{"a.example", host}});
  Conversation open({.server_name = "a.example", .version = TLS1_2_VERSION}, both);
  expect_works(open);
  EXPECT_EQ(SSL_get_negotiated_group(open.client.ssl()), NID_secp384r1);
  EXPECT_STREQ(SSL_get_cipher_name(open.client.ssl()), "ECDHE-ECDSA-CHACHA20-POLY1305");

  const auto swapped = contexts(host, {{"b.example", fallback}});
  Conversation demanding({.server_name = "b.example"}, swapped);
  EXPECT_EQ(refusal(demanding), "peer did not return a certificate");
  Conversation old({.server_name = "b.example", .version = TLS1_2_VERSION}, swapped);
  EXPECT_EQ(refusal(old), "unsupported protocol");
  const Identity good = make_identity({.name = "device", .issuer = &authority});
  Conversation known({.server_name = "b.example", .identity = good}, swapped);
  expect_works(known);
  EXPECT_EQ(SSL_get_negotiated_group(known.client.ssl()), NID_X25519);
}

TEST_F(TlsStreamTest, ContextsAreLetGoOnceTheHostIsChosen) {
  auto all = contexts(server("fallback.example"), {{"a.example", server("a.example")}});
  const std::weak_ptr<TlsContexts> watched = all;
  Conversation conversation({.server_name = "a.example"}, std::move(all));
  EXPECT_FALSE(watched.expired());
  conversation.run();
  EXPECT_TRUE(watched.expired());
  expect_works(conversation);
}

TEST_F(TlsStreamTest, HelloRetryRequestKeepsTheHost) {
  TlsSettings host = server("a.example");
  host.curves = "P-384";
  Conversation conversation({.server_name = "a.example", .version = TLS1_3_VERSION, .curves = "X25519:P-384"},
                            contexts(server("fallback.example"), {{"a.example", host}}));
  expect_works(conversation);
  EXPECT_EQ(conversation.client.server_common_name(), "a.example");
  EXPECT_EQ(SSL_get_negotiated_group(conversation.client.ssl()), NID_secp384r1);
}

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

TEST_F(TlsStreamTest, MqttIsSelectedByAlpn) {
  struct Case {
    std::string offered;
    std::string selected;
  };
  for (const Case& c :
       {Case{"\x04mqtt", "mqtt"}, Case{"\x02h2\x04mqtt", "mqtt"}, Case{"\x02h2", ""}, Case{"", ""}}) {
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
