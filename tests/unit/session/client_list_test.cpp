// Sessions as the administrator sees them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "pubsub_mqtt/session/client_view.h"

namespace pubsub_mqtt::session {
namespace {

using std::chrono::seconds;

ClientView view_of(const Server& server, const std::string& identifier) {
  const auto page = server.sessions.clients({.most = 1, .identifier = identifier});
  EXPECT_EQ(page.clients.size(), 1U) << identifier;
  return page.clients.empty() ? ClientView{} : page.clients[0];
}

TEST(ClientList, ManySessionsAreLookedAtAPageAtATime) {
  Server server;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 2500; ++i) {
    clients.push_back(std::make_unique<Client>(server));
    const std::string identifier = "meter-" + std::to_string(i);
    const std::string connect = bytes_of(mqtt::Connect{.client_identifier = identifier});
    std::string_view bytes = connect;
    clients.back()->connection->receive(bytes, Time{0});
  }
  std::size_t sessions = 0;
  std::size_t views = 0;
  std::size_t pages = 0;
  ClientQuery query{.most = 10};
  do {
    const auto page = server.sessions.clients(query);
    sessions += page.sessions;
    EXPECT_EQ(page.connected, page.sessions);
    EXPECT_LE(page.clients.size(), 10U);
    views += page.clients.size();
    query.from = page.next;
    ++pages;
  } while (query.from != 0);
  EXPECT_EQ(sessions, 2500U);
  EXPECT_EQ(views, 30U);
  EXPECT_EQ(pages, 3U);
  const auto found = server.sessions.clients({.from = 2000, .most = 10, .number = 2001});
  ASSERT_EQ(found.clients.size(), 1U);
  EXPECT_EQ(found.clients[0].client_identifier, "meter-2000");
}

TEST(ClientList, ANumberIsOfOneSessionOnly) {
  Server server;
  Client one(server);
  one.connect("one");
  EXPECT_EQ(view_of(server, "one").number, 1U);
  one.lose();
  Client other(server);
  other.connect("other");
  EXPECT_EQ(view_of(server, "other").number, 2U) << "though the place is the same";
}

TEST(ClientList, SaysSinceWhenAClientIsConnectedOrAway) {
  Server server;
  server.limits.anonymous = Anonymous::from_everywhere;
  Client client(server, elsewhere(true));
  const std::string expiry =
      encoded({{mqtt::PropertyIdentifier::session_expiry_interval, std::uint32_t{3600}}});
  client.send(mqtt::Connect{.level = mqtt::ProtocolLevel::mqtt_5,
                            .client_identifier = "meter",
                            .properties = mqtt::Properties(expiry)},
              seconds(10));
  server.sessions.look(seconds(15));
  auto view = view_of(server, "meter");
  EXPECT_TRUE(view.is_connected);
  EXPECT_EQ(view.since, seconds(5));
  EXPECT_EQ(view.level, mqtt::ProtocolLevel::mqtt_5);
  EXPECT_EQ(view.transport, Transport::tls);
  EXPECT_EQ(view.address, "192.0.2.1:5000");
  EXPECT_EQ(server.sessions.clients({.is_away = true}).sessions, 0U);
  server.sessions.look(seconds(20));
  client.lose();
  server.sessions.look(seconds(50));
  view = view_of(server, "meter");
  EXPECT_FALSE(view.is_connected);
  EXPECT_EQ(view.since, seconds(30));
  EXPECT_EQ(server.sessions.clients({.is_away = true}).sessions, 1U);
}

TEST(ClientList, ATextIsLookedForInIdentifierAccountAndAddress) {
  Server server;
  Client client(server);
  client.connect("meter");
  for (const char* text : {"", "ete", "127.0", ":5000"}) {
    EXPECT_EQ(server.sessions.clients({.text = text}).sessions, 1U) << text;
  }
  EXPECT_EQ(server.sessions.clients({.text = "lamp"}).sessions, 0U);
}

TEST(ClientList, OneInFullHasItsWillAndItsFirstFilters) {
  Server server;
  Client client(server);
  client.send(mqtt::Connect{
      .client_identifier = "meter",
      .will = mqtt::Publish{.topic = "h/utf8/\x07", .payload = "gone", .qos = mqtt::QoS::at_least_once}});
  for (const char* filter : {"h/utf8/a", "h/utf8/b", "h/utf8/c"}) {
    client.send(mqtt::Subscribe{.packet_identifier = 1, .subscriptions = {{.topic_filter = filter}}});
    server.answer(server.requested<SubscribeRequest>().back());
  }
  client.outbox.stalled = 7;
  const auto details = server.sessions.client(client.session(), 2);
  ASSERT_TRUE(details);
  EXPECT_EQ(details->expiry.count(), 0U);
  EXPECT_FALSE(details->is_stored);
  EXPECT_EQ(details->waiting_bytes, 7U);
  EXPECT_EQ(details->receive_maximum, 0U) << "of MQTT 5.0 only";
  ASSERT_TRUE(details->will);
  EXPECT_EQ(details->will->topic, "h/utf8/\\x07");
  EXPECT_EQ(details->will->bytes, 4U);
  EXPECT_EQ(details->filters, 3U);
  ASSERT_EQ(details->first_filters.size(), 2U);
  EXPECT_EQ(details->first_filters[0].named, "h/utf8/a");
  client.lose();
  EXPECT_FALSE(server.sessions.client(client.session(), 2));
}

TEST(ClientList, ASessionIsEndedWithItsWillAndItsConnection) {
  Server server;
  Client client(server);
  client.send(mqtt::Connect{.clean_session = false,
                            .client_identifier = "meter",
                            .will = mqtt::Publish{.topic = "h/utf8/will", .payload = "gone"}});
  server.sessions.handle(CloseConnection{.session = client.session()});
  EXPECT_EQ(server.sessions.size(), 1U);
  client.lose();
  Client again(server);
  again.connect_again("meter");
  server.sessions.handle(EndSession{.session = again.session()});
  EXPECT_TRUE(again.outbox.closed);
  EXPECT_EQ(server.sessions.size(), 0U);
  EXPECT_EQ(server.requested<PublishRequest>().size(), 1U);
  EXPECT_TRUE(server.logged("its session ends, deleted by the administrator"));
  server.sessions.handle(EndSession{.session = again.session()});  // it is over
}

}  // namespace
}  // namespace pubsub_mqtt::session
