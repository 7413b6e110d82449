// What the options of subscriptions (MQTT 5.0, 3.8.3.1) and Subscription Identifiers (3.8.2.1.2) mean for the
// messages that come.
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../base/allocated_bytes.h"
#include "delivery_fixture.h"

namespace pubsub_mqtt::session {
namespace {

class SubscriptionOptionsTest : public DeliveryFixture {
 protected:
  SubscriptionOptionsTest() { connect(client, "meter"); }

  struct Filter {
    std::string_view topic_filter;
    QoS qos = QoS::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
  };

  // Asks for it; what pubsub answers follows later. Returns what was asked.
  SubscribeRequest ask(Client& subscriber, const Filter& filter, std::uint32_t identifier = 0) {
    std::string properties;
    if (identifier != 0) {
      mqtt::append({.identifier = Id::subscription_identifier, .value = identifier}, properties);
    }
    subscriber.send(mqtt::Subscribe{.packet_identifier = 1,
                                    .subscriptions = {{.topic_filter = filter.topic_filter,
                                                       .qos = filter.qos,
                                                       .no_local = filter.no_local,
                                                       .retain_as_published = filter.retain_as_published}},
                                    .properties = mqtt::Properties(properties)},
                    now);
    return server.requested<SubscribeRequest>().back();
  }

  void subscribe(Client& subscriber, const Filter& filter, std::uint32_t identifier = 0) {
    server.answer(ask(subscriber, filter, identifier));
    subscriber.outbox.take();
  }
  void subscribe(const Filter& filter, std::uint32_t identifier = 0) {
    subscribe(client, filter, identifier);
    select(client, QoS::exactly_once);
  }

  void refuse(const SubscribeRequest& request) {
    server.sessions.handle(SubscribeReply{.ticket = request.ticket,
                                          .subscriptions = request.subscriptions,
                                          .results = {mqtt::Reason::not_authorized}});
    client.outbox.take();
  }

  void unsubscribe(std::string_view filter) {
    client.send(mqtt::Unsubscribe{.packet_identifier = 1, .topic_filters = {filter}}, now);
    const auto request = server.requested<UnsubscribeRequest>().back();
    server.sessions.handle(
        UnsubscribeReply{.ticket = request.ticket, .topic_filters = request.topic_filters});
    client.outbox.take();
  }

  PublisherId publisher(const Client& of) { return server.sessions.find(of.session())->publisher(); }

  static std::string identifiers(std::initializer_list<std::uint32_t> numbers) {
    std::string properties;
    for (const auto number : numbers) {
      mqtt::append({.identifier = Id::subscription_identifier, .value = number}, properties);
    }
    return properties;
  }

  std::string take() { return client.outbox.take(); }

  static std::string at_1(std::string_view payload, mqtt::PacketIdentifier packet_identifier,
                          std::initializer_list<std::uint32_t> numbers, bool dup = false) {
    return bytes_5(message(payload, packet_identifier, identifiers(numbers), dup));
  }
  static std::string at_0(std::string_view payload, std::initializer_list<std::uint32_t> numbers) {
    return bytes_5(message(payload, 0, identifiers(numbers)));
  }
};

// --- Subscription Identifiers

TEST_F(SubscriptionOptionsTest, AMessageBearsTheIdentifierOfItsSubscription) {  // [MQTT5-3.3.4-3]
  subscribe({topic}, 5);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {5}));
}

TEST_F(SubscriptionOptionsTest, OneCopyBearsTheIdentifiersOfAllThatMatch) {  // [MQTT5-3.3.4-3]
  subscribe({"#"}, 1);
  subscribe({"h/+/n", QoS::at_least_once});
  subscribe({"h/utf8/#"}, 2);
  subscribe({topic}, 268435455);
  subscribe({"h/utf8/m"}, 3);
  subscribe({"h/json/n"}, 4);
  publish("1");
  EXPECT_EQ(take(), at_1("1", 1, {1, 2, 268435455}));
}

TEST_F(SubscriptionOptionsTest, TheSameIdentifierTwiceIsSaidTwice) {  // 3.3.4
  subscribe({"#"}, 7);
  subscribe({topic}, 7);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {7, 7}));
}

TEST_F(SubscriptionOptionsTest, AWildcardTypeSelectsTheNaturalTopicOnly) {
  subscribe({"h/+/n"}, 1);
  subscribe({"h/xml/n"}, 2);
  AudienceChange change{.node = node, .session = client.session(), .selection = {}};
  change.selection.natural = QoS::at_most_once;
  change.selection.by_form[static_cast<std::size_t>(Type::xml)] = QoS::at_most_once;
  server.sessions.handle(change);
  ItemPublished item{.node = node, .natural_type = Type::utf8, .payloads = {}, .envelope = {}};
  item.payloads[static_cast<std::size_t>(Type::utf8)] = "1";
  item.payloads[static_cast<std::size_t>(Type::xml)] = "<data/>";
  server.sessions.handle(std::move(item));
  const std::string in_xml = identifiers({2});
  EXPECT_EQ(take(),
            at_0("1", {1}) +
                bytes_5({.topic = "h/xml/n", .payload = "<data/>", .properties = mqtt::Properties(in_xml)}));
}

TEST_F(SubscriptionOptionsTest, RetainedMessagesBearIdentifiersAtTheQosOfTheHub) {
  subscribe({topic, QoS::exactly_once}, 5);
  subscribe({"h/+/n", QoS::exactly_once}, 6);
  server.sessions.handle(
      RetainedMessages{.session = client.session(),
                       .messages = {{.node = node,
                                     .form = Type::utf8,
                                     .payload = "1",
                                     .envelope = {.qos = QoS::at_least_once, .retain = true}},
                                    {.node = node,
                                     .form = Type::utf8,
                                     .is_natural = false,
                                     .payload = "2",
                                     .envelope = {.qos = QoS::at_most_once, .retain = true}}}});
  const std::string both = identifiers({6, 5});
  const std::string named = identifiers({5});
  auto first = message("1", 1, both);
  auto second = message("2", 0, named);
  first.retain = true;
  second.retain = true;
  EXPECT_EQ(take(), bytes_5(first) + bytes_5(second));
}

TEST_F(SubscriptionOptionsTest, ANewSubscriptionReplacesTheIdentifier) {  // [MQTT5-3.8.4-3]
  subscribe({topic}, 1);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {1}));
  subscribe({topic}, 2);
  publish("2");
  EXPECT_EQ(take(), at_0("2", {2}));
  // Without any option the hub's word counts.
  subscribe({topic});
  publish("3");
  EXPECT_EQ(take(), at_1("3", 1, {}));
}

TEST_F(SubscriptionOptionsTest, UnsubscribingEndsIt) {
  subscribe({topic}, 1);
  subscribe({"#"}, 2);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {2, 1}));
  unsubscribe(topic);
  publish("2");
  EXPECT_EQ(take(), at_0("2", {2}));
}

TEST_F(SubscriptionOptionsTest, AMessageThatWaitsKeepsItsIdentifiers) {
  server.limits.max_inflight = 1;
  subscribe({topic, QoS::at_least_once}, 1);
  publish("in flight");
  publish("queued");
  take();
  subscribe({topic, QoS::at_least_once}, 2);
  client.lose();
  publish("while it is away");
  EXPECT_EQ(connect(again, "meter"), at_1("in flight", 1, {1}, true));
  again.send(mqtt::Puback{1}, now);
  EXPECT_EQ(again.outbox.take(), at_1("queued", 2, {1}));
  again.send(mqtt::Puback{2}, now);
  EXPECT_EQ(again.outbox.take(), at_1("while it is away", 3, {2}));
}

TEST_F(SubscriptionOptionsTest, LargePayloadsAreSharedAllTheSame) {
  const std::string large(100000, 'x');
  subscribe({topic, QoS::at_least_once}, 1);
  publish(large);
  publish(large, QoS::at_most_once);
  EXPECT_EQ(take(), at_1(large, 1, {1}) + at_0(large, {1}));
}

TEST_F(SubscriptionOptionsTest, AClientThatComesBackWith3_1_1IsToldNoIdentifier) {
  subscribe({topic, QoS::at_least_once}, 1);
  client.lose();
  publish("1");
  EXPECT_EQ(connect(again, "meter", {}, Level::mqtt_3_1_1), bytes_of(message("1", 1)));
}

// --- Before the answer

TEST_F(SubscriptionOptionsTest, MessagesThatComeBeforeTheAnswerBearTheIdentifier) {
  const auto request = ask(client, {topic}, 5);
  select(client, QoS::at_most_once);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {5}));
  server.answer(request);
  take();
  publish("2");
  EXPECT_EQ(take(), at_0("2", {5}));
}

TEST_F(SubscriptionOptionsTest, WhatIsAskedForAgainIsNotToldTwice) {
  subscribe({topic}, 5);
  const auto request = ask(client, {topic}, 6);
  publish("1");
  EXPECT_EQ(take(), at_0("1", {6}));
  server.answer(request);
  take();
  publish("2");
  EXPECT_EQ(take(), at_0("2", {6}));
}

TEST_F(SubscriptionOptionsTest, AnswersInTheirOrderLeaveWhatWasAskedForLast) {
  const auto first = ask(client, {topic}, 1);
  client.send(mqtt::Unsubscribe{.packet_identifier = 2, .topic_filters = {topic}}, now);
  const auto unsubscribe = server.requested<UnsubscribeRequest>().back();
  const auto second = ask(client, {topic}, 2);
  select(client, QoS::at_most_once);
  const auto identifiers_of_next = [&] {
    take();
    publish("1");
    return std::string(packet_in<mqtt::Publish>(client.outbox.written).properties.encoded());
  };
  EXPECT_EQ(identifiers_of_next(), identifiers({2}));
  server.answer(first);
  EXPECT_EQ(identifiers_of_next(), identifiers({2}));
  server.sessions.handle(
      UnsubscribeReply{.ticket = unsubscribe.ticket, .topic_filters = unsubscribe.topic_filters});
  EXPECT_EQ(identifiers_of_next(), identifiers({2}));
  server.answer(second);
  EXPECT_EQ(identifiers_of_next(), identifiers({2}));
}

TEST_F(SubscriptionOptionsTest, WhatIsRefusedIsTakenAway) {
  subscribe({"#"}, 1);
  subscribe({topic}, 2);
  refuse(ask(client, {topic}, 3));
  publish("1");
  EXPECT_EQ(take(), at_0("1", {1}));
}

// --- No Local

TEST_F(SubscriptionOptionsTest, NoLocalKeepsAClientsOwnMessagesFromIt) {  // [MQTT5-3.8.3-3]
  subscribe({topic, QoS::at_most_once, true});
  connect(again, "another");
  publish("own", {.publisher = publisher(client)});
  EXPECT_EQ(take(), "");
  publish("another's", {.publisher = publisher(again)});
  publish("XMPP's", Envelope{});
  EXPECT_EQ(take(), at_0("another's", {}) + at_0("XMPP's", {}));
}

// Late publishes of the session before, and its will.
TEST_F(SubscriptionOptionsTest, AccountAndClientIdentifierMakeAMessageLocal) {
  const PublisherId before = publisher(client);
  again.send(mqtt::Connect{.level = Level::mqtt_5, .clean_session = true, .client_identifier = "meter"}, now);
  subscribe(again, {topic, QoS::at_most_once, true});
  select(again, QoS::at_most_once);
  publish("late", {.publisher = before, .session = client.session()});
  EXPECT_EQ(again.outbox.take(), "");
}

TEST_F(SubscriptionOptionsTest, FiltersWithoutNoLocalSelectAClientsOwnMessages) {
  subscribe({topic, QoS::at_least_once, true}, 1);
  subscribe({"#", QoS::at_most_once}, 2);
  publish("own", {.qos = QoS::exactly_once, .publisher = publisher(client)});
  EXPECT_EQ(take(), at_0("own", {2}));
  publish("another's", {.qos = QoS::exactly_once});
  EXPECT_EQ(take(), at_1("another's", 1, {2, 1}));
}

TEST_F(SubscriptionOptionsTest, ARetainedMessageOfItsOwnIsLocal) {
  subscribe({topic, QoS::at_most_once, true});
  server.sessions.handle(
      RetainedMessages{.session = client.session(),
                       .messages = {{.node = node,
                                     .form = Type::utf8,
                                     .payload = "own",
                                     .envelope = {.retain = true, .publisher = publisher(client)}}}});
  EXPECT_EQ(packets_in(take()).size(), 0U);
}

TEST_F(SubscriptionOptionsTest, OptionsHoldOnTheDirectWay) {
  subscribe({topic, QoS::at_most_once, true}, 1);
  auto& audiences = server.sessions.find(client.session())->shared().audiences;
  const DirectWay way{.route = std::make_shared<Route>(node, 1000), .type = Type::utf8};
  const mqtt::Publish packet{.topic = topic, .payload = "1"};
  EXPECT_EQ(audiences.publish(way, packet, {.publisher = publisher(client)}), 0U);
  EXPECT_EQ(take(), "");
  EXPECT_EQ(audiences.publish(way, packet, {.publisher = 1}), 1U);
  EXPECT_EQ(take(), at_0("1", {1}));
}

// --- Retain As Published

TEST_F(SubscriptionOptionsTest, RetainAsPublishedKeepsTheFlag) {  // [MQTT5-3.3.1-12, MQTT5-3.3.1-13]
  connect(again, "plain");
  subscribe(again, {topic}, 1);
  select(again, QoS::at_most_once);
  subscribe({topic, QoS::at_most_once, false, true});
  for (const bool retain : {false, true}) {
    publish("1", {.retain = retain});
    auto as_published = message("1");
    as_published.retain = retain;
    EXPECT_EQ(take(), bytes_5(as_published));
    EXPECT_EQ(again.outbox.take(), at_0("1", {1}));
  }
}

TEST_F(SubscriptionOptionsTest, OneFilterThatWantsRetainAsPublishedIsEnough) {
  subscribe({topic, QoS::at_least_once, false, true});
  subscribe({"#"});
  publish("1", {.qos = QoS::at_least_once, .retain = true});
  auto as_published = message("1", 1);
  as_published.retain = true;
  EXPECT_EQ(take(), bytes_5(as_published));
  // One with No Local counts for what others publish only.
  subscribe({topic, QoS::at_least_once, true, true});
  publish("own", {.qos = QoS::at_least_once, .retain = true, .publisher = publisher(client)});
  EXPECT_EQ(take(), at_0("own", {}));
}

// --- For how many a message is

TEST_F(SubscriptionOptionsTest, SessionsThatAreAwayCountAsReceivers) {
  subscribe({topic, QoS::at_least_once});
  connect_3(of_3, "3");
  select(of_3, QoS::at_least_once, Type::json);
  auto& audiences = server.sessions.find(client.session())->shared().audiences;
  const DirectWay as_text{.route = std::make_shared<Route>(node, 1000), .type = Type::utf8};
  const DirectWay as_json{.route = std::make_shared<Route>(node, 1000), .type = Type::json};
  EXPECT_EQ(audiences.publish(as_text, {.topic = topic, .payload = "1"}, {}), 1U);
  EXPECT_EQ(audiences.publish(as_json, {.topic = "h/json/n", .payload = "1"}, {}), 2U);
  EXPECT_EQ(audiences.publish(as_json, {.topic = "h/json/n", .payload = "no JSON"}, {}), std::nullopt);
  client.lose();
  EXPECT_EQ(audiences.publish(as_text, {.topic = topic, .payload = "1"}, {}), 1U);
  server.sessions.handle(AudienceChange{.node = node, .session = client.session(), .selection = {}});
  EXPECT_EQ(audiences.publish(as_text, {.topic = topic, .payload = "1"}, {}), 0U);
}

}  // namespace

// --- The record

namespace {

TEST(Subscriptions, HaveOptionsWhileOneHas) {
  Subscriptions subscriptions;
  const Subscription plain{.topic_filter = "a/json/b"};
  const Subscription with_option{.topic_filter = "a/json/b", .no_local = true};
  EXPECT_FALSE(subscriptions.have_options());
  subscriptions.expect(plain);
  EXPECT_FALSE(subscriptions.have_options());
  subscriptions.set(plain);
  EXPECT_FALSE(subscriptions.have_options());
  subscriptions.expect(with_option);
  EXPECT_TRUE(subscriptions.have_options());
  EXPECT_EQ(subscriptions.find("a/json/b")->no_local, false);
  subscriptions.set(with_option);
  EXPECT_TRUE(subscriptions.have_options());
  subscriptions.set(plain);
  EXPECT_FALSE(subscriptions.have_options());
  subscriptions.expect(with_option);
  subscriptions.refuse(with_option);
  EXPECT_FALSE(subscriptions.have_options());
  EXPECT_EQ(subscriptions.size(), 0U);
  subscriptions.set(with_option);
  subscriptions.erase("a/json/b");
  EXPECT_FALSE(subscriptions.have_options());
}

TEST(Subscriptions, RememberMatchesUntilTheFiltersChange) {
  Subscriptions subscriptions;
  subscriptions.set({.topic_filter = "h/json/+", .identifier = 1});
  const auto* first = &subscriptions.match(1, topic::Type::json, true, "h/json/n");
  const auto before = first->of_others->identifiers;
  EXPECT_EQ(subscriptions.match(1, topic::Type::json, true, "h/json/n").of_others->identifiers, before);
  EXPECT_FALSE(subscriptions.match(1, topic::Type::xml, true, "h/xml/n").is_selected);
  subscriptions.set({.topic_filter = "h/+/n", .identifier = 2});
  EXPECT_NE(*subscriptions.match(1, topic::Type::json, true, "h/json/n").of_others->identifiers, *before);
  EXPECT_EQ(*subscriptions.match(1, topic::Type::json, false, "h/json/n").of_others->identifiers, *before);
  // However many topics there are.
  for (NodeId node = 2; node < 10000; ++node) {
    EXPECT_TRUE(subscriptions.match(node, topic::Type::json, false, "h/json/m").is_selected);
  }
}

TEST(MatchCache, TakesAMegabyteHoweverLongTheIdentifiersAre) {
  const auto kept_of = [](std::size_t identifiers) {
    const auto before = allocated_bytes();
    MatchCache cache;
    for (NodeId node = 1; node <= 20000; ++node) {
      cache.get(node, topic::Type::json, true, [&] {
        Matches matches;
        matches.of_others.emplace().identifiers = std::make_shared<const std::string>(identifiers, 'i');
        return matches;
      });
    }
    return allocated_bytes() - before;
  };
  for (const std::size_t identifiers : {0U, 100U, 5000U}) EXPECT_LT(kept_of(identifiers), MiB * 5 / 4);
}

TEST(Subscriptions, OfAnotherSessionKnowItsNodes) {
  Subscriptions subscriptions;
  subscriptions.set({.topic_filter = "h/json/n", .identifier = 1});
  subscriptions.expect({.topic_filter = "#", .identifier = 2});
  EXPECT_TRUE(subscriptions.match(1, topic::Type::json, true, "h/json/m").is_selected);
  EXPECT_TRUE(subscriptions.match(2, topic::Type::json, true, "h/json/n").is_selected);
  subscriptions.begin_again();
  EXPECT_TRUE(subscriptions.match(1, topic::Type::json, true, "h/json/n").is_selected);
  EXPECT_FALSE(subscriptions.match(2, topic::Type::json, true, "h/json/m").is_selected);
}

// --- What selects nothing

TEST_F(SubscriptionOptionsTest, FiltersOfTheBrokersTopicsAreCountedToo) {
  server.limits.max_subscriptions = 2;
  const auto answered = [&](std::string_view filter) {
    server.answer(ask(client, {filter}));
    return packet_in<mqtt::Suback>(client.outbox.take()).reasons;
  };
  using Reasons = std::vector<mqtt::Reason>;
  EXPECT_EQ(answered("$SYS/1"), Reasons{mqtt::Reason::granted_qos_0});
  EXPECT_EQ(answered("$SYS/2"), Reasons{mqtt::Reason::granted_qos_0});
  EXPECT_EQ(answered("$SYS/3"), Reasons{mqtt::Reason::quota_exceeded});
  EXPECT_EQ(answered("$SYS/1"), Reasons{mqtt::Reason::granted_qos_0}) << "it is no further one";
  EXPECT_EQ(answered(topic), Reasons{mqtt::Reason::granted_qos_0}) << "the hub has counted this one";
}

// --- As many as fit into a packet

class ManyFiltersTest : public SubscriptionOptionsTest {
 protected:
  static constexpr std::size_t as_many_as_fit = 200000;

  SubscribeRequest ask_for(std::size_t count, const std::string& filter) {
    std::vector<std::string> filters;
    for (std::size_t i = 0; i < count; ++i) filters.push_back(filter + std::to_string(i));
    mqtt::Subscribe subscribe{.packet_identifier = 1, .subscriptions = {}};
    for (const auto& each : filters)
      subscribe.subscriptions.push_back({.topic_filter = each, .no_local = true});
    client.send(subscribe, now);
    return server.requested<SubscribeRequest>().back();
  }

  void answer(const SubscribeRequest& request, mqtt::Reason reason) {
    server.sessions.handle(SubscribeReply{.ticket = request.ticket,
                                          .subscriptions = request.subscriptions,
                                          .results = {request.subscriptions.size(), reason}});
  }
};

// In less than a second: minutes, if each answer looked at all others.
TEST_F(ManyFiltersTest, OfOnePacketCostWhatTheyAre) {
  const auto too_many = ask_for(as_many_as_fit, "h/no/");
  answer(too_many, mqtt::Reason::topic_filter_invalid);
  client.read_on(now);
  const auto allowed = ask_for(server.limits.max_subscriptions, "h/json/");
  ASSERT_EQ(allowed.subscriptions.size(), server.limits.max_subscriptions);
  answer(allowed, mqtt::Reason::granted_qos_0);
  EXPECT_EQ(server.sessions.find(client.session())->record().subscriptions.size(),
            allowed.subscriptions.size());
}

}  // namespace
}  // namespace pubsub_mqtt::session
