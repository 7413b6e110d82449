// Where MQTT is served: Prosody's own port settings.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "mqtt_client.h"
#include "raw_session.h"
#include "running_prosody.h"
#include "xmpp_client.h"

namespace pubsub_mqtt::tests {
namespace {

FileDescriptor listen_on(std::uint16_t port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), 1) != 0) {
    throw std::system_error(errno, std::generic_category(), "listen on port " + std::to_string(port));
  }
  return fd;
}

const Configuration two_components{.more_hosts = R"(Component "news.localhost" "pubsub"
  modules_enabled = { "pubsub_mqtt" }
  autocreate_on_publish = true)"};

TEST(Ports, AreSharedByAllPubsubComponents) {
  Prosody prosody;
  prosody.start(two_components);
  EXPECT_EQ(prosody.log().count("Activated service 'mqtt' on"), 1U);
  MqttClient client(prosody.mqtt_port());
  ASSERT_EQ(client.subscribe("news.localhost/json/node"), 0);
  client.publish("pubsub.localhost/json/node", "1");
  client.publish("news.localhost/json/node", "2");
  EXPECT_EQ(client.next_message(), (Message{.topic = "news.localhost/json/node", .payload = "2"}));
}

TEST(Ports, ThePlainOneIsOnLoopbackUnlessConfigured) {
  Prosody prosody;
  prosody.start();
  const std::string line = prosody.log().wait_for("Activated service 'mqtt' on");
  EXPECT_NE(line.find("[127.0.0.1]:"), std::string::npos) << line;
  EXPECT_NE(line.find("[::1]:"), std::string::npos) << line;
  EXPECT_EQ(line.find('*'), std::string::npos) << line;
}

TEST(Ports, ServeIPv6) {
  Prosody prosody;
  prosody.start({.global = R"(mqtt_interfaces = { "::1" })"});
  RawMqtt client(std::make_unique<TcpStream>(prosody.mqtt_port(), "::1"));
  EXPECT_EQ(client.connect("six"), mqtt::Reason::success);
  prosody.log().wait_for("::1.*six.*connected");
}

TEST(Ports, SeveralAreServedAlike) {
  Prosody prosody;
  const FreePort second;
  prosody.start({.global = "mqtt_ports = { " + std::to_string(prosody.mqtt_port()) + ", " +
                           std::to_string(second.number()) + " }"});
  RawMqtt subscriber = connected(prosody.mqtt_port(), "one");
  RawMqtt publisher = connected(second.number(), "two");
  ASSERT_EQ(subscriber.subscribe("pubsub.localhost/json/node"), mqtt::Reason::granted_qos_0);
  publisher.send(mqtt::Publish{.topic = "pubsub.localhost/json/node", .payload = "1"});
  EXPECT_EQ(subscriber.read_packet<mqtt::Publish>().payload, "1");
}

TEST(Ports, ABusyOneIsReportedByProsodyAndTheOthersServe) {
  Prosody prosody;
  const FileDescriptor taken = listen_on(prosody.mqtt_port());
  prosody.start({.global = R"(mqtt_interfaces = { "127.0.0.1" })"});
  prosody.log().wait_for("Failed to open server port " + std::to_string(prosody.mqtt_port()) + ".* in use");
  RawMqtt client(std::make_unique<TlsStream>(prosody.mqtt_tls_port(),
                                             TlsStream::Options{.server_name = "pubsub.localhost"}));
  EXPECT_EQ(client.connect("client"), mqtt::Reason::success);
}

TEST(Ports, OneThatWasBusyIsOpenedByAReloadWhenItIsFree) {
  const Configuration configuration{.global = R"(mqtt_interfaces = { "127.0.0.1" })"};
  Prosody prosody;
  {
    const FileDescriptor taken = listen_on(prosody.mqtt_port());
    prosody.start(configuration);
    prosody.log().wait_for("Failed to open server port " + std::to_string(prosody.mqtt_port()) + ".* in use");
  }
  prosody.reload(configuration);
  connected(prosody.mqtt_port(), "client").ping();
}

TEST(Ports, OfTheTwoServicesMayBeExchangedByAReload) {
  Prosody prosody;
  const auto ports = [](std::uint16_t plain, std::uint16_t tls) {
    return Configuration{.global = "mqtt_ports = { " + std::to_string(plain) + " }\nmqtt_tls_ports = { " +
                                   std::to_string(tls) + " }"};
  };
  prosody.start(ports(prosody.mqtt_port(), prosody.mqtt_tls_port()));
  prosody.reload(ports(prosody.mqtt_tls_port(), prosody.mqtt_port()));
  connected(prosody.mqtt_tls_port(), "client").ping();
  RawMqtt over_tls(std::make_unique<TlsStream>(prosody.mqtt_port(),
                                               TlsStream::Options{.server_name = "pubsub.localhost"}));
  EXPECT_EQ(over_tls.connect("over TLS"), mqtt::Reason::success);
}

TEST(Ports, OneClosedInTheShellIsFreeAtOnceAndClientsStay) {
  Prosody prosody;
  prosody.start({.global = R"(mqtt_interfaces = { "127.0.0.1" })"});
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  prosody.shell("port:close(" + std::to_string(prosody.mqtt_port()) + ")");
  const FileDescriptor ours = listen_on(prosody.mqtt_port());
  client.ping();
}

TEST(Ports, FollowTheConfigurationWhenTheModuleIsReloadedAndClientsStay) {
  Prosody prosody;
  prosody.start();
  RawMqtt client = connected(prosody.mqtt_port(), "client");
  const FreePort other;
  prosody.reload({.global = "mqtt_ports = { " + std::to_string(other.number()) + " }"});
  prosody.shell(R"(module:reload("pubsub_mqtt"))");
  connected(other.number(), "other").ping();
  EXPECT_THROW(TcpStream(prosody.mqtt_port()), std::system_error);
  client.ping();
}

TEST(Ports, ServeAThousandClientsThatComeAtOnce) {
  Prosody prosody;
  prosody.start();
  std::vector<std::unique_ptr<RawMqtt>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<RawMqtt>(prosody.mqtt_port()));
    const std::string identifier = "client" + std::to_string(i);
    clients.back()->send(mqtt::Connect{.client_identifier = identifier});
  }
  for (auto& client : clients) {
    ASSERT_EQ(client->read_packet<mqtt::Connack>().reason, mqtt::Reason::success);
  }
}

TEST(Ports, LeaveProsodyTheLastDescriptors) {
  Prosody prosody;
  prosody.start();
  const rlimit few{.rlim_cur = 200, .rlim_max = 200};
  ASSERT_EQ(prlimit(prosody.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  prosody.shell(R"(module:unload("pubsub_mqtt", "pubsub.localhost"))");
  prosody.shell(R"(module:load("pubsub_mqtt", "pubsub.localhost"))");  // a new core reads the limit

  std::vector<std::unique_ptr<RawMqtt>> clients;
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    auto client = std::make_unique<RawMqtt>(prosody.mqtt_port());
    try {
      client->connect("");
      clients.push_back(std::move(client));
    } catch (const ConnectionClosed&) {
      ++refused;
    }
  }
  EXPECT_GE(refused, 64);
  ASSERT_GE(clients.size(), 64U);
  const std::string line = prosody.log().wait_for("MQTT connections are refused.*LimitNOFILE");
  EXPECT_NE(line.find("pubsub_mqtt\twarn"), std::string::npos) << line;

  // Sockets and files for XMPP.
  std::vector<std::unique_ptr<XmppClient>> users;
  for (int i = 0; i < 20; ++i) {
    users.push_back(std::make_unique<XmppClient>("admin@localhost", account_password, prosody.c2s_port()));
  }
  users.front()->create("node", {{"access_model", "open"}, {"persist_items", "true"}});
  users.front()->publish("node", "1", "<json xmlns='urn:xmpp:json:0'>1</json>");
  prosody.wait_for_log();
  EXPECT_EQ(prosody.log().count("MQTT connections are refused"), 1U);

  // Those who are in are served, and who leaves makes room.
  for (auto& client : clients) client->ping();
  disconnect(*clients.back());
  connected(prosody.mqtt_port(), "next").ping();
}

}  // namespace
}  // namespace pubsub_mqtt::tests
