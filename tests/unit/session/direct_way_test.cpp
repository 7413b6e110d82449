// Publishes that go from publisher to subscriber without pubsub (docs/architecture.md, "The direct way").
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "client.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using topic::Type;

constexpr NodeId node = 7;
constexpr std::size_t max_payload_size = 100;

class DirectWayTest : public ::testing::Test {
 protected:
  DirectWayTest() {
    publisher.connect("publisher");
    publisher_session = publisher.session();
    subscriber.connect("subscriber");
    server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
    receive_by_name(Type::json, QoS::at_least_once);
  }

  void receive_by_name(Type type, QoS qos = QoS::at_most_once) {
    selection.by_form[static_cast<std::size_t>(type)] = qos;
    server.sessions.handle(
        AudienceChange{.node = node, .session = subscriber.session(), .selection = selection});
  }

  static mqtt::Publish message(std::string_view payload, QoS qos = QoS::at_most_once,
                               mqtt::PacketIdentifier packet_identifier = 0) {
    return {.topic = "h/json/n", .payload = payload, .qos = qos, .packet_identifier = packet_identifier};
  }

  // Pubsub's answer to the oldest publish that has none, with or without a way for the next ones.
  void answer(bool with_route = true) {
    const PublishRequest request = server.requested<PublishRequest>().at(answered++);
    PublishReply reply{.ticket = request.ticket, .topic = request.publication.topic};
    if (with_route) reply.route = route;
    server.sessions.handle(std::move(reply));
  }

  // The way is open, and nothing waits.
  void open_way(const std::string& topic = "h/json/n") {
    publisher.send(mqtt::Publish{.topic = topic, .payload = "0"});
    answer();
  }

  std::size_t asked() const { return server.requested<PublishRequest>().size(); }

  std::string received() {
    std::string bytes = subscriber.outbox.take();
    std::string payloads;
    std::string_view rest = bytes;
    mqtt::PacketReader reader(1000);
    while (!rest.empty()) {
      const auto packet = std::get<mqtt::Packet>(reader.read(rest));
      const auto& publish = std::get<mqtt::Publish>(packet);
      payloads += std::string(publish.topic) + '=' + std::string(publish.payload) + '/' +
                  std::to_string(static_cast<int>(publish.qos)) + ' ';
    }
    return payloads;
  }

  Server server;
  Client publisher{server};
  Client subscriber{server};
  SessionId publisher_session = 0;
  Selection selection;
  std::shared_ptr<Route> route = std::make_shared<Route>(node, max_payload_size);
  std::size_t answered = 0;
};

TEST_F(DirectWayTest, IsTakenAsSoonAsAnAnswerOpensIt) {
  publisher.send(message("0"));
  EXPECT_EQ(received(), "");
  answer();
  publisher.send(message("1"));
  publisher.send(message("2"));
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(received(), "h/json/n=1/0 h/json/n=2/0 ");
}

TEST_F(DirectWayTest, IsNotTakenOnceItIsWithdrawn) {
  open_way();
  route->withdraw();
  publisher.send(message("1"));
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(received(), "");
}

TEST_F(DirectWayTest, IsForTheTopicAndTheSessionThatItWasGivenTo) {
  open_way();
  publisher.send(mqtt::Publish{.topic = "h/utf8/n", .payload = "1"});
  Client other(server);
  other.connect("other");
  other.send(message("1"));
  EXPECT_EQ(asked(), 3U);
}

TEST_F(DirectWayTest, IsNotForRetainedMessages) {
  open_way();
  publisher.send(mqtt::Publish{.topic = "h/json/n", .payload = "1", .retain = true});
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, IsNotForLargePayloads) {
  open_way();
  publisher.send(message(std::string(max_payload_size, '1')));
  EXPECT_EQ(asked(), 1U);
  publisher.send(message(std::string(max_payload_size + 1, '1')));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, IsNotForPropertiesThatTheHubRefuses) {
  Client modern(server);
  modern.level = mqtt::ProtocolLevel::mqtt_5;
  modern.connect("modern");
  modern.send(message("0"));
  answer();
  const auto property = encoded({{.value = mqtt::UserProperty{.name = "n", .value = std::string_view()}}});
  std::string properties;
  while (properties.size() <= max_properties_size) properties += property;
  mqtt::Publish large = message("1");
  large.properties = mqtt::Properties(properties);
  modern.send(message("1"));
  EXPECT_EQ(asked(), 1U);
  modern.send(large);
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, EndsWithTheConnection) {
  Client device(server);
  device.connect_again("device");
  device.send(message("0"));
  answer();
  device.send(message("1"));
  EXPECT_EQ(asked(), 1U);
  device.lose();
  Client again(server);
  again.connect_again("device");
  again.send(message("2"));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, WithoutAnAudienceAMessageIsAcknowledgedAndGone) {
  server.sessions.handle(NodeClosed{.node = node});
  open_way();
  publisher.outbox.take();
  publisher.send(message("1", QoS::at_least_once, 5));
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{.packet_identifier = 5}));
}

TEST_F(DirectWayTest, QosOneIsAcknowledgedAtOnce) {  // [MQTT-4.3.2-2]
  open_way();
  publisher.send(message("1", QoS::at_least_once, 5));
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{.packet_identifier = 5}));
  EXPECT_EQ(received(), "h/json/n=1/1 ");
}

TEST_F(DirectWayTest, QosTwoIsPublishedOnce) {  // [MQTT-4.3.3-2]
  open_way();
  for (int i = 0; i < 2; ++i) {
    publisher.send(message("1", QoS::exactly_once, 5));
    EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubrec{.packet_identifier = 5}));
  }
  EXPECT_EQ(received(), "h/json/n=1/1 ");
  publisher.send(mqtt::Pubrel{.packet_identifier = 5});
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubcomp{.packet_identifier = 5}));
  publisher.send(message("2", QoS::exactly_once, 5));
  EXPECT_EQ(received(), "h/json/n=2/1 ");
  EXPECT_EQ(asked(), 1U);
}

// Otherwise it would overtake them.
TEST_F(DirectWayTest, IsTakenOnlyWhenAllThatPubsubWasAskedForTheNodeIsAnswered) {
  publisher.send(message("0"));
  publisher.send(message("1"));
  answer();
  publisher.send(message("2"));
  EXPECT_EQ(asked(), 3U);
  // So that a client at full speed gets there, it is not read from until then.
  publisher.send(message("3"));
  EXPECT_EQ(asked(), 3U);
  answer();
  EXPECT_EQ(publisher.outbox.resumed, 0);
  answer();
  EXPECT_EQ(publisher.outbox.resumed, 1);
  publisher.read_on();
  EXPECT_EQ(asked(), 3U);
  EXPECT_EQ(received(), "h/json/n=3/0 ");
}

TEST_F(DirectWayTest, WaitsForWhatOthersAskedForTheNodeWhateverTheType) {
  open_way();
  Client other(server);
  other.connect("other");
  other.send(mqtt::Publish{.topic = "h/utf8/n", .payload = "1"});
  publisher.send(message("2"));
  EXPECT_EQ(asked(), 3U);
  answer();
  answer();
  publisher.send(message("3"));
  EXPECT_EQ(asked(), 3U);
}

TEST_F(DirectWayTest, WaitsForAWill) {
  open_way();
  Client other(server);
  other.send(mqtt::Connect{.client_identifier = "other",
                           .will = mqtt::Publish{.topic = "h/json/n", .payload = "1"}});
  other.lose();
  publisher.send(message("2"));
  EXPECT_EQ(asked(), 3U);
}

TEST_F(DirectWayTest, DoesNotWaitForOtherNodes) {
  open_way();
  publisher.send(mqtt::Publish{.topic = "h/json/other", .payload = "1"});
  publisher.send(message("2"));
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(received(), "h/json/n=2/0 ");
}

TEST_F(DirectWayTest, ComesAfterTheClientsOwnSubscribe) {
  open_way();
  publisher.send(mqtt::Subscribe{.packet_identifier = 1,
                                 .subscriptions = {{.topic_filter = "h/json/n", .qos = QoS::at_most_once}}});
  publisher.send(message("1"));
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, AcknowledgementsKeepTheOrderOfReceipt) {  // [MQTT-4.6.0-2, MQTT-4.6.0-3]
  open_way();
  publisher.send(mqtt::Publish{
      .topic = "h/json/other", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 1});
  publisher.send(message("2", QoS::at_least_once, 2));
  publisher.send(message("3", QoS::exactly_once, 3));
  publisher.send(mqtt::Publish{
      .topic = "h/json/other", .payload = "4", .qos = QoS::at_least_once, .packet_identifier = 4});
  publisher.send(message("5", QoS::at_least_once, 5));
  EXPECT_EQ(received(), "h/json/n=2/1 h/json/n=3/1 h/json/n=5/1 ");
  EXPECT_EQ(publisher.outbox.take(), "");
  answer(false);
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{.packet_identifier = 1}) +
                                         bytes_of(mqtt::Puback{.packet_identifier = 2}) +
                                         bytes_of(mqtt::Pubrec{.packet_identifier = 3}));
  answer(false);
  EXPECT_EQ(publisher.outbox.take(),
            bytes_of(mqtt::Puback{.packet_identifier = 4}) + bytes_of(mqtt::Puback{.packet_identifier = 5}));
}

// On a new connection, too, where the client has sent again what was not acknowledged.
TEST_F(DirectWayTest, AcknowledgementsOfDuplicatesKeepTheOrderOfReceipt) {  // [MQTT-4.6.0-3]
  const mqtt::Publish through_pubsub{
      .topic = "h/json/other", .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 1};
  const mqtt::Publish direct = message("2", QoS::exactly_once, 2);
  Client device(server);
  device.connect_again("device");
  device.send(message("0"));
  answer();
  device.send(through_pubsub);
  device.send(direct);
  EXPECT_EQ(received(), "h/json/n=2/1 ");
  device.lose();
  Client again(server);
  again.connect_again("device");
  again.outbox.take();
  again.send(through_pubsub);
  again.send(direct);
  EXPECT_EQ(again.outbox.take(), "");
  answer();
  EXPECT_EQ(again.outbox.take(),
            bytes_of(mqtt::Pubrec{.packet_identifier = 1}) + bytes_of(mqtt::Pubrec{.packet_identifier = 2}));
  EXPECT_EQ(received(), "");
}

// What an earlier connection left behind is not waited for.
TEST_F(DirectWayTest, ADuplicateIsAcknowledgedAtOnceWhereNothingWasReceivedBefore) {
  const mqtt::Publish direct = message("2", QoS::exactly_once, 2);
  Client device(server);
  device.connect_again("device");
  device.send(message("0"));
  answer();
  device.send(direct);
  device.send(mqtt::Publish{
      .topic = "h/json/other", .payload = "3", .qos = QoS::exactly_once, .packet_identifier = 3});
  device.lose();
  Client again(server);
  again.connect_again("device");
  again.outbox.take();
  again.send(direct);
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Pubrec{.packet_identifier = 2}));
}

// It would meet the next message with that identifier.
TEST_F(DirectWayTest, NoPubrecFollowsPubrel) {
  open_way();
  publisher.send(message("1", QoS::exactly_once, 5));
  publisher.send(mqtt::Publish{.topic = "h/json/other", .payload = "2"});
  publisher.send(message("1", QoS::exactly_once, 5));
  publisher.send(mqtt::Pubrel{.packet_identifier = 5});
  publisher.outbox.take();
  publisher.send(mqtt::Publish{
      .topic = "h/json/other", .payload = "3", .qos = QoS::exactly_once, .packet_identifier = 5});
  answer(false);
  EXPECT_EQ(publisher.outbox.take(), "");
  answer(false);
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubrec{.packet_identifier = 5}));
}

TEST_F(DirectWayTest, WhatWaitsToBeAcknowledgedIsBounded) {
  open_way();
  publisher.send(mqtt::Publish{
      .topic = "h/json/other", .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 1});
  const auto bound = static_cast<mqtt::PacketIdentifier>(server.limits.max_pending_publishes);
  for (mqtt::PacketIdentifier id = 2; id < bound + 10; ++id)
    publisher.send(message("1", QoS::at_least_once, id));
  EXPECT_FALSE(publisher.unread.empty());
  answer(false);
  EXPECT_EQ(publisher.outbox.resumed, 1);
}

TEST_F(DirectWayTest, WhatIsNoPayloadOfTheTypeIsForPubsubToRefuse) {
  open_way();
  publisher.send(message("no JSON"));
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(received(), "");
  answer(false);
  publisher.send(message("1"));  // until an answer opens it again
  EXPECT_EQ(asked(), 3U);
}

TEST_F(DirectWayTest, BytesGoAsTheyAre) {
  receive_by_name(Type::binary);
  receive_by_name(Type::any);
  for (const std::string topic : {"h/binary/n", "h/any/n"}) {
    open_way(topic);
    const std::size_t before = asked();
    publisher.send(mqtt::Publish{.topic = topic, .payload = "\xFF"});
    EXPECT_EQ(asked(), before);
    EXPECT_EQ(received(), "h/binary/n=\xFF/0 h/any/n=\xFF/0 ");
  }
}

TEST_F(DirectWayTest, AnyIsWhatThePayloadIs) {
  selection.natural = QoS::at_most_once;
  receive_by_name(Type::any);
  open_way("h/any/n");
  publisher.send(mqtt::Publish{.topic = "h/any/n", .payload = "[1]"});
  EXPECT_EQ(received(), "h/json/n=[1]/0 h/any/n=[1]/0 ");
  publisher.send(mqtt::Publish{.topic = "h/any/n", .payload = "1"});
  EXPECT_EQ(received(), "h/utf8/n=1/0 h/any/n=1/0 ");
  publisher.send(mqtt::Publish{.topic = "h/any/n", .payload = "\xFF"});
  EXPECT_EQ(received(), "h/binary/n=\xFF/0 h/any/n=\xFF/0 ");
  EXPECT_EQ(asked(), 1U);
}

TEST_F(DirectWayTest, AnyIsTheNaturalFormOfOthers) {
  receive_by_name(Type::any);
  open_way();
  publisher.send(message(" 1"));
  EXPECT_EQ(received(), "h/json/n= 1/0 h/any/n= 1/0 ");
  open_way("h/xml/n");
  publisher.send(mqtt::Publish{.topic = "h/xml/n", .payload = "<json xmlns='urn:xmpp:json:0'>2</json>"});
  EXPECT_EQ(received(), "h/json/n=2/0 h/any/n=2/0 ");
  publisher.send(mqtt::Publish{.topic = "h/xml/n", .payload = "<a xmlns = 'b'/>"});
  EXPECT_EQ(received(), "h/any/n=<a xmlns = 'b'/>/0 ");
}

TEST_F(DirectWayTest, BytesAreXmlToWhoWantsThat) {
  receive_by_name(Type::xml);
  open_way("h/any/n");
  publisher.send(mqtt::Publish{.topic = "h/any/n", .payload = "\xFF"});
  EXPECT_EQ(
      received(),
      "h/xml/n=<data xmlns='urn:xmpp:bob' cid='sha1+85e53271e14006f0265921d02d4d736cdc580b0b@bob.xmpp.org' "
      "type='application/octet-stream'>/w==</data>/0 ");
}

TEST_F(DirectWayTest, EveryTypeGetsItsOwn) {
  receive_by_name(Type::xml);
  receive_by_name(Type::utf8);
  open_way();
  publisher.send(message("[1]"));
  EXPECT_EQ(received(), "h/json/n=[1]/0 h/xml/n=<json xmlns='urn:xmpp:json:0'>[1]</json>/0 ");
  open_way("h/xml/n");
  publisher.send(mqtt::Publish{.topic = "h/xml/n", .payload = "<json  xmlns='urn:xmpp:json:0'>2</json>"});
  EXPECT_EQ(received(), "h/json/n=2/0 h/xml/n=<json  xmlns='urn:xmpp:json:0'>2</json>/0 ");
  EXPECT_EQ(asked(), 2U);
}

TEST_F(DirectWayTest, AWildcardForTheTypeSelectsTheNaturalOne) {
  selection = {};
  selection.natural = QoS::at_most_once;
  server.sessions.handle(
      AudienceChange{.node = node, .session = subscriber.session(), .selection = selection});
  for (const std::string topic : {"h/json/n", "h/utf8/n", "h/atom_title/n"}) {
    open_way(topic);
    publisher.send(mqtt::Publish{.topic = topic, .payload = "1"});
    EXPECT_EQ(received(), topic + "=1/0 ");
  }
  EXPECT_EQ(asked(), 3U);
}

TEST_F(DirectWayTest, AnAtomEntryGoesPastThoseWhoReceiveOtherTypes) {
  receive_by_name(Type::utf8);
  open_way("h/atom_title/n");
  publisher.send(mqtt::Publish{.topic = "h/atom_title/n", .payload = "1"});
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(received(), "");
}

TEST_F(DirectWayTest, AClientMayHaveManyWays) {
  constexpr int topics = 1000;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < topics; ++i) {
      const std::string topic = "h/json/n" + std::to_string(i);
      if (round == 0) {
        open_way(topic);
      } else {
        publisher.send(mqtt::Publish{.topic = topic, .payload = "1"});
      }
    }
  }
  EXPECT_EQ(asked(), std::size_t{topics});
}

TEST_F(DirectWayTest, AnAtomEntryIsMadeWhereSomebodyReceivesItAsXml) {
  receive_by_name(Type::xml);
  open_way("h/atom_title/n");
  publisher.send(mqtt::Publish{.topic = "h/atom_title/n", .payload = "a <title>"});
  EXPECT_EQ(asked(), 1U);
  const std::string xml = received();
  for (const char* part : {"h/xml/n=<entry", "<title>a &lt;title&gt;</title>", "<id>urn:uuid:", "<updated>20",
                           "<name>anonymous</name>"}) {
    EXPECT_NE(xml.find(part), std::string::npos) << part << " in " << xml;
  }
}

TEST_F(DirectWayTest, APublisherOfMqtt5IsToldThatNobodyHasItAndNotWhileOneIsAway) {  // 3.4.2.1
  Client teller(server);
  teller.level = mqtt::ProtocolLevel::mqtt_5;
  teller.connect("teller");
  teller.send(message("0"));
  answer();
  const auto reason = [&] {
    teller.send(message("1", QoS::at_least_once, 5));
    const std::string written = teller.outbox.take();
    return packet_in<mqtt::Puback>(written).reason;
  };
  EXPECT_EQ(reason(), mqtt::Reason::success);
  selection = {};
  server.sessions.handle(
      AudienceChange{.node = node, .session = subscriber.session(), .selection = selection});
  EXPECT_EQ(reason(), mqtt::Reason::no_matching_subscribers);
  Client away(server);
  away.connect_again("away");
  selection.natural = QoS::at_least_once;
  server.sessions.handle(AudienceChange{.node = node, .session = away.session(), .selection = selection});
  away.lose();
  EXPECT_EQ(reason(), mqtt::Reason::success);
  EXPECT_EQ(asked(), 1U);
}

// MQTT 5.0, 3.3.2.3.3
TEST_F(DirectWayTest, WhatExpiresAtOnceIsForThoseWhoAreThere) {
  Client teller(server);
  teller.level = mqtt::ProtocolLevel::mqtt_5;
  teller.connect("teller");
  teller.send(message("0"));
  answer();
  Client away(server);
  away.connect_again("away");
  selection.natural = QoS::at_least_once;
  server.sessions.handle(AudienceChange{.node = node, .session = away.session(), .selection = selection});
  away.lose();
  subscriber.outbox.take();
  const auto at_once =
      encoded({{.identifier = mqtt::PropertyIdentifier::message_expiry_interval, .value = 0U}});
  auto packet = message("1", QoS::at_least_once, 5);
  packet.properties = mqtt::Properties(at_once);
  teller.send(packet, std::chrono::seconds(5));
  EXPECT_EQ(subscriber.outbox.take(), bytes_of(message("1", QoS::at_least_once, 1)));
  Client back(server);
  back.connect_again("away");
  EXPECT_EQ(back.outbox.take(), session_present);
}

}  // namespace
}  // namespace pubsub_mqtt::session
