// Sessions that outlive the process: what is stored when, and who waits for it. With a real store, and turns that end
// when the test says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>

#include "../base/failing_allocation.h"
#include "client.h"
#include "durable/members.h"
#include "pubsub_mqtt/store/store.h"

namespace pubsub_mqtt::session {
namespace {

using mqtt::QoS;
using tests::FailIn;
using tests::FailingAllocation;

TEST(MembersTest, ComeOutAsTheyWentIn) {
  const std::vector<Member> in{
      {.session = 1, .qos = QoS::at_least_once},
      {.session = 128, .qos = QoS::exactly_once, .retain = true},
      {.session = 1ULL << 46U, .qos = QoS::at_least_once, .identifiers = "identifiers"},
      {.session = 7, .qos = QoS::exactly_once, .identifiers = "i", .shared_filter = "$share/g/h/#"}};
  std::string bytes;
  for (const auto& member : in) append(member, bytes);
  std::string_view left = bytes;
  for (const auto& member : in) EXPECT_EQ(take_member(left), member);
  EXPECT_EQ(take_member(left), std::nullopt);
}

TEST(MembersTest, WhatIsCutOffIsNone) {
  std::string bytes;
  append({.session = 300, .qos = QoS::at_least_once, .identifiers = "identifiers", .shared_filter = "f"},
         bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view left = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(take_member(left), std::nullopt) << size;
  }
}

constexpr NodeId node = 7;
constexpr std::string_view topic = "h/utf8/n";

// The store writes the true time with each commit.
store::WallTime wall() {
  return std::chrono::duration_cast<store::WallTime>(std::chrono::system_clock::now().time_since_epoch());
}

// A process: sessions, and the store that they are written into.
class Process {
 public:
  explicit Process(const std::string& path)
      : store({.path = path, .durability = store::Durability::process}), items(store, store::Access::alone) {
    auto contents = store.open();
    EXPECT_TRUE(contents.has_value());
    server.requests.reserve(100);
    server.sessions.keep(store, items, std::move(contents), wall(), Time(1000));
    EXPECT_TRUE(store.start([this] {
      const std::lock_guard lock(mutex_);
      notified_.notify_all();
    }));
    server.sessions.handle(NodeOpened{.node = node, .host = "h", .name = "n"});
  }
  // The items outlive the store's thread.
  ~Process() { store.stop(std::chrono::seconds(20)); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The turn ends, and what it has changed is committed; nobody has heard of that yet.
  void commit() {
    server.sessions.post_changes();
    const auto last = store.post({});
    std::unique_lock lock(mutex_);
    notified_.wait_for(lock, std::chrono::seconds(20), [&] { return store.committed() >= last; });
  }
  void commit_and_tell() {
    commit();
    server.sessions.keep_promises();
  }
  // Turns pass, in which what the store has read comes.
  template <typename Condition>
  bool await(Condition&& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      server.sessions.post_changes();
      server.sessions.keep_promises();
      if (condition()) return true;
      std::unique_lock lock(mutex_);
      notified_.wait_for(lock, std::chrono::milliseconds(5));
    }
    return false;
  }

  void listen(const Client& client, QoS qos) {
    AudienceChange change{.node = node, .session = client.session(), .selection = {}};
    change.selection.natural = qos;
    server.sessions.handle(change);
  }
  void publish(std::string payload, QoS qos, SessionId publisher = 0) {
    ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
    item.envelope = {.qos = qos, .session = publisher};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = std::move(payload);
    server.sessions.handle(std::move(item));
  }

 private:
  std::mutex mutex_;
  std::condition_variable notified_;

 public:
  store::Store store;
  store::Items items;
  Server server;
};

class DurableTest : public testing::Test {
 protected:
  DurableTest() {
    std::string name = std::filesystem::temp_directory_path() / "durable-XXXXXX";
    directory = mkdtemp(name.data());
    begin();
  }
  ~DurableTest() override {
    processes.clear();
    std::filesystem::remove_all(directory);
  }

  // Clients of an earlier one refer to it to their end.
  void begin() {
    processes.push_back(std::make_unique<Process>(directory / "store.sqlite"));
    process = processes.back().get();
  }
  // Ends without a word, when all that was posted is committed.
  void begin_again() {
    process->server.sessions.post_changes();
    process->store.stop(std::chrono::seconds(20));
    begin();
  }
  // What a process that begins now finds.
  store::Contents stored() {
    process->store.stop(std::chrono::seconds(20));
    const std::string path = directory / "store.sqlite";
    auto contents = store::Store({.path = path}).open();
    return contents ? std::move(*contents) : store::Contents();
  }
  // The messages that it finds then, in their order, those that wait among them.
  std::vector<std::string> stored_payloads() const {
    sqlite3* handle = nullptr;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_open((directory / "store.sqlite").c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(
        sqlite3_prepare_v2(handle, "SELECT payload FROM message ORDER BY number", -1, &statement, nullptr),
        SQLITE_OK);
    std::vector<std::string> payloads;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      payloads.emplace_back(static_cast<const char*>(sqlite3_column_blob(statement, 0)),
                            static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return payloads;
  }
  Server& server() { return process->server; }

  void connect(Client& client, std::string_view identifier) {
    client.connect_again(identifier);
    client.outbox.take();
  }

  std::filesystem::path directory;
  std::vector<std::unique_ptr<Process>> processes;
  Process* process = nullptr;
};

std::string publish_bytes(std::string_view payload, QoS qos, mqtt::PacketIdentifier packet_identifier,
                          bool dup = false) {
  return bytes_of(mqtt::Publish{
      .topic = topic, .payload = payload, .qos = qos, .dup = dup, .packet_identifier = packet_identifier});
}

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

// A client that acknowledges what it gets, and has so much.
class Reader {
 public:
  Reader(Process& process, Client& client) : process_(process), client_(client) {}

  // Until it has so many.
  bool read(std::size_t count) {
    return process_.await([&] {
      take();
      return payloads.size() >= count;
    });
  }
  void take() {
    const std::string bytes = client_.outbox.take();
    for (const auto& packet : packets_in(bytes, mqtt::ProtocolLevel::mqtt_3_1_1)) {
      if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
        payloads.emplace_back(publish->payload);
        if (publish->qos == QoS::at_least_once) client_.send(mqtt::Puback{publish->packet_identifier});
        if (publish->qos == QoS::exactly_once) client_.send(mqtt::Pubrec{publish->packet_identifier});
      } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
        client_.send(mqtt::Pubcomp{pubrel->packet_identifier});
      }
    }
  }

  std::vector<std::string> payloads;

 private:
  Process& process_;
  Client& client_;
};

std::vector<std::string> numbers(std::size_t first, std::size_t last) {
  std::vector<std::string> all;
  for (std::size_t i = first; i <= last; ++i) all.push_back(std::to_string(i));
  return all;
}

class QueueOnDiskTest : public DurableTest {
 protected:
  // Subscribed, and gone.
  void leave(std::string_view name, QoS qos = QoS::at_least_once) {
    Client client(server());
    connect(client, name);
    process->listen(client, qos);
    client.lose();
  }
  void publish(std::size_t first, std::size_t last, QoS qos = QoS::at_least_once) {
    for (std::size_t i = first; i <= last; ++i) {
      process->publish(std::to_string(i), qos);
      if (i % 100 == 0) process->commit_and_tell();
    }
    process->commit_and_tell();
  }
  // The session, with a connection again.
  std::unique_ptr<Client> come_back(std::string_view name, QoS qos = QoS::at_least_once) {
    auto client = std::make_unique<Client>(server());
    client->connect_again(name);
    process->listen(*client, qos);
    return client;
  }
  const Outgoing& outgoing(const Client& client) {
    return server().sessions.find(client.session())->record().outgoing;
  }
  static constexpr std::size_t many = 3000;
};

TEST_F(QueueOnDiskTest, ComesInOrderAndWhatIsPublishedMeanwhileIsBehindIt) {
  leave("c");
  publish(1, many);
  const auto client = come_back("c");
  EXPECT_EQ(outgoing(*client).queued(), many);
  Reader reader(*process, *client);
  ASSERT_TRUE(reader.read(100));
  publish(many + 1, many + 10);
  EXPECT_TRUE(outgoing(*client).is_paged()) << "it waits in the store, too";
  ASSERT_TRUE(reader.read(many + 10));
  publish(many + 11, many + 20);
  ASSERT_TRUE(reader.read(many + 20));
  EXPECT_EQ(reader.payloads, numbers(1, many + 20));
  EXPECT_FALSE(outgoing(*client).is_paged());
  EXPECT_EQ(outgoing(*client).queued(), 0U);
  EXPECT_EQ(server().sessions.stored_bytes(), 0U);
  process->commit();
  stored();
  EXPECT_TRUE(stored_payloads().empty());
}

TEST_F(QueueOnDiskTest, IsCountedAndNotReadWhenTheNextProcessBegins) {
  leave("c");
  publish(1, many);
  const std::size_t bytes = server().sessions.stored_bytes();
  begin_again();
  EXPECT_EQ(server().sessions.stored_bytes(), bytes);
  const auto client = come_back("c");
  EXPECT_EQ(outgoing(*client).queued(), many);
  Reader reader(*process, *client);
  ASSERT_TRUE(reader.read(many));
  EXPECT_EQ(reader.payloads, numbers(1, many));
  EXPECT_EQ(server().sessions.stored_bytes(), 0U);
}

// In mid page, and after what was in flight when the connection was lost.
TEST_F(QueueOnDiskTest, LosesNothingWhereTheConnectionIsLostAgainAndAgain) {
  leave("c");
  publish(1, many);
  std::vector<std::string> payloads;
  for (std::size_t some = 0; payloads.size() < many && some < many; ++some) {
    if (some == 5) begin_again();
    const auto client = come_back("c");
    Reader reader(*process, *client);
    ASSERT_TRUE(reader.read(some == 0 ? 0 : std::min(many - payloads.size(), 37 * some)));
    payloads.insert(payloads.end(), reader.payloads.begin(), reader.payloads.end());
    client->outbox.take();
    client->lose();
    server().sessions.post_changes();
  }
  EXPECT_EQ(payloads, numbers(1, many)) << "all that was sent was acknowledged, so nothing comes twice";
}

TEST_F(QueueOnDiskTest, OfManyIsRemovedWhenAllHaveHadIt) {
  for (const char* name : {"a", "b"}) leave(name);
  publish(1, many);
  for (const char* name : {"a", "b"}) {
    const auto client = come_back(name);
    Reader reader(*process, *client);
    ASSERT_TRUE(reader.read(many));
    EXPECT_EQ(reader.payloads, numbers(1, many));
    client->lose();
    if (*name == 'a') {
      EXPECT_EQ(stored_payloads().size(), many) << "b needs them";
    }
  }
  server().sessions.post_changes();
  EXPECT_TRUE(process->await([&] {
    process->publish("more", QoS::at_least_once);  // some go with each commit
    return !stored_payloads().empty() && stored_payloads().front() == "more";
  }));
}

TEST_F(QueueOnDiskTest, ComesOnceAtQos2) {
  leave("c", QoS::exactly_once);
  publish(1, 300, QoS::exactly_once);
  std::vector<std::string> payloads;
  for (int lives = 0; lives < 3; ++lives) {
    begin_again();
    const auto client = come_back("c", QoS::exactly_once);
    Reader reader(*process, *client);
    ASSERT_TRUE(reader.read(100));
    // Those for which PUBREC was sent are not sent again.
    payloads.insert(payloads.end(), reader.payloads.begin(), reader.payloads.end());
    process->commit();
    client->outbox.take();
    client->lose();
  }
  std::ranges::sort(payloads);
  EXPECT_TRUE(std::ranges::adjacent_find(payloads) == payloads.end());
}

TEST_F(QueueOnDiskTest, DropsWhatIsBeyondItsLimits) {
  server().limits.max_queued_messages = 10;
  leave("c");
  publish(1, 20);
  EXPECT_TRUE(server().logged("those beyond mqtt_max_queued_messages or mqtt_max_queued_bytes are dropped"));
  begin_again();
  server().limits.max_queued_messages = 10;
  publish(21, 22);
  const auto client = come_back("c");
  Reader reader(*process, *client);
  ASSERT_TRUE(reader.read(10));
  EXPECT_EQ(reader.payloads, numbers(1, 10));
}

TEST_F(QueueOnDiskTest, OfAllTogetherHasALimit) {
  server().limits.max_total_queued_bytes = 10 * (topic.size() + 1);
  leave("c");
  publish(1, 9);
  publish(1, 9);
  EXPECT_TRUE(server().logged("mqtt_max_total_queued_bytes allows"));
  EXPECT_EQ(server().sessions.stored_bytes(), 10 * (topic.size() + 1));
}

// The session that ended is known to the next process, which goes on with what it had of its groups.
TEST_F(QueueOnDiskTest, OfAGroupIsPassedOnByTheNextProcessToo) {
  const std::string filter = "$share/g/" + std::string(topic);
  const auto shares = [&](const Client& member) {
    AudienceChange change{.node = node, .session = member.session(), .selection = {}};
    change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = true;
    server().sessions.handle(change);
  };
  for (const char* name : {"a", "b"}) {
    Client member(server());
    connect(member, name);
    member.send(mqtt::Subscribe{1, {{filter, QoS::at_least_once}}});
    server().answer(server().requested<SubscribeRequest>().back());
    shares(member);
    process->commit_and_tell();
    member.lose();
  }
  publish(1, many);
  Client clean(server());
  clean.send(mqtt::Connect{.client_identifier = "a"});
  process->commit();
  begin_again();
  Client member(server());
  member.connect_again("b");
  shares(member);
  Reader reader(*process, member);
  ASSERT_TRUE(reader.read(many));
  auto expected = numbers(1, many);
  std::ranges::sort(expected);
  std::ranges::sort(reader.payloads);
  EXPECT_EQ(reader.payloads, expected);
  EXPECT_TRUE(process->await([&] { return server().sessions.stored_bytes() == 0; }));
  process->commit();
  EXPECT_EQ(stored().sessions.size(), 1U) << "nothing is left of the other";
}

TEST_F(QueueOnDiskTest, WhatHasExpiredWhileItWaitedIsNotSent) {
  leave("c");
  ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
  item.envelope = {.qos = QoS::at_least_once, .expires_at = Time(2000)};
  item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "expires";
  server().sessions.handle(std::move(item));
  publish(1, 1);
  Client client(server(), Time(3000));
  client.send(mqtt::Connect{.clean_session = false, .client_identifier = "c"}, Time(3000));
  process->listen(client, QoS::at_least_once);
  Reader reader(*process, client);
  ASSERT_TRUE(reader.read(1));
  EXPECT_EQ(reader.payloads, numbers(1, 1));
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

// Of a node that persists: what goes past pubsub goes into the store.
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
  std::size_t asked() { return server().requested<PublishRequest>().size(); }

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
  other.sessions.keep(process->store, items(), std::nullopt, wall(), Time(1000));
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
  items().count(number, {});  // waits for the commit
  other.sessions.keep_promises();
  EXPECT_EQ(client.outbox.take(), bytes_of(mqtt::Puback{5}));
  const auto contents = stored();
  EXPECT_EQ(contents.sessions.size(), 1U) << "the publisher of the other tests alone";
  EXPECT_TRUE(contents.clean_wills.empty());
}

}  // namespace
}  // namespace pubsub_mqtt::session
