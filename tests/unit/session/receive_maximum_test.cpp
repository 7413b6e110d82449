// How many messages at QoS 1 and 2 may be in flight to a client of MQTT 5.0 (4.9), and how their flows end.
#include <gtest/gtest.h>

#include <string>

#include "delivery_fixture.h"

namespace pubsub_mqtt::session {
namespace {

class ReceiveMaximumTest : public DeliveryFixture {
 protected:
  std::string connect_with(Client& newcomer, std::uint32_t receive_maximum) {
    auto sent = connect(newcomer, "meter", {{.identifier = Id::receive_maximum, .value = receive_maximum}});
    select(newcomer, QoS::exactly_once);
    return sent;
  }

  static std::string at_2(std::string_view payload, mqtt::PacketIdentifier packet_identifier,
                          bool dup = false) {
    auto publish = message(payload, packet_identifier, {}, dup);
    publish.qos = QoS::exactly_once;
    return bytes_5(publish);
  }
  static std::string at_1(std::string_view payload, mqtt::PacketIdentifier packet_identifier,
                          bool dup = false) {
    return bytes_5(message(payload, packet_identifier, {}, dup));
  }
  static std::string pubrel(mqtt::PacketIdentifier packet_identifier,
                            mqtt::Reason reason = mqtt::Reason::success) {
    return bytes_of(mqtt::Pubrel{.packet_identifier = packet_identifier, .reason = reason}, Level::mqtt_5);
  }
};

TEST_F(ReceiveMaximumTest, NoMoreIsInFlightThanTheClientTakes) {  // [MQTT5-3.3.4-9]
  connect_with(client, 2);
  for (int i = 1; i <= 4; ++i) publish(std::to_string(i));
  publish("0", QoS::at_most_once);  // does not count
  EXPECT_EQ(client.outbox.take(), at_1("1", 1) + at_1("2", 2) + bytes_5(message("0")));
  client.send(mqtt::Puback{2});
  EXPECT_EQ(client.outbox.take(), at_1("3", 3));
}

TEST_F(ReceiveMaximumTest, NorMoreThanTheServersOwnLimit) {
  server.limits.max_inflight = 1;
  connect_with(client, 2);
  publish("1");
  publish("2");
  EXPECT_EQ(client.outbox.take(), at_1("1", 1));
}

TEST_F(ReceiveMaximumTest, AnErrorEndsAFlowAndFreesItsPlace) {  // [MQTT5-4.3.3-4]
  connect_with(client, 1);
  for (int i = 1; i <= 3; ++i) publish(std::to_string(i), QoS::exactly_once);
  EXPECT_EQ(client.outbox.take(), at_2("1", 1));
  client.send(mqtt::Pubrec{.packet_identifier = 1, .reason = mqtt::Reason::quota_exceeded});
  EXPECT_EQ(client.outbox.take(), at_2("2", 2));  // and no PUBREL
  // Without an error it is PUBCOMP that frees the place.
  client.send(mqtt::Pubrec{.packet_identifier = 2, .reason = mqtt::Reason::no_matching_subscribers});
  EXPECT_EQ(client.outbox.take(), pubrel(2));
  client.send(mqtt::Pubcomp{.packet_identifier = 2, .reason = mqtt::Reason::packet_identifier_not_found});
  EXPECT_EQ(client.outbox.take(), at_2("3", 3));
}

TEST_F(ReceiveMaximumTest, APubackWithAnErrorFreesThePlace) {
  connect_with(client, 1);
  publish("1");
  publish("2");
  client.outbox.take();
  client.send(mqtt::Puback{.packet_identifier = 1, .reason = mqtt::Reason::not_authorized});
  EXPECT_EQ(client.outbox.take(), at_1("2", 2));
}

TEST_F(ReceiveMaximumTest, WhatAClientAnsweredWithAnErrorIsNotSentAgain) {
  connect_with(client, 5);
  publish("1", QoS::exactly_once);
  publish("2", QoS::exactly_once);
  client.send(mqtt::Pubrec{.packet_identifier = 1, .reason = mqtt::Reason::unspecified_error});
  client.lose();
  EXPECT_EQ(connect_with(again, 5), at_2("2", 2, true));
}

TEST_F(ReceiveMaximumTest, AnErrorAfterPubrecEndsTheFlow) {
  connect_with(client, 1);
  publish("1", QoS::exactly_once);
  publish("2", QoS::exactly_once);
  client.send(mqtt::Pubrec{1});
  client.outbox.take();
  client.send(mqtt::Pubrec{.packet_identifier = 1, .reason = mqtt::Reason::unspecified_error});
  EXPECT_EQ(client.outbox.take(), at_2("2", 2));
}

TEST_F(ReceiveMaximumTest, APubrecForNothingIsAnsweredSo) {  // 3.6.2.1
  connect_with(client, 1);
  client.send(mqtt::Pubrec{9});
  EXPECT_EQ(client.outbox.take(), pubrel(9, mqtt::Reason::packet_identifier_not_found));
  client.send(mqtt::Pubrec{.packet_identifier = 9, .reason = mqtt::Reason::unspecified_error});
  EXPECT_EQ(client.outbox.take(), "");
  connect_3(of_3, "3");
  of_3.send(mqtt::Pubrec{9});
  EXPECT_EQ(of_3.outbox.take(), bytes_of(mqtt::Pubrel{9}));
}

TEST_F(ReceiveMaximumTest, ANewConnectionBeginsAfreshAndItsLimitCoversWhatIsSentAgain) {
  connect_with(client, 4);
  for (int i = 1; i <= 5; ++i) publish(std::to_string(i));
  EXPECT_EQ(client.outbox.take(), at_1("1", 1) + at_1("2", 2) + at_1("3", 3) + at_1("4", 4));
  client.lose();
  EXPECT_EQ(connect_with(again, 2), at_1("1", 1, true) + at_1("2", 2, true));
  publish("6");
  EXPECT_EQ(again.outbox.take(), "");
  again.send(mqtt::Puback{2});
  EXPECT_EQ(again.outbox.take(), at_1("3", 3, true));
  again.send(mqtt::Puback{1});
  EXPECT_EQ(again.outbox.take(), at_1("4", 4, true));
  again.send(mqtt::Puback{3});
  EXPECT_EQ(again.outbox.take(), at_1("5", 5));
  again.send(mqtt::Puback{4});
  EXPECT_EQ(again.outbox.take(), at_1("6", 6));
}

TEST_F(ReceiveMaximumTest, WhatWaitsToBeSentAgainMayBeAcknowledgedAndWaitsOverConnections) {
  connect_with(client, 3);
  for (int i = 1; i <= 3; ++i) publish(std::to_string(i));
  client.lose();
  EXPECT_EQ(connect_with(again, 1), at_1("1", 1, true));
  again.send(mqtt::Puback{3});  // of the connection before
  EXPECT_EQ(again.outbox.take(), "");
  again.lose();
  Client once_more(server);
  EXPECT_EQ(connect_with(once_more, 1), at_1("1", 1, true));
  once_more.send(mqtt::Puback{1});
  EXPECT_EQ(once_more.outbox.take(), at_1("2", 2, true));
  once_more.send(mqtt::Puback{2});
  publish("4");
  EXPECT_EQ(once_more.outbox.take(), at_1("4", 4));
}

TEST_F(ReceiveMaximumTest, WhatIsReleasedKeepsItsPlace) {
  connect_with(client, 2);
  publish("1", QoS::exactly_once);
  publish("2", QoS::exactly_once);
  client.send(mqtt::Pubrec{1});
  client.lose();
  EXPECT_EQ(connect_with(again, 1), pubrel(1));
  again.send(mqtt::Pubcomp{1});
  EXPECT_EQ(again.outbox.take(), at_2("2", 2, true));
}

}  // namespace
}  // namespace pubsub_mqtt::session
