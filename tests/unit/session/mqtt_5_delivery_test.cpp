// Messages to clients of MQTT 5.0, and expiry, which holds for all: form, properties, Message Expiry Interval, Maximum
// Packet Size, topic aliases.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "delivery_fixture.h"

namespace pubsub_mqtt::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Mqtt5DeliveryTest = DeliveryFixture;

// What PUBLISH says of its expiry.
std::string expiry(std::uint32_t interval) {
  return encoded({{.identifier = mqtt::PropertyIdentifier::message_expiry_interval, .value = interval}});
}

TEST_F(Mqtt5DeliveryTest, EachLevelHasItsForm) {
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_least_once);
  for (const std::string& payload : {std::string("small"), std::string(100000, 'x')}) {
    const mqtt::PacketIdentifier identifier = payload.size() > 10 ? 2 : 1;
    publish(payload, QoS::at_most_once);
    EXPECT_EQ(client.outbox.take(), bytes_5(message(payload)));
    EXPECT_EQ(of_3.outbox.take(), bytes_of(message(payload)));
    publish(payload);
    EXPECT_EQ(client.outbox.take(), bytes_5(message(payload, identifier)));
    EXPECT_EQ(of_3.outbox.take(), bytes_of(message(payload, identifier)));
  }
}

TEST_F(Mqtt5DeliveryTest, PropertiesStandInThePublishOf5_0Only) {  // [MQTT5-3.3.2-17, MQTT5-3.3.2-20]
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_least_once);
  const auto properties = said({{.identifier = Id::content_type, .value = "text/plain"},
                                {.identifier = Id::user_property, .value = mqtt::UserProperty{"b", "1"}},
                                {.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "2"}}});
  for (const std::string& payload : {std::string("small"), std::string(100000, 'x')}) {
    const mqtt::PacketIdentifier identifier = payload.size() > 10 ? 2 : 1;
    publish(payload, {.qos = QoS::at_least_once, .properties = properties});
    EXPECT_EQ(client.outbox.take(), bytes_5(message(payload, identifier, *properties)));
    EXPECT_EQ(of_3.outbox.take(), bytes_of(message(payload, identifier)));
  }
}

// As many subscribers as there are have one copy of them.
TEST_F(Mqtt5DeliveryTest, LargePropertiesAreSharedLikeALargePayload) {
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_least_once);
  const std::string text(30000, 'x');
  const auto properties = said({{.identifier = Id::user_property, .value = mqtt::UserProperty{"a", text}}});
  mqtt::PacketIdentifier identifier = 0;
  for (const std::string& payload : {std::string(), std::string("small"), std::string(100000, 'x')}) {
    client.outbox.shared = 0;
    publish(payload, {.qos = QoS::at_least_once, .properties = properties});
    EXPECT_EQ(client.outbox.take(), bytes_5(message(payload, ++identifier, *properties)));
    EXPECT_EQ(client.outbox.shared, properties->size() + payload.size());
    EXPECT_EQ(of_3.outbox.take(), bytes_of(message(payload, identifier)));
  }
  client.outbox.shared = 0;
  publish("expires", {.qos = QoS::at_least_once, .properties = properties, .expires_at = in(seconds(9))});
  EXPECT_EQ(
      client.outbox.take(),
      bytes_5(message("expires", ++identifier,
                      encoded({{.identifier = Id::message_expiry_interval, .value = 9U}}) + *properties)));
  EXPECT_GE(client.outbox.shared, properties->size());
}

TEST_F(Mqtt5DeliveryTest, PropertiesThatWaitCountTowardsTheLimits) {
  connect(client, "5");
  select(client, QoS::at_least_once);
  client.lose();
  const auto properties = said({{.identifier = Id::user_property, .value = mqtt::UserProperty{"a", "1"}}});
  publish("payload", {.qos = QoS::at_least_once, .properties = properties});
  EXPECT_EQ(server.sessions.queued_bytes(),
            topic.size() + std::string_view("payload").size() + properties->size());
}

TEST_F(Mqtt5DeliveryTest, AnotherTypesFormIsNotWhatWasSaidOfThePayload) {
  connect(client, "5");
  select(client, QoS::at_most_once, Type::xml);
  const auto properties = said({{.identifier = Id::payload_format_indicator, .value = 1U},
                                {.identifier = Id::content_type, .value = "text/plain"},
                                {.identifier = Id::response_topic, .value = "h/utf8/r"}});
  ItemPublished item{.node = node,
                     .natural_type = Type::utf8,
                     .payloads = {},
                     .published_as = Type::utf8,
                     .envelope = {.properties = properties}};
  item.payloads[static_cast<std::size_t>(Type::xml)] = "<data/>";
  const auto publish_as = [&](std::optional<Type> published_as) {
    ItemPublished copy = item;
    copy.published_as = published_as;
    server.sessions.handle(std::move(copy));
    return packet_in<mqtt::Publish>(client.outbox.written).properties.encoded();
  };
  EXPECT_EQ(publish_as(Type::utf8), encoded({{.identifier = Id::response_topic, .value = "h/utf8/r"}}));
  client.outbox.take();
  EXPECT_EQ(publish_as(Type::xml), *properties);
  client.outbox.take();
  // What XMPP's item has is not about a form.
  EXPECT_EQ(publish_as(std::nullopt), *properties);
}

TEST_F(Mqtt5DeliveryTest, PropertiesOfTheFormGoTheDirectWayLikewise) {
  connect(client, "5");
  AudienceChange change{.node = node, .session = client.session(), .selection = {}};
  change.selection.by_form[static_cast<std::size_t>(Type::utf8)] = QoS::at_most_once;
  change.selection.by_form[static_cast<std::size_t>(Type::xml)] = QoS::at_most_once;
  server.sessions.handle(change);
  auto& audiences = server.sessions.find(client.session())->shared().audiences;
  const DirectWay way{.route = std::make_shared<Route>(node, 1000), .type = Type::utf8};
  const auto properties = said({{.identifier = Id::content_type, .value = "text/plain"}});
  audiences.publish(way, {.topic = topic, .payload = "1"}, {.properties = properties});
  const std::string written = client.outbox.take();
  const auto packets = packets_in(written);
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(std::get<mqtt::Publish>(packets[0]).properties.encoded(), *properties);
  EXPECT_EQ(std::get<mqtt::Publish>(packets[1]).properties.encoded(), "");
}

// What `any` is is in the form of the natural TYPE, of which they were said.
TEST_F(Mqtt5DeliveryTest, PropertiesOfTheFormAreThoseOfAnyToo) {
  connect(client, "5");
  AudienceChange change{.node = node, .session = client.session(), .selection = {}};
  for (const Type type : {Type::utf8, Type::xml, Type::any}) {
    change.selection.by_form[static_cast<std::size_t>(type)] = QoS::at_most_once;
  }
  server.sessions.handle(change);
  auto& audiences = server.sessions.find(client.session())->shared().audiences;
  const auto properties = said({{.identifier = Id::content_type, .value = "text/plain"}});
  for (const Type published : {Type::utf8, Type::any}) {
    const DirectWay way{.route = std::make_shared<Route>(node, 1000), .type = published};
    audiences.publish(way, {.topic = topic, .payload = "1"}, {.properties = properties});
    const std::string written = client.outbox.take();
    const auto packets = packets_in(written);
    ASSERT_EQ(packets.size(), 3U);
    EXPECT_EQ(std::get<mqtt::Publish>(packets[0]).properties.encoded(), *properties);
    EXPECT_EQ(std::get<mqtt::Publish>(packets[1]).properties.encoded(), "");
    EXPECT_EQ(std::get<mqtt::Publish>(packets[2]).topic, "h/any/n");
    EXPECT_EQ(std::get<mqtt::Publish>(packets[2]).properties.encoded(), *properties);
  }
}

// --- Message Expiry Interval

TEST_F(Mqtt5DeliveryTest, TheExpiryIntervalIsWhatIsLeftOfIt) {  // [MQTT5-3.3.2-6]
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_most_once);
  select(of_3, QoS::at_most_once);
  const Time expires_at = in(seconds(10));
  const auto interval_after = [&](milliseconds time) {
    pass(time);
    publish("1", {.expires_at = expires_at});
    EXPECT_EQ(of_3.outbox.take(), bytes_of(message("1")));
    return client.outbox.take();
  };
  EXPECT_EQ(interval_after(milliseconds(0)), bytes_5(message("1", 0, expiry(10))));
  EXPECT_EQ(interval_after(milliseconds(1)), bytes_5(message("1", 0, expiry(10))));
  EXPECT_EQ(interval_after(milliseconds(999)), bytes_5(message("1", 0, expiry(9))));
  // Never 0 while it lives.
  EXPECT_EQ(interval_after(milliseconds(8999)), bytes_5(message("1", 0, expiry(1))));
}

TEST_F(Mqtt5DeliveryTest, TheLongestExpiryIntervalNeitherOverflowsNorVanishes) {
  connect(client, "5");
  select(client, QoS::at_least_once);
  constexpr std::uint32_t longest = std::numeric_limits<std::uint32_t>::max();
  publish("1", {.qos = QoS::at_least_once, .expires_at = in(seconds(longest))});
  EXPECT_EQ(client.outbox.take(), bytes_5(message("1", 1, expiry(longest))));
  client.lose();
  pass(seconds(100));
  EXPECT_EQ(connect(again, "5"), bytes_5(message("1", 1, expiry(longest - 100), true)));
}

TEST_F(Mqtt5DeliveryTest, WhatHasExpiredIsNotSent) {  // [MQTT5-3.3.2-5]
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_most_once);
  server.sessions.look(now);
  publish("1", {.qos = QoS::at_least_once, .expires_at = now});
  server.sessions.handle(RetainedMessages{
      .session = client.session(),
      .messages = {{.node = node, .form = Type::utf8, .payload = "1", .envelope = {.expires_at = now}}}});
  EXPECT_EQ(client.outbox.take(), "");
  EXPECT_EQ(of_3.outbox.take(), "");
}

TEST_F(Mqtt5DeliveryTest, WhatExpiresInAQueueDoesNotHoldUpWhatIsBehind) {
  server.limits.max_inflight = 1;
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_least_once);
  publish("in flight");
  publish("expires", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  publish("expires, too", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  publish("stays");
  publish("expires later", {.qos = QoS::at_least_once, .expires_at = in(seconds(5))});
  client.outbox.take();
  of_3.outbox.take();
  pass(seconds(1));
  client.send(mqtt::Puback{1}, now);
  of_3.send(mqtt::Puback{1}, now);
  EXPECT_EQ(client.outbox.take(), bytes_5(message("stays", 2)));
  EXPECT_EQ(of_3.outbox.take(), bytes_of(message("stays", 2)));
  client.send(mqtt::Puback{2}, now);
  of_3.send(mqtt::Puback{2}, now);
  EXPECT_EQ(client.outbox.take(), bytes_5(message("expires later", 3, expiry(4))));
  EXPECT_EQ(of_3.outbox.take(), bytes_of(message("expires later", 3)));
  EXPECT_EQ(server.sessions.queued_bytes(), 0U);
}

TEST_F(Mqtt5DeliveryTest, WhatExpiredWhileTheClientWasAwayIsNotSent) {
  connect(client, "5");
  select(client, QoS::at_least_once);
  client.lose();
  publish("expires", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  publish("stays", {.qos = QoS::at_least_once, .expires_at = in(seconds(3))});
  pass(seconds(2));
  EXPECT_EQ(connect(again, "5"), bytes_5(message("stays", 1, expiry(1))));
}

TEST_F(Mqtt5DeliveryTest, WhatHasExpiredTakesNoPlaceInAFullQueue) {
  server.limits.max_queued_messages_in_memory = 2;
  connect_3(client, "3");
  select(client, QoS::at_least_once);
  client.lose();
  publish("1", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  publish("2");
  publish("is dropped");
  pass(seconds(1));
  publish("3");
  EXPECT_EQ(connect(again, "3", {}, Level::mqtt_3_1_1),
            bytes_of(message("2", 1)) + bytes_of(message("3", 2)));
  EXPECT_EQ(server.lines("mqtt_max_queued_messages"), 1U);
}

// Its memory is others' then.
TEST_F(Mqtt5DeliveryTest, WhatHasExpiredLeavesTheQueuesOfClientsThatAreAway) {
  connect_3(client, "3");
  select(client, QoS::at_least_once);
  client.lose();
  publish("1", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  EXPECT_GT(server.sessions.queued_bytes(), 0U);
  pass(seconds(1));
  server.sessions.expire(now);
  EXPECT_EQ(server.sessions.queued_bytes(), 0U);
}

TEST_F(Mqtt5DeliveryTest, WhatWasSentNeverExpires) {
  connect(client, "5");
  connect_3(of_3, "3");
  select(client, QoS::at_least_once);
  select(of_3, QoS::at_least_once);
  publish("1", {.qos = QoS::at_least_once, .expires_at = in(seconds(1))});
  client.lose();
  of_3.lose();
  pass(seconds(2));
  server.sessions.expire(now);
  EXPECT_EQ(connect(again, "5"), bytes_5(message("1", 1, expiry(0), true)));
  Client again_3(server);
  EXPECT_EQ(connect(again_3, "3", {}, Level::mqtt_3_1_1), bytes_of(message("1", 1, {}, true)));
}

TEST_F(Mqtt5DeliveryTest, AtQos2TheAcknowledgementsGoOnAfterItsExpiry) {  // [MQTT5-4.3.3-7, MQTT5-4.3.3-13]
  connect(client, "5");
  select(client, QoS::exactly_once);
  publish("1", {.qos = QoS::exactly_once, .expires_at = in(seconds(1))});
  client.lose();
  pass(seconds(2));
  server.sessions.expire(now);
  const auto no_time_left = expiry(0);
  auto sent_again = message("1", 1, no_time_left, true);
  sent_again.qos = QoS::exactly_once;
  EXPECT_EQ(connect(again, "5"), bytes_5(sent_again));
  again.send(mqtt::Pubrec{.packet_identifier = 1}, now);
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Pubrel{.packet_identifier = 1}, Level::mqtt_5));
  again.send(mqtt::Pubcomp{.packet_identifier = 1}, now);
  EXPECT_EQ(again.outbox.take(), "");
}

// --- Maximum Packet Size

TEST_F(Mqtt5DeliveryTest,
       WhatIsTooLargeForOneClientIsDroppedForItAlone) {  // [MQTT5-3.1.2-24, MQTT5-3.1.2-25]
  const std::string exact(100, 'x');
  const auto size = static_cast<std::uint32_t>(bytes_5(message(exact, 1)).size());
  connect(client, "small", {{.identifier = Id::maximum_packet_size, .value = size}});
  Client large(server);
  connect(large, "large");
  select(client, QoS::at_least_once);
  select(large, QoS::at_least_once);
  publish(exact + 'x');
  publish(exact);
  EXPECT_EQ(client.outbox.take(), bytes_5(message(exact, 1)));
  EXPECT_EQ(large.outbox.take(), bytes_5(message(exact + 'x', 1)) + bytes_5(message(exact, 2)));
  // Without a packet identifier it is two bytes shorter.
  publish(exact + "xx", QoS::at_most_once);
  publish(exact + "xxx", QoS::at_most_once);
  EXPECT_EQ(client.outbox.take(), bytes_5(message(exact + "xx")));
  EXPECT_EQ(server.sessions.find(client.session())->dropped(), 2U);
  EXPECT_EQ(server.lines("Maximum Packet Size"), 1U);
  EXPECT_TRUE(server.logged(std::to_string(size + 1)));
}

TEST_F(Mqtt5DeliveryTest, PropertiesCountTowardsTheSizeOfAPacket) {
  const auto properties = said({{.identifier = Id::content_type, .value = "text/plain"}});
  const std::string with_expiry = expiry(10) + *properties;
  const auto size = static_cast<std::uint32_t>(bytes_5(message("1", 0, with_expiry)).size());
  connect(client, "exact", {{.identifier = Id::maximum_packet_size, .value = size}});
  Client smaller(server);
  connect(smaller, "smaller", {{.identifier = Id::maximum_packet_size, .value = size - 1}});
  select(client, QoS::at_most_once);
  select(smaller, QoS::at_most_once);
  publish("1", {.properties = properties, .expires_at = in(seconds(10))});
  EXPECT_EQ(client.outbox.take(), bytes_5(message("1", 0, with_expiry)));
  EXPECT_EQ(smaller.outbox.take(), "");
}

TEST_F(Mqtt5DeliveryTest, WhatIsTooLargeTakesNoPlaceInTheWindow) {
  server.limits.max_inflight = 1;
  connect(client, "small", {{.identifier = Id::maximum_packet_size, .value = 50U}});
  select(client, QoS::at_least_once);
  const std::string large(100, 'x');
  publish(large);
  publish("1");
  publish(large);  // waits, and is found to be too large when it is to be sent
  publish("2");
  EXPECT_EQ(client.outbox.take(), bytes_5(message("1", 1)));
  client.send(mqtt::Puback{1}, now);
  EXPECT_EQ(client.outbox.take(), bytes_5(message("2", 2)));
  EXPECT_EQ(server.sessions.find(client.session())->dropped(), 2U);
}

TEST_F(Mqtt5DeliveryTest, WhatIsTooLargeForTheNextConnectionIsNotSentAgain) {
  connect(client, "shrinks");
  select(client, QoS::at_least_once);
  const std::string large(100, 'x');
  publish(large);
  publish("1");
  client.lose();
  publish(large);
  publish("2");
  EXPECT_EQ(connect(again, "shrinks", {{.identifier = Id::maximum_packet_size, .value = 50U}}),
            bytes_5(message("1", 2, {}, true)) + bytes_5(message("2", 3)));
  EXPECT_EQ(server.sessions.find(again.session())->record().outgoing.in_flight(), 2U);
}

// --- Topic aliases

TEST_F(Mqtt5DeliveryTest, ATopicGetsAnAliasWhenItIsFirstSent) {  // [MQTT5-3.3.2-8, MQTT5-3.3.2-10]
  connect(client, "aliases", {{.identifier = Id::topic_alias_maximum, .value = 1U}});
  select(client, QoS::at_least_once);
  const std::string alias = encoded({{.identifier = Id::topic_alias, .value = 1U}});
  publish("1");
  publish("2");
  publish("3", QoS::at_most_once);
  auto second = message("2", 2, alias);
  auto third = message("3", 0, alias);
  second.topic = {};
  third.topic = {};
  EXPECT_EQ(client.outbox.take(), bytes_5(message("1", 1, alias)) + bytes_5(second) + bytes_5(third));
}

TEST_F(Mqtt5DeliveryTest, NoMoreAliasesAreGivenThanTheClientTakes) {
  server.sessions.handle(NodeOpened{.node = 8, .host = "h", .name = "m"});
  connect(client, "aliases", {{.identifier = Id::topic_alias_maximum, .value = 1U}});
  select(client, QoS::at_most_once);
  AudienceChange change{.node = 8, .session = client.session(), .selection = {}};
  change.selection.natural = QoS::at_most_once;
  server.sessions.handle(change);
  for (int i = 0; i < 3; ++i) publish("1");
  client.outbox.take();
  for (int i = 0; i < 3; ++i) {
    ItemPublished item{.node = 8, .natural_type = Type::utf8, .payloads = {}, .envelope = {}};
    item.payloads[static_cast<std::size_t>(Type::utf8)] = "2";
    server.sessions.handle(std::move(item));
    EXPECT_EQ(client.outbox.take(), bytes_5({.topic = "h/utf8/m", .payload = "2"}));
  }
}

TEST_F(Mqtt5DeliveryTest, AClientThatTakesNoAliasGetsNone) {
  connect(client, "none");
  select(client, QoS::at_most_once);
  for (int i = 0; i < 3; ++i) {
    publish("1");
    EXPECT_EQ(client.outbox.take(), bytes_5(message("1")));
  }
}

TEST_F(Mqtt5DeliveryTest, AliasesOfOneConnectionAreNotUsedOnAnother) {  // [MQTT5-3.3.2-7]
  connect(client, "aliases", {{.identifier = Id::topic_alias_maximum, .value = 5U}});
  select(client, QoS::at_least_once);
  for (int i = 0; i < 3; ++i) publish("1");
  client.lose();
  const std::string alias = encoded({{.identifier = Id::topic_alias, .value = 1U}});
  auto second = message("1", 2, alias, true);
  auto third = message("1", 3, alias, true);
  second.topic = {};
  third.topic = {};
  EXPECT_EQ(connect(again, "aliases", {{.identifier = Id::topic_alias_maximum, .value = 5U}}),
            bytes_5(message("1", 1, alias, true)) + bytes_5(second) + bytes_5(third));
  again.lose();
  Client without(server);
  EXPECT_EQ(connect(without, "aliases"), bytes_5(message("1", 1, {}, true)) +
                                             bytes_5(message("1", 2, {}, true)) +
                                             bytes_5(message("1", 3, {}, true)));
}

TEST_F(Mqtt5DeliveryTest, AnAliasThatWouldMakeAPacketTooLargeIsNotGiven) {
  const std::string payload(20, '1');
  const auto size = static_cast<std::uint32_t>(bytes_5(message(payload)).size() + 2);
  connect(client, "aliases",
          {{.identifier = Id::topic_alias_maximum, .value = 5U},
           {.identifier = Id::maximum_packet_size, .value = size}});
  select(client, QoS::at_most_once);
  for (int i = 0; i < 3; ++i) {
    publish(payload);
    EXPECT_EQ(client.outbox.take(), bytes_5(message(payload)));
  }
}

// Three bytes more are four where one of the two lengths in front of them needs another byte.
TEST_F(Mqtt5DeliveryTest, AnAliasThatMakesALengthLongerCountsWithThat) {
  const auto filler =
      said({{.identifier = Id::content_type, .value = std::string_view(std::string(123, 'x'))}});
  const std::string long_remaining_length(115, '1');
  for (const auto& [payload, properties] :
       {std::pair{long_remaining_length, said({})}, std::pair{std::string("1"), filler}}) {
    const auto plain = bytes_5(message(payload, 0, *properties));
    Client each(server);
    connect(each, "aliases",
            {{.identifier = Id::topic_alias_maximum, .value = 5U},
             {.identifier = Id::maximum_packet_size, .value = static_cast<std::uint32_t>(plain.size() + 3)}});
    select(each, QoS::at_most_once);
    for (int i = 0; i < 3; ++i) {
      publish(payload, {.properties = properties});
      EXPECT_EQ(each.outbox.take(), plain);
    }
  }
}

TEST_F(Mqtt5DeliveryTest, NoMoreAliasesAreGivenThanTheSettingSays) {
  server.limits.max_topic_aliases = 0;
  connect(client, "aliases", {{.identifier = Id::topic_alias_maximum, .value = 5U}});
  select(client, QoS::at_most_once);
  for (int i = 0; i < 3; ++i) {
    publish("1");
    EXPECT_EQ(client.outbox.take(), bytes_5(message("1")));
  }
}

// [MQTT5-3.1.2-24]: what counts is what is sent.
TEST_F(Mqtt5DeliveryTest, AMessageWhoseTopicHasAnAliasMayBeLargerByTheTopic) {
  const std::string alias = encoded({{.identifier = Id::topic_alias, .value = 1U}});
  const std::string payload(100, '1');
  auto largest = message(payload, 0, alias);
  largest.topic = {};
  connect(client, "aliases",
          {{.identifier = Id::topic_alias_maximum, .value = 1U},
           {.identifier = Id::maximum_packet_size,
            .value = static_cast<std::uint32_t>(bytes_5(largest).size())}});
  select(client, QoS::at_most_once);
  publish(payload);
  EXPECT_EQ(client.outbox.take(), "");  // with its topic it is too large
  publish("1");
  EXPECT_EQ(client.outbox.take(), bytes_5(message("1", 0, alias)));
  publish(payload);
  EXPECT_EQ(client.outbox.take(), bytes_5(largest));
  publish(payload + '1');
  EXPECT_EQ(client.outbox.take(), "");
}

// Sends the topic, as Recipient does. Returns whether it went without its name.
bool sends_alias_alone(GivenAliases& aliases, const std::string& topic, std::uint16_t maximum = 32) {
  if (aliases.use(topic) != 0) return true;
  const auto given = aliases.give(topic, maximum);
  EXPECT_LE(given, maximum);
  return false;
}

TEST(GivenAliases, ATopicThatComesOftenKeepsItsAliasHoweverManyOthersCome) {
  GivenAliases aliases;
  sends_alias_alone(aliases, "often");
  for (int i = 0; i < 10000; ++i) {
    sends_alias_alone(aliases, "once " + std::to_string(i));
    if (i % 10 == 0) {
      EXPECT_TRUE(sends_alias_alone(aliases, "often")) << i;
    }
  }
}

TEST(GivenAliases, ATopicThatComesNoMoreGivesItsAliasToOneThatDoes) {
  GivenAliases aliases;
  for (int i = 0; i < 100; ++i) sends_alias_alone(aliases, "before", 1);
  for (int i = 0; i < 100; ++i) sends_alias_alone(aliases, "after", 1);
  EXPECT_EQ(aliases.find("before"), 0);
  EXPECT_EQ(aliases.find("after"), 1);
}

// As of a house whose sensors all report once a minute.
TEST(GivenAliases, OfManyTopicsThatComeInTurnSomeKeepTheirAliases) {
  for (const int topics : {33, 64, 250}) {
    GivenAliases aliases;
    int alone = 0;
    for (int round = 0; round < 100; ++round) {
      for (int i = 0; i < topics; ++i) {
        if (sends_alias_alone(aliases, "topic " + std::to_string(i))) ++alone;
      }
    }
    EXPECT_GE(alone, 100 * 32 * 3 / 4) << topics;
  }
}

TEST(GivenAliases, TopicsBehindThemHaveALimitTogether) {
  GivenAliases aliases;
  for (char each = 'a'; each <= 'z'; ++each) sends_alias_alone(aliases, std::string(10000, each));
  std::size_t bytes = 0;
  for (char each = 'a'; each <= 'z'; ++each)
    bytes += aliases.find(std::string(10000, each)) != 0 ? 10000U : 0U;
  EXPECT_EQ(bytes, 60000U);
}

TEST(GivenAliases, ATopicThatIsNoLongerThanAnAliasGetsNone) {
  GivenAliases aliases;
  EXPECT_EQ(aliases.give("a/b", 32), 0);
  EXPECT_EQ(aliases.give("a/bc", 32), 1);
}

}  // namespace
}  // namespace pubsub_mqtt::session
