// Items of nodes that persist: what goes past pubsub goes into the store, with what else is of the turn.
#include <gmock/gmock.h>

#include <new>

#include "../base/failing_allocation.h"
#include "durable_fixture.h"

namespace pubsub_mqtt::session {
namespace {

using tests::FailIn;
using tests::FailingAllocation;

class StoredItemsTest : public DurableTest {
 protected:
  StoredItemsTest() {
    number =
        items().find_or_make_store({.host = "h", .kind = store::StoreKind::archive, .name = "n", .user = {}});
    items().append(number, "first", 1, std::nullopt, "<a/>");
    items().truncate(number, 20);
    route = std::make_shared<Route>(node, 1000, number);
    process->listen(subscriber, QoS::at_least_once);
    publisher.send(mqtt::Publish{.topic = topic, .payload = "0"});
    answer(route);
    process->commit_and_tell();
  }

  // Pubsub's to the last publish.
  void answer(std::shared_ptr<const Route> way, bool awaits_commit = false) {
    server().sessions.handle(PublishReply{.ticket = server().requested<PublishRequest>().back().ticket,
                                          .topic = std::string(topic),
                                          .awaits_commit = awaits_commit,
                                          .route = std::move(way)});
  }
  void publish(QoS qos, std::string_view payload = "1") {
    publisher.send(mqtt::Publish{.topic = topic, .payload = payload, .qos = qos, .packet_identifier = 5});
  }
  store::Items& items() { return process->items; }
  std::vector<std::string> values() {
    std::vector<std::string> values;
    for (const auto& item : items().find(number, {}, 100)) values.push_back(item->value);
    return values;
  }
  static std::string stored_value(const std::string& payload) {
    return "<data xmlns='https://prosody.im/protocol/mqtt'>" + payload + "</data>";
  }
  std::size_t asked() { return server().requested<PublishRequest>().size(); }

  struct SentWithout {
    bool has_failed;  // there is such an allocation
    bool is_closed;   // the connection is to be closed
  };
  // The client sends it, and the n-th allocation of what that does fails.
  static SentWithout send_without(std::size_t n, Client& client, const mqtt::Publish& publish) {
    const std::string bytes = bytes_of(publish);
    std::string_view left = bytes;
    bool is_closed = false;
    const FailingAllocation failing(n, FailIn::this_thread);
    try {
      client.connection->receive(left, Time(0));
    } catch (const std::bad_alloc&) {
      is_closed = true;
    }
    return {.has_failed = failing.has_failed(), .is_closed = is_closed};
  }

  static Client& connected(Client& client, bool with_session, std::string_view identifier) {
    if (with_session) {
      client.connect_again(identifier);
    } else {
      client.connect(identifier);
    }
    client.outbox.take();
    return client;
  }

  Client publisher_{server()};
  Client subscriber_{server()};
  Client& publisher = connected(publisher_, true, "p");
  Client& subscriber = connected(subscriber_, false, "s");
  store::RowNumber number = 0;
  std::shared_ptr<Route> route;
};

TEST_F(StoredItemsTest, AreSeenAtOnceAndAcknowledgedWhenCommitted) {
  publish(QoS::at_least_once);
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(subscriber.outbox.take(), publish_bytes("1", QoS::at_least_once, 1));
  EXPECT_EQ(values().at(1), "<data xmlns='https://prosody.im/protocol/mqtt'>1</data>");
  EXPECT_EQ(publisher.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{5}));
}

TEST_F(StoredItemsTest, AreWrittenAtQos0AsWell) {
  publish(QoS::at_most_once);
  process->commit();
  EXPECT_EQ(values().size(), 2U);
  EXPECT_EQ(publisher.outbox.take(), "");
}

// The host does not show who publishes.
TEST_F(StoredItemsTest, AreAtomEntriesWithAnAuthorWhereTheirTitleWasPublished) {
  const std::string title = "h/atom_title/n";
  publisher.send(mqtt::Publish{.topic = title, .payload = "0"});
  server().sessions.handle(PublishReply{
      .ticket = server().requested<PublishRequest>().back().ticket, .topic = title, .route = route});
  const auto asked_before = asked();
  publisher.send(mqtt::Publish{.topic = title, .payload = "a title"});
  EXPECT_EQ(asked(), asked_before);
  const std::string value = values().at(1);
  EXPECT_TRUE(value.starts_with("<entry xmlns='http://www.w3.org/2005/Atom'><title>a title</title>"))
      << value;
  EXPECT_TRUE(value.ends_with("<author><name>anonymous</name></author></entry>")) << value;
}

// In one unit: nobody finds the item and takes the client's next attempt for another message.
TEST_F(StoredItemsTest, AtQos2AreCommittedWithThePacketIdentifier) {
  publish(QoS::exactly_once);
  EXPECT_EQ(publisher.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubrec{5}));
  EXPECT_EQ(stored().received.size(), 1U);
  EXPECT_EQ(values().size(), 2U);
}

TEST_F(StoredItemsTest, GoThroughPubsubWhenTheRouteIsWithdrawnOrLeadsNowhere) {
  route->withdraw();
  publish(QoS::at_most_once);
  EXPECT_EQ(asked(), 2U);
  answer(std::make_shared<Route>(node, 1000, number));
  items().drop_store({.host = "h", .kind = store::StoreKind::archive, .name = "n", .user = {}});
  publish(QoS::at_most_once);
  EXPECT_EQ(asked(), 3U);
  EXPECT_EQ(subscriber.outbox.take(), "") << "pubsub sends it";
}

// What pubsub has stored, too.
TEST_F(StoredItemsTest, OfPubsubsAreAcknowledgedWhenCommitted) {
  route->withdraw();
  publish(QoS::at_least_once);
  items().append(number, "by pubsub", 1, std::nullopt, "<a/>");
  answer(nullptr, true);
  EXPECT_EQ(publisher.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{5}));
}

// It may be there, from before a crash: pubsub's side finds out.
TEST_F(StoredItemsTest, ThatAreSentAgainAtQos2GoThroughPubsub) {
  const mqtt::Publish again{
      .topic = topic, .payload = "1", .qos = QoS::exactly_once, .dup = true, .packet_identifier = 5};
  publisher.send(again);
  process->commit_and_tell();
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(values().size(), 1U);
}

// With what else is of the turn.
TEST_F(StoredItemsTest, AreStoredWhereMemoryRunsOutAtTheEndOfTheTurn) {
  constexpr std::size_t most_items = 15;
  bool failed = true;
  std::size_t n = 0;
  while (failed && n < most_items) {
    ++n;
    publisher.send(mqtt::Publish{.topic = topic,
                                 .payload = "1",
                                 .qos = QoS::exactly_once,
                                 .packet_identifier = static_cast<mqtt::PacketIdentifier>(n)});
    {
      FailingAllocation failing(n, FailIn::this_thread);
      try {
        server().sessions.post_changes();
      } catch (const std::bad_alloc&) {
      }
      failed = failing.has_failed();
    }
    process->commit_and_tell();
  }
  EXPECT_GT(n, 1U);
  EXPECT_LT(n, most_items);
  EXPECT_EQ(values().size(), 1U + n);
  EXPECT_EQ(stored().received.size(), n);
}

TEST_F(StoredItemsTest, AreNotAcknowledgedWhereASessionHasNotGotThemForLackOfMemory) {
  constexpr std::size_t most_allocations = 200;
  std::vector<std::string> acknowledged;
  bool failed = true;
  std::size_t n = 0;
  while (failed && ++n < most_allocations) {
    Client away(server());
    connected(away, true, "one that is away " + std::to_string(n));
    process->listen(away, QoS::at_least_once);
    away.lose();
    Client sender(server());
    sender.connect("sender");
    sender.send(mqtt::Publish{.topic = topic, .payload = "0"});
    answer(route);
    const auto payload = std::to_string(n);
    const auto [has_failed, is_closed] = send_without(
        n, sender, {.topic = topic, .payload = payload, .qos = QoS::at_least_once, .packet_identifier = 5});
    failed = has_failed;
    if (is_closed) sender.lose();
    process->commit_and_tell();
    const bool is_acknowledged = !sender.outbox.take().empty();
    EXPECT_NE(is_acknowledged, is_closed) << n;
    if (is_acknowledged) acknowledged.push_back(payload);
    server().sessions.handle(AudienceChange{.node = node, .session = away.session(), .selection = {}});
  }
  EXPECT_GT(n, 10U);
  EXPECT_LT(n, most_allocations);
  EXPECT_FALSE(acknowledged.empty());
  process->store.stop(std::chrono::seconds(20));
  EXPECT_THAT(stored_payloads(), testing::IsSupersetOf(acknowledged));
}

// It was for its publisher, too, whose session lost its connection on the way.
TEST_F(StoredItemsTest, AreStoredOnceWhenTheyAreSentAgainWhereThePublisherHasNotGotThemForLackOfMemory) {
  constexpr std::size_t most_allocations = 200;
  bool failed = true;
  std::size_t n = 0;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    Client own(server());
    connected(own, true, "own " + std::to_string(n));
    process->listen(own, QoS::exactly_once);
    own.send(mqtt::Publish{.topic = topic, .payload = "0"});
    answer(route);
    const std::string payload = std::to_string(n);
    mqtt::Publish sent{.topic = topic, .payload = payload, .qos = QoS::exactly_once, .packet_identifier = 5};
    const auto [has_failed, is_closed] = send_without(n, own, sent);
    failed = has_failed;
    if (!is_closed && !own.outbox.closed) continue;
    own.lose();
    process->commit_and_tell();
    const auto stored = values();
    const bool is_stored = !stored.empty() && stored.back() == stored_value(payload);
    const auto before = asked();
    Client again(server());
    again.connect_again("own " + std::to_string(n));
    sent.dup = true;
    again.send(sent);
    process->commit_and_tell();
    const bool is_published = asked() > before;
    const bool is_acknowledged = again.outbox.take().find(bytes_of(mqtt::Pubrec{5})) != std::string::npos;
    EXPECT_TRUE(is_published || is_acknowledged);
    if (is_published) {
      const auto intent = server().requested<PublishRequest>().back().intent;
      EXPECT_EQ(intent->is_again && intent->is_published, is_stored);
      answer(nullptr);
    }
    server().sessions.handle(AudienceChange{.node = node, .session = again.session(), .selection = {}});
  }
  EXPECT_GT(n, 10U);
  EXPECT_LT(n, most_allocations);
}

// As XMPP's streams cannot carry it: pubsub's side makes something else of it.
TEST_F(StoredItemsTest, ThatWouldBeTooLargeGoThroughPubsub) {
  server().limits.max_item_size = 600;
  publish(QoS::at_most_once, std::string(200, 'a'));
  EXPECT_EQ(asked(), 2U);
}

// mqtt_durability = "memory" is about sessions.
TEST_F(StoredItemsTest, AreStoredWhereSessionsAreNot) {
  Server other;
  other.requests.reserve(100);
  other.sessions.keep(process->store, items(), std::nullopt, Time(1000));
  Client client(other);
  client.send(mqtt::Connect{.clean_session = false,
                            .client_identifier = "p",
                            .will = mqtt::Publish{.topic = topic, .payload = "gone"}});
  client.send(mqtt::Publish{.topic = topic, .payload = "0"});
  PublishReply reply{.ticket = other.requested<PublishRequest>().back().ticket, .topic = std::string(topic)};
  reply.route = route;
  other.sessions.handle(std::move(reply));
  client.outbox.take();
  client.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
  EXPECT_EQ(client.outbox.take(), "");
  other.sessions.post_changes();
  items().committed();  // waits for the commit
  other.sessions.keep_promises();
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Puback{5}));
  const auto contents = stored();
  EXPECT_EQ(contents.sessions.size(), 1U) << "the publisher of the other tests alone";
  EXPECT_TRUE(contents.clean_wills.empty());
}

}  // namespace
}  // namespace pubsub_mqtt::session
