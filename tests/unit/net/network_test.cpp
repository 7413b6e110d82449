#include "pubsub_mqtt/net/network.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "network_fixture.h"
#include "pubsub_mqtt/mqtt/packet_writer.h"

namespace pubsub_mqtt::net {
namespace {

template <typename Packet>
std::string bytes_of(const Packet& packet) {
  std::string bytes;
  mqtt::write(packet, bytes);
  return bytes;
}

TEST_F(NetworkTest, ClientsConnectAndAsk) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  std::string bytes;
  mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
  mqtt::write(mqtt::Publish{.topic = "a/json/b", .payload = "1"}, bytes);
  send_all(client, bytes);
  EXPECT_NE(wait_for<OpenSession>().client.find("meter"), std::string::npos);
  EXPECT_EQ(wait_for<PublishRequest>().publication.payload, "1");
  EXPECT_EQ(receive(client, 4), std::string("\x20\x02\x00\x00", 4));
}

TEST_F(NetworkTest, AClosedListenerLetsThePortGo) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  let_in(client);

  network.close_listener(1);
  shutdown(server.fd(), SHUT_RDWR);  // ours is the last descriptor that listens
  const Socket late(new_socket());
  EXPECT_NE(connect_client(late), 0);
  // The connection stays.
  std::string bytes;
  mqtt::write(mqtt::Pingreq{}, bytes);
  send_all(client, bytes);
  EXPECT_EQ(receive(client, 2).size(), 2U);
}

TEST_F(NetworkTest, LimitsOfAReloadAreForClientsThatAreConnectedToo) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  let_in(client);
  Limits changed = limits;
  changed.max_packet_size = 1000;
  changed.anonymous = Anonymous::from_nowhere;
  network.set_limits(changed);
  network.clients({});  // commands are carried out in order
  send_all(client, bytes_of(mqtt::Publish{.topic = "a/utf8/b", .payload = std::string(1000, 'x')}));
  EXPECT_TRUE(ends(client));
  const Socket late(new_socket());
  ASSERT_EQ(connect_client(late), 0);
  send_all(late, bytes_of(mqtt::Connect{.client_identifier = "meter"}));
  EXPECT_EQ(receive(late, 4), bytes_of(mqtt::Connack{.reason = mqtt::Reason::not_authorized}));
}

TEST_F(NetworkTest, UnknownListenersAreClosedAlready) { network.close_listener(77); }

TEST_F(NetworkTest, DeliveriesReachTheClient) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  let_in(client);

  Selection selection;
  selection.by_form[0] = mqtt::QoS::at_most_once;
  ItemPublished item{.node = 5, .payloads = {}};
  item.payloads[0] = std::string(3000000, 'x');  // more than a socket takes at once
  std::vector<Delivery> deliveries;
  deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
  deliveries.emplace_back(AudienceChange{.node = 5, .session = session(), .selection = selection});
  deliveries.emplace_back(std::move(item));
  network.post(deliveries);
  EXPECT_TRUE(deliveries.empty());

  std::string expected;
  const std::string payload(3000000, 'x');
  mqtt::write(mqtt::Publish{.topic = "h/json/n", .payload = payload}, expected);
  EXPECT_EQ(receive(client, expected.size()), expected);
}

// A client may send because of an item that it saw elsewhere: what it sends comes after that item, on the
// direct way, too.
TEST_F(NetworkTest, WhatProsodysThreadSaidBeforeAClientSentIsCarriedOutFirst) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  std::string bytes;
  mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
  mqtt::write(mqtt::Publish{.topic = "h/json/n", .payload = "0"}, bytes);
  send_all(client, bytes);
  const PublishRequest request = wait_for<PublishRequest>();
  receive(client, bytes_of(mqtt::Connack{}).size());
  Selection selection;
  selection.natural = mqtt::QoS::at_most_once;
  std::vector<Delivery> deliveries;
  deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
  deliveries.emplace_back(
      AudienceChange{.node = 5, .session = request.ticket.session, .selection = selection});
  deliveries.emplace_back(PublishReply{.ticket = request.ticket,
                                       .topic = request.publication.topic,
                                       .route = std::make_shared<Route>(5, 100)});
  const Socket other(new_socket());
  ASSERT_EQ(connect_client(other), 0);
  send_all(other, bytes_of(mqtt::Connect{.client_identifier = "other"}));
  receive(other, bytes_of(mqtt::Connack{}).size());
  std::string pings;
  while (pings.size() < 10000) pings += bytes_of(mqtt::Pingreq{});
  // Its items take a while.
  deliveries.emplace_back(NodeOpened{.node = 6, .host = "h", .name = "slow"});
  for (SessionId nobody = 1; nobody <= 50000; ++nobody) {
    deliveries.emplace_back(AudienceChange{.node = 6, .session = nobody << 32U | 9U, .selection = selection});
  }
  network.post(deliveries);
  const std::string expected = bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "1"}) +
                               bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "2"});
  for (int i = 0; i < 15; ++i) {
    for (int item = 0; item < 600; ++item) {
      deliveries.emplace_back(ItemPublished{.node = 6, .natural_type = topic::Type::json, .payloads = {"0"}});
    }
    // So that they are found when the network thread is about to read, it is busy with another client before.
    send_all(other, pings);
    send_all(client, bytes_of(mqtt::Puback{.packet_identifier = 1}));
    network.post(deliveries);
    const auto taken = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    while (std::chrono::steady_clock::now() < taken) continue;  // sleeping could take longer than the items
    deliveries.emplace_back(ItemPublished{.node = 5, .natural_type = topic::Type::json, .payloads = {"1"}});
    network.post(deliveries);
    send_all(client, bytes_of(mqtt::Publish{.topic = "h/json/n", .payload = "2"}));
    EXPECT_EQ(receive(client, expected.size()), expected) << i;
    EXPECT_EQ(receive(other, pings.size()).size(), pings.size());
  }
}

TEST_F(NetworkTest, AClientThatIsClosedAndDoesNotReadIsNotKeptForEver) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket stalled(new_socket());
  ASSERT_EQ(connect_client(stalled), 0);
  let_in(stalled);
  Selection selection;
  selection.by_form[0] = mqtt::QoS::at_most_once;
  ItemPublished item{.node = 5, .payloads = {}};
  item.payloads[0] = std::string(30000000, 'x');
  std::vector<Delivery> deliveries;
  deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
  deliveries.emplace_back(AudienceChange{.node = 5, .session = session(), .selection = selection});
  deliveries.emplace_back(std::move(item));
  network.post(deliveries);

  const Socket newer(new_socket());
  ASSERT_EQ(connect_client(newer), 0);
  let_in(newer);
  // A byte that arrives where nobody keeps the socket any longer is answered by a reset.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience);
  while (send(stalled.fd(), "", 1, MSG_NOSIGNAL) == 1 && std::chrono::steady_clock::now() < deadline) {
    poll(nullptr, 0, 10);
  }
  EXPECT_EQ(send(stalled.fd(), "", 1, MSG_NOSIGNAL), -1);
}

// Neither read from, since it has too much under way, nor reading itself: only a write can find it gone.
TEST_F(NetworkTest, AClientThatIsGoneWhenSomethingIsSentIsLogged) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  std::vector<Delivery> deliveries;
  {
    const Socket client(new_socket());
    ASSERT_EQ(connect_client(client), 0);
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
    for (std::size_t i = 0; i < 2 * limits.max_pending_publishes; ++i) {
      mqtt::write(mqtt::Publish{.topic = "a/json/b"}, bytes);
    }
    send_all(client, bytes);
    const SessionId session = wait_for<OpenSession>().session;
    for (std::size_t i = 0; i < limits.max_pending_publishes; ++i) wait_for<PublishRequest>();
    Selection selection;
    selection.by_form[0] = mqtt::QoS::at_most_once;
    ItemPublished item{.node = 5, .payloads = {}};
    item.payloads[0] = std::string(30000000, 'x');
    deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
    deliveries.emplace_back(AudienceChange{.node = 5, .session = session, .selection = selection});
    deliveries.emplace_back(std::move(item));
    network.post(deliveries);
    EXPECT_EQ(receive(client, 1000).substr(0, 4), std::string("\x20\x02\x00\x00", 4));
    const linger at_once{1, 0};
    setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  const LogLine line = wait_for<LogLine>();
  EXPECT_EQ(line.level, LogLevel::debug);
  EXPECT_EQ(line.text.find("127.0.0.1:"), 0U) << line.text;
  EXPECT_NE(line.text.find("\"meter\": "), std::string::npos) << line.text;
}

// It has gone with bytes unread, so that what is sent to it fails. Its DISCONNECT waits behind its publishes.
TEST_F(NetworkTest, WhatAClientSentBeforeItWentIsCarriedOut) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const std::size_t publishes = limits.max_pending_publishes;
  SessionId session = 0;
  {
    const Socket client(new_socket());
    ASSERT_EQ(connect_client(client), 0);
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "meter",
                              .will = mqtt::Publish{.topic = "a/json/will", .payload = "1"}},
                bytes);
    for (std::size_t i = 0; i < publishes + 10; ++i) mqtt::write(mqtt::Publish{.topic = "a/json/b"}, bytes);
    mqtt::write(mqtt::Disconnect{}, bytes);
    send_all(client, bytes);
    session = wait_for<OpenSession>().session;
    for (std::size_t i = 0; i < publishes; ++i) wait_for<PublishRequest>();
    pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&waiting, 1, patience), 1);
  }
  Selection selection;
  selection.by_form[0] = mqtt::QoS::at_most_once;
  ItemPublished item{.node = 5, .payloads = {}};
  item.payloads[0] = "1";
  std::vector<Delivery> deliveries;
  deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
  deliveries.emplace_back(AudienceChange{.node = 5, .session = session, .selection = selection});
  deliveries.emplace_back(std::move(item));
  network.post(deliveries);
  wait_for<LogLine>([](const LogLine& line) {
    return line.text.find("reset") != std::string::npos || line.text.find("broken") != std::string::npos;
  });
  for (std::size_t i = 0; i < publishes; ++i)
    deliveries.emplace_back(PublishReply{.ticket = {.session = session, .bytes = 8}, .topic = {}});
  network.post(deliveries);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(wait_for<PublishRequest>().ticket.will);
  wait_for<CloseSession>();
}

// Answers that make it read on and one that closes it, while bytes are on their way to it.
TEST_F(NetworkTest, AConnectionMayBeToldToReadOnAndToCloseAtOnce) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  std::string bytes;
  mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
  const auto publishes = static_cast<mqtt::PacketIdentifier>(limits.max_pending_publishes);
  for (mqtt::PacketIdentifier id = 1; id <= publishes; ++id) {
    mqtt::write(mqtt::Publish{.topic = "a/json/b", .qos = mqtt::QoS::at_least_once, .packet_identifier = id},
                bytes);
  }
  send_all(client, bytes);
  const SessionId session = wait_for<OpenSession>().session;
  ConnectionId connection = 0;
  for (int i = 0; i < publishes; ++i) connection = wait_for<PublishRequest>().ticket.connection;

  Selection selection;
  selection.by_form[0] = mqtt::QoS::at_most_once;
  ItemPublished item{.node = 5, .payloads = {}};
  item.payloads[0] = std::string(30000000, 'x');
  std::vector<Delivery> deliveries;
  deliveries.emplace_back(NodeOpened{.node = 5, .host = "h", .name = "n"});
  deliveries.emplace_back(AudienceChange{.node = 5, .session = session, .selection = selection});
  deliveries.emplace_back(std::move(item));
  network.post(deliveries);
  EXPECT_EQ(receive(client, 4).substr(0, 4), std::string("\x20\x02\x00\x00", 4));
  for (mqtt::PacketIdentifier id = 1; id <= publishes; ++id) {
    deliveries.emplace_back(PublishReply{
        .ticket = {.session = session,
                   .connection = connection,
                   .packet_identifier = id,
                   .qos = mqtt::QoS::at_least_once,
                   .bytes = 8},
        .outcome = id == publishes ? PublishReply::Outcome::failed : PublishReply::Outcome::accepted,
        .topic = "a/json/b"});
  }
  network.post(deliveries);
  EXPECT_TRUE(ends(client));  // after what the goodbye has time for
}

TEST_F(NetworkTest, ClientsAreListed) {
  EXPECT_EQ(network.clients({}).sessions, 0U);
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  let_in(client);
  const auto clients = network.clients({.most = 10}).clients;
  ASSERT_EQ(clients.size(), 1U);
  EXPECT_EQ(clients[0].client_identifier, "meter");
  EXPECT_TRUE(clients[0].is_connected);
  EXPECT_TRUE(network.client(clients[0].session, 0));
  network.stop();
  EXPECT_EQ(network.clients({}).sessions, 0U);
  EXPECT_FALSE(network.client(clients[0].session, 0));
}

TEST_F(NetworkTest, ClientsAndConnectionsAreCounted) {
  EXPECT_EQ(network.metrics().arrivals.admitted, 0U);
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  let_in(client);
  Limits limits;
  limits.max_connections = 1;
  network.set_limits(limits);
  network.clients({});  // commands are carried out in order
  const Socket one_too_many(new_socket());
  ASSERT_EQ(connect_client(one_too_many), 0);
  EXPECT_TRUE(ends(one_too_many));
  const Metrics metrics = network.metrics();
  EXPECT_EQ(metrics.arrivals.admitted, 1U);
  EXPECT_EQ(metrics.arrivals.too_many, 1U);
  EXPECT_EQ(metrics.clients.of(Transport::tcp, mqtt::ProtocolLevel::mqtt_3_1_1), 1U);
  EXPECT_EQ(metrics.clients.of(Transport::tls, mqtt::ProtocolLevel::mqtt_3_1_1), 0U);
  EXPECT_EQ(metrics.sessions.present.connected, 1U);
  EXPECT_EQ(metrics.sessions.counters.sent_packets, 1U) << "CONNACK";
  EXPECT_EQ(metrics.sessions.counters.sent_bytes, 4U);
  network.stop();
  EXPECT_EQ(network.metrics().arrivals.admitted, 0U);
}

// What is only for a debugger's eyes wakes Prosody's thread once for all that come within a moment.
TEST_F(NetworkTest, DebugLinesGoTogether) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  constexpr std::size_t clients = 20;
  for (std::size_t i = 0; i < clients; ++i) {
    const Socket client(new_socket());
    ASSERT_EQ(connect_client(client), 0);
    let_in(client);
  }
  std::size_t batches = 0;
  std::size_t connected = 0;
  while (connected < clients) {
    pollfd waiting{.fd = network.requests_fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&waiting, 1, patience), 1);
    network.set_requests_fd(false);
    std::vector<LogLine> lines;
    network.take_log(lines);
    ++batches;
    for (const auto& line : lines) connected += line.text.find(": connected,") == std::string::npos ? 0 : 1;
  }
  EXPECT_LT(batches, clients);
}

TEST_F(NetworkTest, StopSaysGoodbyeToEverybody) {
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  const Socket silent(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  ASSERT_EQ(connect_client(silent), 0);
  let_in(client);
  network.stop();
  EXPECT_TRUE(ends(client));
  EXPECT_EQ(receive(silent, 1000).size(), 0U);
  network.stop();  // again is nothing
}

TEST_F(NetworkTest, ClientsOfMqtt5AreToldThatTheServerStops) {  // 0x8B (5.0, 3.14.2.1)
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  std::string bytes;
  mqtt::write(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5, .client_identifier = "meter"}, bytes);
  send_all(client, bytes);
  const std::string connack = receive(client, 2);
  receive(client, 2 + static_cast<std::size_t>(connack[1]) - connack.size());
  network.stop();
  const std::string goodbye = receive(client, 3);
  EXPECT_EQ(goodbye.substr(0, 1) + goodbye.substr(2, 1), "\xE0\x8B");
  EXPECT_TRUE(ends(client));
}

TEST_F(NetworkTest, ADelayedWillGoesAtItsTimeThoughNothingElseHappens) {  // [MQTT5-3.1.2-8]
  ASSERT_TRUE(network.listen(1, server.fd(), nullptr));
  std::string session_expiry;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::session_expiry_interval, .value = 60U},
               session_expiry);
  std::string delay;
  mqtt::append({.identifier = mqtt::PropertyIdentifier::will_delay_interval, .value = 1U}, delay);
  std::string bytes;
  mqtt::write(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                            .client_identifier = "meter",
                            .will = mqtt::Publish{.topic = "h/utf8/w", .properties = mqtt::Properties(delay)},
                            .properties = mqtt::Properties(session_expiry)},
              bytes);
  auto closed_at = std::chrono::steady_clock::now();
  {
    const Socket client(new_socket());
    ASSERT_EQ(connect_client(client), 0);
    send_all(client, bytes);
    wait_for_line("connected");
    closed_at = std::chrono::steady_clock::now();
  }
  EXPECT_TRUE(wait_for<PublishRequest>().ticket.will);
  // The loop's clock counts in milliseconds.
  EXPECT_GT(std::chrono::steady_clock::now() - closed_at, std::chrono::milliseconds(990));
}

TEST(NetworkBehindTest, WhoPostsFasterThanTheNetworkThreadTakesIsTold) {
  const auto post = [](Network& network) {
    std::vector<Delivery> deliveries(30000, CloseHost{.host = "h"});
    network.post(deliveries);
  };
  Network network({});
  EXPECT_FALSE(network.is_behind());
  post(network);
  EXPECT_TRUE(network.is_behind());
  ASSERT_TRUE(network.start());
  post(network);
  network.clients({});  // a command, which is carried out behind what was posted
  EXPECT_FALSE(network.is_behind());
}

class FullNetworkTest : public NetworkTest {
 protected:
  FullNetworkTest() : NetworkTest(one_connection_and_short_warnings()) {
    EXPECT_TRUE(network.listen(1, server.fd(), nullptr));
  }

  static Limits one_connection_and_short_warnings() {
    Limits limits;
    limits.max_connections = 1;
    limits.warning_interval = std::chrono::milliseconds(200);
    return limits;
  }

  static void say_hello(const Socket& client) {
    std::string bytes;
    mqtt::write(mqtt::Connect{.client_identifier = "meter"}, bytes);
    send_all(client, bytes);
  }
};

TEST_F(FullNetworkTest, RefusesConnectionsUntilOneHasGone) {
  {
    const Socket client(new_socket());
    ASSERT_EQ(connect_client(client), 0);
    say_hello(client);
    EXPECT_EQ(receive(client, 4).size(), 4U);
    const Socket refused(new_socket());
    ASSERT_EQ(connect_client(refused), 0);
    EXPECT_EQ(wait_for_line("refused"),
              "MQTT connections are refused: there are as many as mqtt_max_connections (1)");
    EXPECT_TRUE(ends(refused));
  }
  wait_for_line("closed by the client");
  const Socket later(new_socket());
  ASSERT_EQ(connect_client(later), 0);
  say_hello(later);
  EXPECT_EQ(receive(later, 4), std::string("\x20\x02\x00\x00", 4));
}

TEST_F(FullNetworkTest, SaysHowManyItRefused) {
  const Socket client(new_socket());
  ASSERT_EQ(connect_client(client), 0);
  for (int i = 0; i < 10; ++i) {
    const Socket refused(new_socket());
    ASSERT_EQ(connect_client(refused), 0);
    EXPECT_TRUE(ends(refused));
  }
  wait_for_line("were refused because of mqtt_max_connections");
}

}  // namespace
}  // namespace pubsub_mqtt::net
