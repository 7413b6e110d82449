// Sessions that outlive the process: what is stored when, and who waits for it.
#include <gmock/gmock.h>

#include <new>

#include "../base/failing_allocation.h"
#include "durable_fixture.h"

namespace pubsub_mqtt::session {
namespace {

using tests::FailIn;
using tests::FailingAllocation;

TEST_F(DurableTest, SubackWaitsForItsCommit) {
  Client client(server());
  connect(client, "c");
  client.send(mqtt::Subscribe{1, {{topic, QoS::at_least_once}}});
  server().answer(server().requested<SubscribeRequest>().back());
  EXPECT_EQ(client.outbox.take(), "");
  process->commit();
  EXPECT_EQ(client.outbox.take(), "") << "the network thread has not heard of it";
  server().sessions.keep_promises();
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Suback{1, {mqtt::Reason::granted_qos_1}}));
}

TEST_F(DurableTest, AtQos1TheMessageLeavesAndTheAcknowledgementWaits) {
  Client subscriber(server());
  connect(subscriber, "s");
  process->listen(subscriber, QoS::at_least_once);
  Client publisher(server());
  publisher.connect("p");
  process->commit_and_tell();
  publisher.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
  process->publish("1", QoS::at_least_once, publisher.session());
  server().answer();
  EXPECT_EQ(subscriber.outbox.take(), publish_bytes("1", QoS::at_least_once, 1));
  EXPECT_EQ(publisher.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{5}));
}

TEST_F(DurableTest, NobodyWaitsWhereNothingIsKept) {
  Client subscriber(server());
  subscriber.connect("s");
  process->listen(subscriber, QoS::exactly_once);
  Client publisher(server());
  publisher.connect("p");
  publisher.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 5});
  process->publish("1", QoS::exactly_once, publisher.session());
  server().answer();
  EXPECT_EQ(subscriber.outbox.take(), publish_bytes("1", QoS::exactly_once, 1));
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubrec{5}));
  server().sessions.post_changes();
  const auto contents = stored();
  EXPECT_TRUE(contents.sessions.empty());
  EXPECT_TRUE(stored_payloads().empty());
}

TEST_F(DurableTest, AtQos2EachStepWaitsAndNothingOvertakes) {
  Client subscriber(server());
  connect(subscriber, "s");
  process->listen(subscriber, QoS::exactly_once);
  process->commit_and_tell();
  process->publish("1", QoS::exactly_once);
  process->publish("2", QoS::at_least_once);
  EXPECT_EQ(subscriber.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(subscriber.outbox.take(),
            publish_bytes("1", QoS::exactly_once, 1) + publish_bytes("2", QoS::at_least_once, 2));
  subscriber.send(mqtt::Pubrec{1});
  EXPECT_EQ(subscriber.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(subscriber.outbox.take(), bytes_of(mqtt::Pubrel{1}));
}

TEST_F(DurableTest, WhatWaitedForAConnectionThatHasGoneIsSentOnTheNext) {
  Client first(server());
  connect(first, "s");
  process->listen(first, QoS::exactly_once);
  process->publish("1", QoS::exactly_once);
  first.lose();
  Client second(server());
  second.connect_again("s");
  EXPECT_EQ(second.outbox.take(), session_present);
  process->commit_and_tell();
  EXPECT_EQ(second.outbox.take(), publish_bytes("1", QoS::exactly_once, 1, true));
}

TEST_F(DurableTest, AMessageForManyIsOneRow) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(server()));
    connect(*clients.back(), "c" + std::to_string(i));
    process->listen(*clients.back(), QoS::at_least_once);
    clients.back()->lose();
  }
  process->publish("1", QoS::at_least_once);
  process->publish("2", QoS::at_least_once);
  process->commit();
  const auto contents = stored();
  EXPECT_EQ(contents.sessions.size(), 10U);
  EXPECT_THAT(stored_payloads(), testing::ElementsAre("1", "2"));
  EXPECT_EQ(contents.audiences.size(), 1U);
}

TEST_F(DurableTest, WhatAllHaveAcknowledgedIsNotStoredAnyMore) {
  Client client(server());
  connect(client, "c");
  process->listen(client, QoS::at_least_once);
  process->publish("1", QoS::at_least_once);
  process->commit_and_tell();
  client.send(mqtt::Puback{1});
  process->commit();
  const auto contents = stored();
  EXPECT_TRUE(stored_payloads().empty());
  EXPECT_TRUE(contents.inflight.empty());
}

TEST_F(DurableTest, ASessionBeginsAgainWithAllThatIsOfIt) {
  Client client(server());
  connect(client, "c");
  client.send(mqtt::Subscribe{1, {{topic, QoS::exactly_once}}});
  server().answer(server().requested<SubscribeRequest>().back());
  process->listen(client, QoS::exactly_once);
  process->publish("1", QoS::exactly_once);
  process->publish("2", QoS::exactly_once);
  process->commit_and_tell();
  client.send(mqtt::Pubrec{1});
  client.lose();
  process->publish("3", QoS::at_least_once);
  begin_again();

  ASSERT_EQ(server().requested<SubscribeRequest>().size(), 1U);
  const auto request = server().requested<SubscribeRequest>()[0];
  EXPECT_EQ(request.subscriptions[0].topic_filter.text, topic);
  EXPECT_EQ(request.subscriptions[0].retain_handling, mqtt::RetainHandling::never);
  server().answer(request);
  AudienceChange change{.node = node, .session = request.ticket.session, .selection = {}};
  change.selection.natural = QoS::exactly_once;
  server().sessions.handle(change);
  Client again(server());
  again.connect_again("c");
  EXPECT_EQ(again.outbox.take(),
            session_present + bytes_of(mqtt::Pubrel{1}) + publish_bytes("2", QoS::exactly_once, 2, true));
  EXPECT_TRUE(process->await([&] { return !again.outbox.written.empty(); }));
  EXPECT_EQ(again.outbox.take(), publish_bytes("3", QoS::at_least_once, 3));
}

TEST_F(DurableTest, APublisherAtQos2IsAnsweredWhenItsIdentifierIsStoredAndWhenItIsNotAnyMore) {
  Client publisher(server());
  connect(publisher, "p");
  process->commit_and_tell();
  publisher.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 5});
  process->commit_and_tell();
  server().answer();
  EXPECT_EQ(publisher.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Pubrec{5}));
  begin_again();
  Client again(server());
  connect(again, "p");
  const std::size_t asked = server().requested<PublishRequest>().size();
  again.send(mqtt::Publish{
      .topic = topic, .payload = "1", .qos = QoS::exactly_once, .dup = true, .packet_identifier = 5});
  EXPECT_EQ(server().requested<PublishRequest>().size(), asked) << "it is a duplicate";
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Pubrec{5}));
  again.send(mqtt::Pubrel{5});
  EXPECT_EQ(again.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(again.outbox.take(), bytes_of(mqtt::Pubcomp{5}));
}

// That it is asked is stored before, and what the client asks for behind it does not overtake it.
TEST_F(DurableTest, PubsubIsAskedWhenTheIntentIsStoredAndInOrder) {
  Client publisher(server());
  connect(publisher, "p");
  process->commit_and_tell();
  Client other(server());
  connect(other, "o");
  publisher.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 5});
  publisher.send(mqtt::Publish{.topic = topic, .payload = "2"});
  other.send(mqtt::Publish{.topic = topic, .payload = "3"});
  const auto payloads = [&] {
    std::vector<std::string> all;
    for (const auto& request : server().requested<PublishRequest>())
      all.push_back(request.publication.payload);
    return all;
  };
  EXPECT_EQ(payloads(), std::vector<std::string>{"3"});
  process->commit_and_tell();
  EXPECT_EQ(payloads(), (std::vector<std::string>{"3", "1", "2"}));
  publisher.send(mqtt::Publish{.topic = topic, .payload = "4"});
  EXPECT_EQ(payloads().back(), "4") << "nothing is held any more";
}

TEST_F(DurableTest, WhenTheServerLeavesNothingIsHeld) {
  Client publisher(server());
  connect(publisher, "p");
  publisher.send(
      mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::exactly_once, .packet_identifier = 5});
  EXPECT_TRUE(server().requested<PublishRequest>().empty());
  server().sessions.send_wills();
  EXPECT_EQ(server().requested<PublishRequest>().size(), 1U);
}

TEST_F(DurableTest, AnAcknowledgementWaitsForWhatProsodysThreadHasPosted) {
  Client publisher(server());
  publisher.connect("p");
  for (const bool awaits_commit : {false, true}) {
    publisher.send(
        mqtt::Publish{.topic = topic, .payload = "1", .qos = QoS::at_least_once, .packet_identifier = 5});
    const auto request = server().requested<PublishRequest>().back();
    server().sessions.handle(PublishReply{
        .ticket = request.ticket, .topic = request.publication.topic, .awaits_commit = awaits_commit});
    EXPECT_EQ(publisher.outbox.take(), awaits_commit ? "" : bytes_of(mqtt::Puback{5}));
    if (!awaits_commit) continue;
    process->commit_and_tell();
    EXPECT_EQ(publisher.outbox.take(), bytes_of(mqtt::Puback{5}));
  }
}

TEST_F(DurableTest, AClientThatBeginsANewSessionIsToldWhenTheOldOneIsStoredNoMore) {
  Client old(server());
  connect(old, "c");
  old.lose();
  process->commit_and_tell();
  Client client(server());
  client.send(mqtt::Connect{.client_identifier = "c"});
  EXPECT_EQ(client.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(client.outbox.take(), accepted);
}

// A client that is tired of waiting connects again, and another one may bear its name.
TEST_F(DurableTest, WhoeverConnectsBeforeTheOldSessionIsStoredNoMoreWaitsForThatAsWell) {
  for (const bool clean_session : {true, false}) {
    Client old(server());
    connect(old, "c");
    old.lose();
    process->commit_and_tell();
    Client first(server());
    first.send(mqtt::Connect{.client_identifier = "c"});
    Client second(server());
    second.send(mqtt::Connect{.clean_session = clean_session, .client_identifier = "c"});
    server().sessions.keep_promises();
    EXPECT_EQ(first.outbox.take() + second.outbox.take(), "");
    process->commit_and_tell();
    EXPECT_EQ(second.outbox.take(), accepted);
    second.send(mqtt::Disconnect{});
  }
}

TEST_F(DurableTest, WhereAnAdministratorHasEndedTheSessionItsClientWaitsForThat) {
  Client old(server());
  connect(old, "c");
  process->commit_and_tell();
  server().sessions.handle(EndSession{.session = old.session()});
  Client client(server());
  client.connect_again("c");
  EXPECT_EQ(client.outbox.take(), "");
  process->commit_and_tell();
  EXPECT_EQ(client.outbox.take(), accepted);
}

TEST_F(DurableTest, OneThatHasGoneMeanwhileIsNotMissed) {
  Client old(server());
  connect(old, "c");
  old.lose();
  {
    Client client(server());
    client.send(mqtt::Connect{.client_identifier = "c"});
  }
  process->commit_and_tell();
  EXPECT_EQ(server().sessions.size(), 0U);
}

// What a group gave to a member that ends goes to another, behind what that one has had since.
TEST_F(DurableTest, AMessageThatIsPassedOnIsStoredAgain) {
  const std::string filter = "$share/g/" + std::string(topic);
  std::vector<std::unique_ptr<Client>> members;
  for (const char* name : {"a", "b"}) {
    members.push_back(std::make_unique<Client>(server()));
    Client& member = *members.back();
    connect(member, name);
    member.send(mqtt::Subscribe{1, {{filter, QoS::at_least_once}}});
    server().answer(server().requested<SubscribeRequest>().back());
    AudienceChange change{.node = node, .session = member.session(), .selection = {}};
    change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = true;
    server().sessions.handle(change);
    process->commit_and_tell();
  }
  for (auto& member : members) member->lose();
  process->publish("1", QoS::at_least_once);
  process->publish("2", QoS::at_least_once);
  process->commit();
  {
    Client clean(server());
    clean.send(mqtt::Connect{.client_identifier = "a"});
    // What waited in the store is read first.
    EXPECT_TRUE(process->await([&] { return server().sessions.stored_bytes() == 2 * topic.size() + 2; }));
    process->commit_and_tell();
  }
  const auto contents = stored();
  ASSERT_EQ(contents.sessions.size(), 1U);
  EXPECT_EQ(stored_payloads().size(), 2U);
  ASSERT_EQ(contents.waiting.size(), 1U);
  EXPECT_EQ(contents.waiting[0].last.place.messages - contents.waiting[0].first.place.messages, 1U);
}

TEST_F(DurableTest, WhereMemoryRunsOutWhileATurnIsPostedNothingIsLostAndNothingCountsTwice) {
  constexpr std::size_t most_allocations = 100;
  bool failed = true;
  std::size_t n = 0;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    begin();
    Client away(server());
    Client here(server());
    connect(away, "a client that is away");
    process->listen(away, QoS::at_least_once);
    away.lose();
    process->commit();
    process->publish("1", QoS::at_least_once);
    connect(here, "a client that is here");
    process->listen(here, QoS::at_least_once);
    process->publish("2", QoS::at_least_once);
    {
      FailingAllocation failing(n, FailIn::this_thread);
      try {
        server().sessions.post_changes();
      } catch (const std::bad_alloc&) {
      }
      failed = failing.has_failed();
    }
    process->publish("3", QoS::at_least_once);
    process->commit_and_tell();
    here.send(mqtt::Puback{1});
    here.send(mqtt::Puback{2});
    process->commit();
    const auto contents = stored();
    ASSERT_EQ(contents.sessions.size(), 2U);
    EXPECT_THAT(stored_payloads(), testing::ElementsAre("1", "2", "3"));
    EXPECT_TRUE(contents.inflight.empty());
  }
  EXPECT_GT(n, 1U);
  EXPECT_LT(n, most_allocations);
}

}  // namespace
}  // namespace pubsub_mqtt::session
