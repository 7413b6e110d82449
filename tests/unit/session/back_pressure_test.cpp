// Publishers that wait for subscribers whose queues are full (docs/architecture.md, "Back-pressure").
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using std::chrono::seconds;
using Identifiers = std::vector<mqtt::PacketIdentifier>;

constexpr NodeId fed_node = 7;

// A client that counts what it gets, and acknowledges what it is told to.
class BusyPeer {
 public:
  BusyPeer(Server& server, std::string name, bool persistent = false)
      : server_(server), name_(std::move(name)), persistent_(persistent) {
    connect();
  }

  void connect() {
    client_ = std::make_unique<Client>(server_);
    persistent_ ? client_->connect_again(name_) : client_->connect(name_);
    unacknowledged.clear();
    reader_ = std::make_unique<mqtt::PacketReader>(1000000);
  }

  Client& client() { return *client_; }
  SessionId session() const { return client_->session(); }

  void subscribe(QoS qos = QoS::exactly_once) {
    AudienceChange change{.node = fed_node, .session = session(), .selection = {}};
    change.selection.natural = qos;
    server_.sessions.handle(change);
  }

  // Each message has the next packet identifier and a payload that no other message has.
  void publish(QoS qos = QoS::at_least_once, std::size_t size = 0, Time now = Time{0}) {
    std::string payload = name_ + std::to_string(++last_);
    payload.resize(std::max(size, payload.size()), 'x');
    client_->send(mqtt::Publish{.topic = "h/utf8/n",
                                .payload = payload,
                                .qos = qos,
                                .packet_identifier = qos == QoS::at_most_once
                                                         ? mqtt::PacketIdentifier{0}
                                                         : static_cast<mqtt::PacketIdentifier>(last_)},
                  now);
  }

  // Reads what the server has written, and acknowledges up to so many messages, the oldest first. Returns how many
  // it had received by then.
  std::size_t acknowledge(std::size_t most, Time now = Time{0}) {
    read();
    for (; most > 0 && !unacknowledged.empty(); --most) {
      const auto [qos, packet_identifier] = unacknowledged.front();
      unacknowledged.erase(unacknowledged.begin());
      if (qos == QoS::at_least_once) client_->send(mqtt::Puback{.packet_identifier = packet_identifier}, now);
      if (qos == QoS::exactly_once) {
        client_->send(mqtt::Pubrec{.packet_identifier = packet_identifier}, now);
        client_->send(mqtt::Pubcomp{.packet_identifier = packet_identifier}, now);
      }
      read();
    }
    return received.size();
  }

  void read() {
    const std::string bytes = client_->outbox.take();
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto packet = std::get<mqtt::Packet>(reader_->read(rest));
      if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        ++received[std::string(publish->payload)];
        if (publish->qos != QoS::at_most_once) {
          unacknowledged.emplace_back(publish->qos, publish->packet_identifier);
        }
      } else if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
        acknowledged.push_back(puback->packet_identifier);
      } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
        acknowledged.push_back(pubrec->packet_identifier);
      } else if (std::holds_alternative<mqtt::Pingresp>(packet)) {
        ++pingresps;
      }
    }
  }

  std::size_t acknowledgements() {
    read();
    return acknowledged.size();
  }

  std::map<std::string, int> received;                                 // payloads
  std::vector<std::pair<QoS, mqtt::PacketIdentifier>> unacknowledged;  // messages
  Identifiers acknowledged;                                            // of what it published
  int pingresps = 0;

 private:
  Server& server_;
  std::string name_;
  bool persistent_;
  int last_ = 0;
  std::unique_ptr<Client> client_;
  std::unique_ptr<mqtt::PacketReader> reader_;
};

class BackPressureTest : public ::testing::Test {
 protected:
  BackPressureTest() {
    server.limits.max_inflight = 2;
    server.limits.max_queued_messages_in_memory = 3;
    server.sessions.handle(NodeOpened{.node = fed_node, .host = "h", .name = "n"});
    subscriber.subscribe();
  }

  // Everything that the publisher sends from now on goes past pubsub.
  void open_way(BusyPeer& from) {
    from.publish(QoS::at_most_once);
    const auto request = server.requested<PublishRequest>().back();
    server.sessions.handle(
        PublishReply{.ticket = request.ticket, .topic = request.publication.topic, .route = route});
    server.requests.clear();
  }

  // What pubsub does with the oldest publish that it was asked for.
  void deliver(const PublishRequest& request) {
    ItemPublished item{.node = fed_node,
                       .natural_type = topic::Type::utf8,
                       .payloads = {},
                       .envelope = request.publication.envelope};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = request.publication.payload;
    server.sessions.handle(std::move(item));
  }
  void carry_out() {
    for (const auto& request : server.requested<PublishRequest>()) {
      deliver(request);
      server.answer(request);
    }
    server.requests.clear();
  }

  // Two are in flight, three are queued.
  void fill() {
    open_way(publisher);
    for (int i = 0; i < 5; ++i) publisher.publish();
    ASSERT_EQ(publisher.acknowledgements(), 5U);
  }

  std::size_t queued(BusyPeer& peer) {
    return server.sessions.find(peer.session())->record().outgoing.queued();
  }

  Server server;
  BusyPeer publisher{server, "publisher"};
  BusyPeer subscriber{server, "subscriber", true};
  std::shared_ptr<Route> route = std::make_shared<Route>(fed_node, 1000);
};

TEST_F(BackPressureTest, AcknowledgementsWaitUntilTheSubscriberHasRoom) {
  fill();
  for (int i = 0; i < 3; ++i) publisher.publish();
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  EXPECT_EQ(queued(subscriber), 6U);
  EXPECT_FALSE(server.logged("mqtt_max_queued_messages"));
  subscriber.acknowledge(2);
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  subscriber.acknowledge(1);
  EXPECT_EQ(publisher.acknowledgements(), 8U);
  EXPECT_EQ(publisher.acknowledged, (Identifiers{2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(subscriber.acknowledge(100), 8U);
}

TEST_F(BackPressureTest, AcknowledgementsWaitForWhatWentThroughPubsub) {
  for (int i = 0; i < 5; ++i) publisher.publish();
  carry_out();
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  for (int i = 0; i < 3; ++i) publisher.publish();
  carry_out();
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  subscriber.acknowledge(3);
  EXPECT_EQ(publisher.acknowledgements(), 8U);
  EXPECT_EQ(publisher.acknowledged, (Identifiers{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(subscriber.acknowledge(100), 8U);
}

TEST_F(BackPressureTest, RoomThatCameBeforePubsubsAnswerIsNotWaitedFor) {
  for (int i = 0; i < 6; ++i) publisher.publish();
  for (const auto& request : server.requested<PublishRequest>()) deliver(request);
  subscriber.acknowledge(1);
  for (const auto& request : server.requested<PublishRequest>()) server.answer(request);
  EXPECT_EQ(publisher.acknowledgements(), 6U);
}

TEST_F(BackPressureTest, PubrecWaitsAsPubackDoesAndInOneOrderEach) {
  fill();
  publisher.publish(QoS::exactly_once);
  publisher.publish(QoS::at_least_once);
  publisher.publish(QoS::exactly_once);
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  subscriber.acknowledge(100);
  EXPECT_EQ(publisher.acknowledgements(), 8U);
  EXPECT_EQ(publisher.acknowledged, (Identifiers{2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(BackPressureTest, BytesAreRoomToo) {
  server.limits.max_queued_messages_in_memory = 100;
  server.limits.max_queued_bytes_in_memory = 1000;
  open_way(publisher);
  for (int i = 0; i < 2; ++i) publisher.publish();
  for (int i = 0; i < 2; ++i) publisher.publish(QoS::at_least_once, 600);
  EXPECT_EQ(publisher.acknowledgements(), 3U);
  subscriber.acknowledge(1);
  EXPECT_EQ(publisher.acknowledgements(), 4U);
}

TEST_F(BackPressureTest, RoomInTheQueuesOfAllIsRoomToo) {
  server.limits.max_total_queued_bytes_in_memory = 0;
  open_way(publisher);
  for (int i = 0; i < 3; ++i) publisher.publish();
  EXPECT_EQ(publisher.acknowledgements(), 2U);
  subscriber.acknowledge(1);
  EXPECT_EQ(publisher.acknowledgements(), 3U);
  EXPECT_FALSE(server.logged("mqtt_max_total_queued_bytes"));
}

TEST_F(BackPressureTest, OthersDoNotWait) {
  BusyPeer elsewhere(server, "elsewhere");
  fill();
  publisher.publish();
  elsewhere.client().send(
      mqtt::Publish{.topic = "h/utf8/m", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 1});
  server.answer();
  EXPECT_EQ(elsewhere.acknowledgements(), 1U);
  EXPECT_EQ(publisher.acknowledgements(), 5U);
}

TEST_F(BackPressureTest, WhoWaitsIsReadUpToALimitAndPinged) {
  server.limits.max_pending_publishes = 4;
  fill();
  for (int i = 0; i < 3; ++i) publisher.publish();
  publisher.client().send(mqtt::Pingreq{});
  publisher.read();
  EXPECT_EQ(publisher.pingresps, 1);
  publisher.publish();
  publisher.client().send(mqtt::Pingreq{});
  publisher.read();
  EXPECT_EQ(publisher.pingresps, 1) << "it stands behind the fourth";
  const int resumed = publisher.client().outbox.resumed;
  subscriber.acknowledge(4);
  EXPECT_GT(publisher.client().outbox.resumed, resumed);
  publisher.client().read_on();
  EXPECT_EQ(publisher.acknowledgements(), 9U);
  EXPECT_EQ(publisher.pingresps, 2);
}

TEST_F(BackPressureTest, BytesOfWhatWaitsHaveALimitToo) {
  server.limits.max_pending_publish_bytes = 1000;
  fill();
  for (int i = 0; i < 2; ++i) publisher.publish(QoS::at_least_once, 600);
  publisher.client().send(mqtt::Pingreq{});
  publisher.read();
  EXPECT_EQ(publisher.pingresps, 0);
}

// It counts towards the fair shares, as what waits for pubsub does.
TEST_F(BackPressureTest, WhatWaitsInAllHasALimit) {
  server.limits.max_pending_bytes = 100;
  fill();
  publisher.publish(QoS::at_least_once, 120);
  publisher.client().send(mqtt::Pingreq{});
  publisher.read();
  EXPECT_EQ(publisher.pingresps, 1);
  publisher.publish();
  EXPECT_FALSE(publisher.client().unread.empty());
  Client modest(server);
  modest.connect("modest");
  modest.send(mqtt::Publish{.topic = "h/utf8/m", .payload = "1"});
  EXPECT_TRUE(modest.unread.empty());
  const int resumed = publisher.client().outbox.resumed;
  subscriber.acknowledge(2);
  EXPECT_GT(publisher.client().outbox.resumed, resumed);
  EXPECT_TRUE(server.sessions.takes_requests_again());
  publisher.client().read_on();
  EXPECT_TRUE(publisher.client().unread.empty());
}

TEST_F(BackPressureTest, WhatWaitedForASubscriberThatLeavesCountsNoMore) {
  server.limits.max_pending_bytes = 100;
  fill();
  publisher.publish(QoS::at_least_once, 120);
  subscriber.client().lose();
  EXPECT_TRUE(server.sessions.takes_requests_again());
}

TEST_F(BackPressureTest, WhatAPublisherThatLeavesWaitedForCountsNoMore) {
  server.limits.max_pending_bytes = 100;
  fill();
  publisher.publish(QoS::at_least_once, 120);
  publisher.client().lose();
  EXPECT_TRUE(server.sessions.takes_requests_again());
}

TEST_F(BackPressureTest, TheSilenceOfWhoIsNotReadIsOurs) {
  server.limits.max_pending_publishes = 1;
  fill();
  publisher.publish();
  ASSERT_FALSE(server.sessions.find(publisher.session())->takes_packets());
  publisher.client().connection->expire(seconds(1000));
  EXPECT_FALSE(publisher.client().outbox.closed);
}

TEST_F(BackPressureTest, WhoOwesAcknowledgementsIsReadOn) {
  server.limits.max_pending_publishes = 2;
  BusyPeer third(server, "third");
  open_way(third);
  fill();
  publisher.publish();
  publisher.publish();
  ASSERT_FALSE(server.sessions.find(publisher.session())->takes_packets());
  publisher.subscribe();
  // From somebody who does not wait.
  ItemPublished item{.node = fed_node, .natural_type = topic::Type::utf8, .payloads = {}};
  item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "item";
  server.sessions.handle(std::move(item));
  EXPECT_TRUE(server.sessions.find(publisher.session())->takes_packets());
  for (int i = 0; i < 3; ++i) publisher.publish();
  publisher.acknowledge(100);
  EXPECT_TRUE(publisher.unacknowledged.empty());
}

TEST_F(BackPressureTest, WhatCannotWaitIsDroppedBeyondTheLimits) {
  fill();
  ItemPublished item{.node = fed_node, .natural_type = topic::Type::utf8, .payloads = {}};
  item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "item of XMPP's";
  server.sessions.handle(std::move(item));
  EXPECT_EQ(queued(subscriber), 3U);
  EXPECT_TRUE(server.logged("mqtt_max_queued_messages"));
  // A will: its client has gone.
  item = {.node = fed_node,
          .natural_type = topic::Type::utf8,
          .payloads = {},
          .envelope = {.qos = QoS::at_least_once, .publisher = publisher.session() + 1000}};
  item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "will";
  server.sessions.handle(std::move(item));
  EXPECT_EQ(queued(subscriber), 3U);
  EXPECT_EQ(server.sessions.find(subscriber.session())->dropped(), 2U);
}

TEST_F(BackPressureTest, AClientDoesNotWaitForItself) {
  subscriber.client().outbox.take();
  open_way(subscriber);
  for (int i = 0; i < 10; ++i) subscriber.publish();
  EXPECT_EQ(subscriber.acknowledgements(), 10U);
  EXPECT_EQ(queued(subscriber), 3U);
}

TEST_F(BackPressureTest, TwoThatPublishToEachOtherBothGoOn) {
  publisher.subscribe();
  open_way(publisher);
  open_way(subscriber);
  for (int i = 0; i < 20; ++i) {
    publisher.publish();
    subscriber.publish();
  }
  for (int i = 0; i < 100; ++i) {
    publisher.acknowledge(1);
    subscriber.acknowledge(1);
  }
  EXPECT_EQ(publisher.acknowledgements(), 20U);
  EXPECT_EQ(subscriber.acknowledgements(), 20U);
  EXPECT_EQ(queued(publisher), 0U);
  EXPECT_EQ(queued(subscriber), 0U);
}

TEST_F(BackPressureTest, ManyToManyAllGoOn) {
  std::vector<std::unique_ptr<BusyPeer>> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(std::make_unique<BusyPeer>(server, "peer" + std::to_string(i)));
    peers.back()->subscribe();
    open_way(*peers.back());
  }
  subscriber.client().lose();
  for (int i = 0; i < 20; ++i) {
    for (auto& peer : peers) peer->publish();
  }
  for (int i = 0; i < 300; ++i) {
    for (auto& peer : peers) peer->acknowledge(1);
  }
  for (auto& peer : peers) {
    EXPECT_EQ(peer->acknowledgements(), 20U);
    EXPECT_EQ(queued(*peer), 0U);
  }
}

TEST_F(BackPressureTest, ManyPublishersWaitForOneAndLoseNothing) {
  std::vector<std::unique_ptr<BusyPeer>> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(std::make_unique<BusyPeer>(server, "peer" + std::to_string(i)));
    open_way(*peers.back());
  }
  for (int i = 0; i < 20; ++i) {
    for (auto& peer : peers) peer->publish();
  }
  EXPECT_EQ(subscriber.acknowledge(1000), 200U);
  for (auto& peer : peers) EXPECT_EQ(peer->acknowledgements(), 20U);
}

TEST_F(BackPressureTest, ASubscriberThatGoesIsNotWaitedForAndItsQueueHasItsLimits) {
  fill();
  publisher.publish();
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  subscriber.client().lose();
  EXPECT_EQ(publisher.acknowledgements(), 6U);
  EXPECT_EQ(queued(subscriber), 4U) << "what was acknowledged stays";
  publisher.publish();
  EXPECT_EQ(publisher.acknowledgements(), 7U);
  EXPECT_EQ(queued(subscriber), 4U);
  subscriber.connect();
  EXPECT_EQ(subscriber.acknowledge(100), 6U);
}

TEST_F(BackPressureTest, ATakeoverIsAnEndOfTheWaitToo) {
  fill();
  publisher.publish();
  Client newer(server);
  newer.connect_again("subscriber");
  EXPECT_EQ(publisher.acknowledgements(), 6U);
  EXPECT_EQ(queued(subscriber), 4U);
}

TEST_F(BackPressureTest, ADeletedAccountIsAnEndOfTheWait) {
  Client client(server);
  client.send(mqtt::Connect{.client_identifier = "b", .user_name = "b"});
  server.sessions.handle(
      LoginReply{.connection = client.id, .reason = mqtt::Reason::success, .account = "b@h"});
  client.note_session();
  AudienceChange change{.node = fed_node, .session = client.session(), .selection = {}};
  change.selection.natural = QoS::at_least_once;
  server.sessions.handle(change);
  open_way(publisher);
  for (int i = 0; i < 8; ++i) {
    publisher.publish();
    subscriber.acknowledge(100);
  }
  EXPECT_EQ(publisher.acknowledgements(), 5U);
  server.sessions.handle(CloseAccount{.account = "b@h", .was_deleted = true});
  EXPECT_EQ(publisher.acknowledgements(), 8U);
  EXPECT_EQ(server.sessions.find(client.session()), nullptr);
}

TEST_F(BackPressureTest, APublisherThatComesBackIsNotHeldByItsOldWait) {
  fill();
  publisher.publish();
  publisher.client().lose();
  publisher.connect();
  publisher.client().send(
      mqtt::Publish{.topic = "h/utf8/m", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 99});
  server.answer();
  EXPECT_EQ(publisher.acknowledgements(), 6U);
  subscriber.acknowledge(100);
  EXPECT_EQ(publisher.acknowledgements(), 6U);
}

TEST_F(BackPressureTest, WhoStopsAcknowledgingIsWaitedForTenSeconds) {
  fill();
  publisher.publish();
  Connection& connection = *publisher.client().connection;
  ASSERT_TRUE(connection.deadline().has_value());
  EXPECT_GT(publisher.client().outbox.resumed, 0) << "so that the deadline is seen, whatever led to it";
  Time now = seconds(100);
  connection.expire(now);
  while (publisher.acknowledgements() == 5 && now < seconds(200)) {
    ASSERT_LE(connection.deadline().value(), now + seconds(1));
    now = connection.deadline().value();
    connection.expire(now);
  }
  EXPECT_EQ(publisher.acknowledgements(), 6U);
  EXPECT_GT(now, seconds(110));
  EXPECT_LE(now, seconds(112));
  EXPECT_EQ(connection.deadline(), std::nullopt);
  // From now on it costs only itself.
  publisher.publish(QoS::at_least_once, 0, now);
  EXPECT_EQ(publisher.acknowledgements(), 7U);
  EXPECT_EQ(queued(subscriber), 4U);
  EXPECT_TRUE(server.logged("mqtt_max_queued_messages"));
}

TEST_F(BackPressureTest, AnAcknowledgementEachNineSecondsDoesNotSlowDownForEver) {
  fill();
  Time now = seconds(100);
  Time longest{0};
  for (int i = 0; i < 10; ++i) {
    const std::size_t before = publisher.acknowledgements();
    publisher.publish(QoS::at_least_once, 0, now);
    const Time since = now;
    while (publisher.acknowledgements() == before && now - since < seconds(100)) {
      now += seconds(1);
      publisher.client().connection->expire(now);
      if ((now / seconds(1)) % 9 == 0) subscriber.acknowledge(1, now);
    }
    longest = std::max(longest, now - since);
    if (i > 1) {
      EXPECT_EQ(now, since);
    }
  }
  EXPECT_LE(longest, seconds(12));
}

// At QoS 0: 1,000 bytes are half of what may wait for a subscriber.
class PauseTest : public BackPressureTest {
 protected:
  PauseTest() {
    server.limits.max_outbound_bytes = 2000;
    open_way(publisher);
  }

  // The network has not taken so many bytes yet.
  void crowd(std::size_t bytes) { subscriber.client().outbox.stalled = bytes; }
  void publish_at(Time now) { publisher.publish(QoS::at_most_once, 100, now); }
  std::size_t unread() { return publisher.client().unread.size(); }
};

TEST_F(PauseTest, APublisherIsNotReadWhileItsSubscriberHasMuchToRead) {
  crowd(800);
  publish_at(seconds(10));
  publish_at(seconds(10));
  EXPECT_EQ(unread(), 0U);
  crowd(950);
  publish_at(seconds(10));
  publish_at(seconds(10));
  EXPECT_GT(unread(), 0U);
  EXPECT_EQ(publisher.client().connection->deadline(), Time(10100));
  crowd(900);
  subscriber.client().connection->drained();
  EXPECT_EQ(publisher.client().outbox.resumed, 1);
  publisher.client().read_on(seconds(10));
  EXPECT_EQ(unread(), 0U);
  EXPECT_EQ(subscriber.acknowledge(0), 4U);
}

TEST_F(PauseTest, IsOverAfterATenthOfASecondAndThenMessagesAreDropped) {
  crowd(1950);
  publish_at(Time(10000));
  publish_at(Time(10000));
  publisher.client().connection->expire(Time(10099));
  EXPECT_EQ(publisher.client().outbox.resumed, 0);
  publisher.client().connection->expire(Time(10100));
  EXPECT_EQ(publisher.client().outbox.resumed, 1);
  EXPECT_EQ(publisher.client().connection->deadline(), std::nullopt) << "the moment does not stay due";
  publisher.client().read_on(Time(10100));
  EXPECT_EQ(unread(), 0U);
  EXPECT_EQ(subscriber.acknowledge(0), 1U);
  EXPECT_TRUE(server.logged("mqtt_max_outbound_bytes"));
}

TEST_F(PauseTest, WhatWasOnItsWayThroughPubsubStillArrives) {
  route->withdraw();
  for (int i = 0; i < 10; ++i) publish_at(seconds(10));
  ASSERT_EQ(server.requested<PublishRequest>().size(), 10U);
  crowd(1950);
  carry_out();
  EXPECT_EQ(subscriber.acknowledge(0), 10U);
}

// Ten messages of several publishers, where the subscriber has more than twice the limit before it.
TEST_F(PauseTest, WhatManyPublishersHadOnTheirWayArrivesWithinABudgetOfAll) {
  server.limits.max_pending_bytes = 5000;
  crowd(1950);
  publish_at(Time(10000));  // the first one that waits
  BusyPeer another(server, "another");
  for (int i = 0; i < 10; ++i) another.publish(QoS::at_most_once, 100, Time(10000));
  crowd(4001);
  carry_out();
  EXPECT_EQ(subscriber.acknowledge(0), 11U);
  BusyPeer third(server, "third");
  for (int i = 0; i < 10; ++i) third.publish(QoS::at_most_once, 100, Time(10000));
  crowd(5001);
  carry_out();
  EXPECT_EQ(subscriber.acknowledge(0), 12U) << "until it is seen";
}

TEST_F(PauseTest, IsForOnesOwnSubscribersOnly) {
  BusyPeer elsewhere(server, "elsewhere");
  crowd(1500);
  publish_at(seconds(10));
  publish_at(seconds(10));
  ASSERT_GT(unread(), 0U);
  elsewhere.client().send(mqtt::Publish{.topic = "h/utf8/m", .payload = "1"}, seconds(10));
  EXPECT_TRUE(elsewhere.client().unread.empty());
}

TEST_F(PauseTest, EndsWithTheSubscribersConnection) {
  crowd(1500);
  publish_at(seconds(10));
  publish_at(seconds(10));
  ASSERT_GT(unread(), 0U);
  subscriber.client().lose();
  EXPECT_EQ(publisher.client().outbox.resumed, 1);
  publisher.client().read_on(seconds(10));
  EXPECT_EQ(unread(), 0U);
}

}  // namespace
}  // namespace pubsub_mqtt::session
