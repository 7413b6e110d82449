#include "tls/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "certificates.h"
#include "conversation.h"
#include "tls_stream_fixture.h"

namespace pubsub_mqtt::tests {
namespace {

using testing::HasSubstr;

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
  EXPECT_EQ(send(conversation.stream, "", out), Status::open);
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
  EXPECT_EQ(send(conversation.stream, "hello", out), Status::failed);
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

// Also where the session is resumed: the host is named again.
TEST_F(TlsStreamTest, TellsOnceWhichHostTheClientHasNamed) {
  const auto all = contexts(server("fallback"), {{"a.example", server("a.example")}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [asked, told] : std::map<std::string, std::string>{
             {"A.example", "a.example"}, {"unknown.example", "unknown.example"}, {"", ""}}) {
      Conversation first({.server_name = asked, .version = version}, all);
      EXPECT_EQ(first.stream.take_server_name(), "");
      expect_works(first);
      EXPECT_EQ(first.stream.take_server_name(), told);
      EXPECT_EQ(first.stream.take_server_name(), "");
      Conversation second({.server_name = asked, .version = version, .resume = first.client.ticket()}, all);
      expect_works(second);
      EXPECT_EQ(SSL_session_reused(second.client.ssl()), 1);
      EXPECT_EQ(second.stream.take_server_name(), told);
    }
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

}  // namespace
}  // namespace pubsub_mqtt::tests
