// MQTT over TLS, from Prosody's certificate settings.
#include <gtest/gtest.h>

#include <filesystem>

#include "mosquitto_command.h"
#include "raw_mqtt.h"
#include "running_prosody.h"

namespace pubsub_mqtt::tests {
namespace {

using Tls = RunningProsody;

RawMqtt connected_with_tls(const Prosody& prosody, std::string_view client_identifier) {
  RawMqtt client(std::make_unique<TlsStream>(
      prosody.mqtt_tls_port(),
      TlsStream::Options{.server_name = "pubsub.localhost", .ca_file = prosody.ca_file()}));
  EXPECT_EQ(client.connect(client_identifier), mqtt::Reason::success);
  return client;
}

TEST_F(Tls, MosquittoSubShowsWhatMosquittoPubPublishes) {
  const std::vector<std::string> options{
      "-h",       "localhost",       "-p", std::to_string(prosody.mqtt_tls_port()),
      "--cafile", prosody.ca_file(), "-t", "pubsub.localhost/json/node"};
  std::vector<std::string> subscribe{"stdbuf", "-oL", "mosquitto_sub", "-d", "-C", "1"};
  subscribe.insert(subscribe.end(), options.begin(), options.end());
  MosquittoCommand subscriber(subscribe);
  subscriber.output().wait_for("Subscribed.*: 0$");
  std::vector<std::string> publish{"mosquitto_pub", "-m", R"({"t":21.5})"};
  publish.insert(publish.end(), options.begin(), options.end());
  EXPECT_EQ(MosquittoCommand(publish).wait(), 0);
  subscriber.output().wait_for(R"(^\{"t":21\.5\}$)");
  EXPECT_EQ(subscriber.wait(), 0);
}

TEST_F(Tls, PresentsTheCertificateOfTheHostThatTheClientNames) {
  for (const char* host : {"pubsub.localhost", "localhost"}) {
    const TlsStream stream(prosody.mqtt_tls_port(), {.server_name = host, .ca_file = prosody.ca_file()});
    EXPECT_EQ(stream.peer_common_name(), host);
  }
}

TEST_F(Tls, CarriesLargeMessagesBothWays) {
  RawMqtt client = connected_with_tls(prosody, "client");
  ASSERT_EQ(client.subscribe("pubsub.localhost/utf8/node"), mqtt::Reason::granted_qos_0);
  const std::string payload(200000, 'x');
  client.send(mqtt::Publish{.topic = "pubsub.localhost/utf8/node", .payload = payload});
  EXPECT_EQ(client.read_packet<mqtt::Publish>().payload, payload);
}

TEST_F(Tls, WhatAClientIsToldLastArrivesThoughItStillSends) {
  RawMqtt client(std::make_unique<TlsStream>(
      prosody.mqtt_tls_port(),
      TlsStream::Options{.server_name = "pubsub.localhost", .ca_file = prosody.ca_file()}));
  client.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5, .client_identifier = "client"});
  EXPECT_EQ(client.read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  client.send_bytes(std::string("\xC1\x00", 2));  // a PINGREQ with a reserved flag set
  for (int i = 0; i < 100; ++i) client.send_bytes(std::string(10000, 'x'));
  EXPECT_EQ(client.read_packet<mqtt::Disconnect>().reason, mqtt::Reason::malformed_packet);
  client.wait_for_close();
}

TEST_F(Tls, SharesNodesWithThePlainPort) {
  RawMqtt plain = connected(prosody.mqtt_port(), "plain");
  RawMqtt secure = connected_with_tls(prosody, "secure");
  ASSERT_EQ(plain.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  secure.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(plain.read_packet<mqtt::Publish>().payload, "1");
}

TEST_F(Tls, ServesNewCertificatesAfterAReloadAndDropsNobody) {
  RawMqtt early = connected_with_tls(prosody, "early");
  ASSERT_EQ(early.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  const std::string old_serial = dynamic_cast<TlsStream&>(early.stream()).peer_serial();
  prosody.make_certificate("pubsub.localhost");
  prosody.reload({});

  RawMqtt late = connected_with_tls(prosody, "late");
  EXPECT_NE(dynamic_cast<TlsStream&>(late.stream()).peer_serial(), old_serial);
  late.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(early.read_packet<mqtt::Publish>().payload, "1");
}

// One file is half copied, or both are.
TEST_F(Tls, AReloadThatCannotUseACertificateKeepsTheOldOne) {
  const std::string old_serial =
      dynamic_cast<TlsStream&>(connected_with_tls(prosody, "early").stream()).peer_serial();
  for (const char* file : {"certs/pubsub.localhost.key", "certs/pubsub.localhost.crt"}) {
    prosody.folder().write(file, "half");
    prosody.reload({});
    RawMqtt late = connected_with_tls(prosody, "late");
    EXPECT_EQ(dynamic_cast<TlsStream&>(late.stream()).peer_serial(), old_serial);
  }
  prosody.make_certificate("pubsub.localhost");
  prosody.reload({});
  RawMqtt later = connected_with_tls(prosody, "later");
  EXPECT_NE(dynamic_cast<TlsStream&>(later.stream()).peer_serial(), old_serial);
}

// A client that names no host, which gets the port's default certificate.
std::string default_serial(const Prosody& prosody) {
  const TlsStream stream(prosody.mqtt_tls_port(), {});
  return stream.peer_serial();
}

constexpr const char* kept =
    "warn\tTLS for mqtt_tls: the certificate for clients that name no host stays as it was";

void expect_that_the_default_certificate_stays(Prosody& prosody, const std::string& old_serial) {
  const std::size_t before = prosody.log().count(kept);
  prosody.reload({});
  EXPECT_EQ(default_serial(prosody), old_serial);
  EXPECT_EQ(prosody.log().count(kept), before + 1);
}

// The certificate is one of those in Prosody's folder: which one Prosody finds, nobody says.
TEST_F(Tls, AReloadThatDoesNotFindTheDefaultCertificateKeepsTheOldOne) {
  const TlsStream before(prosody.mqtt_tls_port(), {});
  const std::string old_serial = before.peer_serial();
  const std::string host = before.peer_common_name();
  const std::string certificate = "certs/" + host + ".crt";
  const std::string key = "certs/" + host + ".key";
  const std::string aside = prosody.folder().path("aside");
  std::filesystem::rename(prosody.folder().path(certificate), aside);
  expect_that_the_default_certificate_stays(prosody, old_serial);
  for (const char* content : {"garbage", ""}) {
    prosody.folder().write(certificate, content);
    expect_that_the_default_certificate_stays(prosody, old_serial);
  }
  std::filesystem::rename(aside, prosody.folder().path(certificate));
  for (const char* content : {"garbage", ""}) {
    prosody.folder().write(key, content);
    expect_that_the_default_certificate_stays(prosody, old_serial);
  }
  std::filesystem::remove(prosody.folder().path(key));
  expect_that_the_default_certificate_stays(prosody, old_serial);
  for (const char* each : {"localhost", "pubsub.localhost"}) prosody.make_certificate(each);
  prosody.reload({});
  EXPECT_NE(default_serial(prosody), old_serial);
}

// Prosody 0.12 raises an error for such a certificate, which ends the reload for all that come after. In the log that
// error would fail the test.
TEST_F(Tls, AReloadWithACertificateThatIsCutOffKeepsTheOldOne) {
  const std::string old_serial = default_serial(prosody);
  for (const std::string host : {"localhost", "pubsub.localhost"}) {
    prosody.folder().write("certs/" + host + ".crt", "-----BEGIN CERTIFICATE-----\nMIIB");
  }
  prosody.shell(">pcall(prosody.reload_config)");
  prosody.log().wait_for("warn\tTLS for mqtt_tls: the certificate of pubsub.localhost stays as it was");
  prosody.log().wait_for(kept);
  EXPECT_EQ(default_serial(prosody), old_serial);
}

TEST_F(Tls, AReloadThatDoesNotFindAHostsCertificateKeepsTheOldOne) {
  const std::string old_serial =
      dynamic_cast<TlsStream&>(connected_with_tls(prosody, "early").stream()).peer_serial();
  for (const char* file : {"certs/pubsub.localhost.key", "certs/pubsub.localhost.crt"}) {
    std::filesystem::remove(prosody.folder().path(file));
    prosody.reload({});
    RawMqtt late = connected_with_tls(prosody, "late");
    EXPECT_EQ(dynamic_cast<TlsStream&>(late.stream()).peer_serial(), old_serial);
    prosody.log().wait_for(
        "warn\tTLS for mqtt_tls: the certificate of pubsub.localhost stays as it was: "
        ".*/pubsub.localhost.crt.*prosodyctl reload");
  }
  prosody.make_certificate("pubsub.localhost");
  prosody.reload({});
  RawMqtt later = connected_with_tls(prosody, "later");
  EXPECT_NE(dynamic_cast<TlsStream&>(later.stream()).peer_serial(), old_serial);
}

TEST_F(Tls, AClientOfThePlainPortMaySpeakTlsInVain) {
  EXPECT_THROW(TlsStream(prosody.mqtt_port(), {.server_name = "pubsub.localhost"}), std::runtime_error);
  prosody.log().wait_for("127.0.0.1.*closed");
  connected(prosody.mqtt_port(), "next").ping();
}

TEST_F(Tls, AClientOfTheTlsPortMaySpeakPlainMqttInVain) {
  RawMqtt client(prosody.mqtt_tls_port());
  client.send(mqtt::Connect{.client_identifier = "plain"});
  client.wait_for_close();
  prosody.log().wait_for("127.0.0.1.*TLS");
  connected_with_tls(prosody, "next").ping();
}

TEST(TlsSettings, CutOffHandshakesThatNeverFinish) {
  Prosody prosody;
  prosody.start({.global = "mqtt_connect_timeout = 1"});
  RawMqtt silent(prosody.mqtt_tls_port());
  RawMqtt half_said(prosody.mqtt_tls_port());
  half_said.send_bytes(std::string("\x16\x03\x01\x01\x00\x01", 6));  // the start of a ClientHello
  silent.wait_for_close();
  half_said.wait_for_close();
  prosody.reload({});
  connected_with_tls(prosody, "next").ping();
}

TEST(TlsSettings, AHandshakeCountsIntoTheTimeForConnect) {
  Prosody prosody;
  prosody.start({.global = "mqtt_connect_timeout = 1"});
  RawMqtt client(std::make_unique<TlsStream>(prosody.mqtt_tls_port(),
                                             TlsStream::Options{.server_name = "pubsub.localhost"}));
  client.wait_for_close();
}

TEST(TlsSettings, ProtocolVersionsAreTheConfiguredOnes) {
  Prosody prosody;
  prosody.start({.global = R"(mqtt_tls_ssl = { protocol = "tlsv1_3+" })"});
  EXPECT_THROW(
      TlsStream(prosody.mqtt_tls_port(), {.server_name = "pubsub.localhost", .max_version = TLS1_2_VERSION}),
      std::runtime_error);
  const TlsStream stream(prosody.mqtt_tls_port(), {.server_name = "pubsub.localhost"});
  EXPECT_EQ(stream.protocol(), "TLSv1.3");
}

TEST(TlsSettings, TheConfiguredCertificateServesClientsThatNameNoHost) {
  Prosody prosody;
  const std::string certificates = prosody.folder().path("certs");
  prosody.start({.global = "mqtt_tls_ssl = { certificate = \"" + certificates +
                           "/pubsub.localhost.crt\", key = \"" + certificates + "/pubsub.localhost.key\" }"});
  const TlsStream stream(prosody.mqtt_tls_port(),
                         {.verify_name = "pubsub.localhost", .ca_file = prosody.ca_file()});
  EXPECT_EQ(stream.peer_common_name(), "pubsub.localhost");
}

TEST(TlsSettings, AReloadThatCannotUseTheConfiguredCertificateKeepsTheOldOne) {
  Prosody prosody;
  const Identity identity = make_identity({.name = "pubsub.localhost", .issuer = &prosody.authority()});
  const auto write = [&] {
    prosody.folder().write("port.crt", pem(identity.certificate));
    prosody.folder().write("port.key", pem(identity.key));
  };
  write();
  const Configuration configuration{.global = "mqtt_tls_ssl = { certificate = \"" +
                                              prosody.folder().path("port.crt") + "\", key = \"" +
                                              prosody.folder().path("port.key") + "\" }"};
  prosody.start(configuration);
  const std::string old_serial = default_serial(prosody);
  for (const char* file : {"port.crt", "port.key"}) {
    for (const char* content : {"garbage", ""}) {
      prosody.folder().write(file, content);
      prosody.reload(configuration);
      EXPECT_EQ(default_serial(prosody), old_serial);
    }
    std::filesystem::remove(prosody.folder().path(file));
    prosody.reload(configuration);
    EXPECT_EQ(default_serial(prosody), old_serial);
    write();
  }
  EXPECT_EQ(prosody.log().count(kept), 6U);
}

TEST(TlsSettings, AClientCertificateIsAskedForWhereConfigured) {
  Prosody prosody;
  prosody.make_certificate("device");
  prosody.start({.global = "mqtt_tls_ssl = { verify = { \"peer\", \"fail_if_no_peer_cert\" }, cafile = \"" +
                           prosody.ca_file() + "\" }"});
  // In TLS 1.2 the client learns of a refusal within its handshake.
  EXPECT_THROW(
      TlsStream(prosody.mqtt_tls_port(), {.server_name = "pubsub.localhost", .max_version = TLS1_2_VERSION}),
      std::runtime_error);
  RawMqtt client(std::make_unique<TlsStream>(
      prosody.mqtt_tls_port(), TlsStream::Options{.server_name = "pubsub.localhost",
                                                  .certificate = prosody.folder().path("certs/device.crt"),
                                                  .key = prosody.folder().path("certs/device.key")}));
  EXPECT_EQ(client.connect("device"), mqtt::Reason::success);
}

// A password that was right when Prosody read the key, and is not when we do.
TEST(TlsSettings, WhereTlsCannotBeSetUpClientsAreRefusedAtOnceUntilAReloadMendsIt) {
  Prosody prosody;
  const Identity identity = make_identity({.name = "pubsub.localhost", .issuer = &prosody.authority()});
  prosody.folder().write("port.crt", pem(identity.certificate));
  prosody.folder().write("port.key", pem(identity.key, "secret"));
  const auto configuration = [&](const std::string& password) {
    return Configuration{.global = "local asked = 0\nmqtt_tls_ssl = { certificate = \"" +
                                   prosody.folder().path("port.crt") + "\", key = \"" +
                                   prosody.folder().path("port.key") + "\", password = " + password + " }"};
  };
  prosody.start(
      configuration(R"(function () asked = asked + 1; return asked == 1 and "secret" or "forgotten"; end)"));
  prosody.log().wait_for(
      "error\tTLS for mqtt_tls cannot be set up, clients of this port are refused: the password does not "
      "open the key "
      ".*mqtt_tls_ssl, and do `prosodyctl reload`");
  RawMqtt plain(prosody.mqtt_tls_port());
  plain.send(mqtt::Connect{.client_identifier = "plain"});
  plain.wait_for_close();
  try {
    RawMqtt client(std::make_unique<TlsStream>(prosody.mqtt_tls_port(), TlsStream::Options{}));
    client.wait_for_close();
  } catch (const TimedOut&) {
    throw;
  } catch (const std::runtime_error&) {
    // Refused within the handshake.
  }
  connected(prosody.mqtt_port(), "on the other port").ping();

  prosody.reload(configuration(R"("secret")"));
  connected_with_tls(prosody, "client").ping();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
