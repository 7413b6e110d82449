// Queues of sessions that outlive the process: in the store, and read a page at a time (record/queue.h).
#include <gmock/gmock.h>

#include <algorithm>
#include <new>

#include "../base/failing_allocation.h"
#include "durable_queue_fixture.h"

namespace pubsub_mqtt::session {
namespace {

using tests::FailIn;
using tests::FailingAllocation;

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
    const auto payloads = stored_payloads();
    return !payloads.empty() && payloads.front() == "more";
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

// The session that ended is known to the next process, which goes on with what it had of its groups, when pubsub has
// said who they are.
TEST_F(GroupOnDiskTest, IsPassedOnByTheNextProcessToo) {
  leave_to_the_other(many);
  begin_again();
  check(many);
  process->commit();
  EXPECT_EQ(stored().sessions.size(), 1U) << "nothing is left of the other";
}

// A member that has lost its right leaves it to the other, though somebody else needs the same message.
TEST_F(GroupOnDiskTest, AtQos2IsPassedOnOnceThoughTheProcessEnds) {
  leave("somebody else", QoS::exactly_once);
  join(QoS::exactly_once);
  publish(1, 1, QoS::exactly_once);
  {
    Client a(server());
    connect(a, "a");
    server().sessions.handle(AudienceChange{.node = node, .session = a.session(), .selection = {}});
    EXPECT_TRUE(process->await([&] { return outgoing(a).size() == 0; }));
    EXPECT_EQ(a.outbox.take(), "");
    process->commit();
  }
  begin_again();
  std::vector<std::string> payloads;
  for (const char* name : {"a", "b"}) {
    Client member(server());
    member.connect_again(name);
    share(member);
    Reader reader(*process, member);
    EXPECT_TRUE(process->await([&] {
      reader.take();
      return outgoing(member).size() == 0;
    }));
    payloads.insert(payloads.end(), reader.payloads.begin(), reader.payloads.end());
  }
  EXPECT_EQ(payloads, numbers(1, 1));
}

// Nothing of the session that ended stays, and nothing is lost or comes twice.
TEST_F(GroupOnDiskTest, IsDoneWithWhereMemoryRunsOut) {
  constexpr std::size_t most_allocations = 200;
  bool failed = true;
  std::size_t n = 0;
  while (failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    begin();
    leave_to_the_other(2);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
    {
      FailingAllocation failing(n, FailIn::this_thread);
      while (std::chrono::steady_clock::now() < until) {  // a page is read meanwhile
        try {
          server().sessions.keep_promises();
        } catch (const std::bad_alloc&) {
          break;
        }
      }
      failed = failing.has_failed();
    }
    int turns = 0;
    process->await([&] {
      server().sessions.expire(Time(1000));
      return ++turns == 20;
    });
    EXPECT_EQ(stored().sessions.size(), 1U);
    EXPECT_THAT(stored_payloads(), testing::UnorderedElementsAre("1", "2"));
  }
  EXPECT_GT(n, 3U);
  EXPECT_LT(n, most_allocations);
}

class ExpiryOnDiskTest : public QueueOnDiskTest {
 protected:
  // A session that is away, a message that expires in an hour, and one that does not.
  ExpiryOnDiskTest() {
    leave("c");
    ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
    item.envelope = {.qos = QoS::at_least_once, .expires_at = Time(1000) + std::chrono::hours(1)};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "expires";
    server().sessions.handle(std::move(item));
    publish(1, 1);
  }
  std::vector<std::string> read(std::size_t count) {
    const auto client = come_back("c");
    Reader reader(*process, *client);
    EXPECT_TRUE(reader.read(count));
    return reader.payloads;
  }
};

TEST_F(ExpiryOnDiskTest, GoesByTheTimeThatPassesHoweverTheWallClockIsSet) {
  wall_is_set = std::chrono::hours(1000);
  publish(2, 2);
  begin_again();
  EXPECT_EQ(server().sessions.size(), 1U) << "the session has not expired";
  EXPECT_EQ(read(3), (std::vector<std::string>{"expires", "1", "2"}));
}

TEST_F(ExpiryOnDiskTest, GoesByTheWallClockWhileThereIsNoProcess) {
  process->store.stop(std::chrono::seconds(20));
  wall_is_set = std::chrono::hours(2);
  begin();
  EXPECT_EQ(read(1), numbers(1, 1));
}

TEST_F(ExpiryOnDiskTest, OfASessionGoesByTheWallClockWhileThereIsNoProcess) {
  process->store.stop(std::chrono::seconds(20));
  wall_is_set =
      std::chrono::duration_cast<std::chrono::hours>(Limits().session_expiry) + std::chrono::hours(1);
  begin();
  EXPECT_EQ(server().sessions.size(), 0U);
}

// Of a computer without a clock of its own, say; then it is set.
TEST_F(ExpiryOnDiskTest, TakesAWallClockThatIsBehindForNoTime) {
  process->store.stop(std::chrono::seconds(20));
  wall_is_set = -std::chrono::hours(100000);
  begin();
  leave("other");
  wall_is_set = std::chrono::hours(1000);
  leave("yet another");
  begin_again();
  EXPECT_EQ(read(2), (std::vector<std::string>{"expires", "1"}));
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

// One that has been there all the time, one that is away, and one that is away and a member of a group.
class LostDeliveryTest : public QueueOnDiskTest, public testing::WithParamInterface<QoS> {
 protected:
  static constexpr const char* names[] = {"one that is here", "one that is away", "a member that is away"};

  void begin_anew() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    begin();
    leave(names[0], GetParam());
    leave(names[1], GetParam());
    Client member(server());
    connect(member, names[2]);
    member.send(mqtt::Subscribe{1, {{"$share/group/h/utf8/n", GetParam()}}});
    server().answer(server().requested<SubscribeRequest>().back());
    share(member);
    process->commit_and_tell();
  }
  void share(const Client& member) {
    AudienceChange change{.node = node, .session = member.session(), .selection = {}};
    change.shared.by_form[static_cast<std::size_t>(topic::Type::utf8)] = true;
    server().sessions.handle(change);
  }
  // Returns whether memory ran out.
  template <typename Work>
  static bool without_memory(std::size_t n, Work&& work) {
    const FailingAllocation failing(n, FailIn::this_thread);
    try {
      work();
    } catch (const std::bad_alloc&) {
    }
    return failing.has_failed();
  }
  // Returns what each of them gets.
  std::vector<std::vector<std::string>> read_all() {
    std::vector<std::vector<std::string>> all;
    for (const char* name : names) {
      auto client = std::make_unique<Client>(server());
      client->connect_again(name);
      name == names[2] ? share(*client) : process->listen(*client, GetParam());
      Reader reader(*process, *client);
      process->await([&] {
        reader.take();
        return server().sessions.find(client->session())->record().outgoing.size() == 0;
      });
      all.push_back(reader.payloads);
    }
    return all;
  }
};

TEST_P(LostDeliveryTest, WhatIsAcknowledgedIsKeptForAllWhereMemoryRanOut) {
  constexpr std::size_t most_allocations = 300;
  bool has_failed = true;
  std::size_t refused = 0;
  std::size_t n = 0;
  while (has_failed && ++n < most_allocations) {
    SCOPED_TRACE(n);
    begin_anew();
    Client here(server());
    connect(here, names[0]);
    Client publisher(server());
    publisher.connect("publisher");
    publisher.send(
        mqtt::Publish{.topic = topic, .payload = "a payload", .qos = GetParam(), .packet_identifier = 5});
    ItemPublished item{.node = node, .natural_type = topic::Type::utf8, .payloads = {}};
    item.envelope = {.qos = GetParam(), .session = publisher.session()};
    item.payloads[static_cast<std::size_t>(topic::Type::utf8)] = "a payload";
    Delivery delivery = std::move(item);
    has_failed = without_memory(n, [&] { server().sessions.handle(std::move(delivery)); });
    server().answer();
    process->commit_and_tell();
    const bool is_acknowledged = !publisher.outbox.take().empty();
    EXPECT_NE(is_acknowledged, publisher.outbox.closed);
    if (!has_failed) {
      EXPECT_TRUE(is_acknowledged);
    }
    if (!is_acknowledged) ++refused;
    if (n % 2 == 0) begin_again();
    for (const auto& payloads : read_all()) {
      if (is_acknowledged) {
        EXPECT_THAT(payloads, testing::ElementsAre("a payload"));
      } else {
        EXPECT_LE(payloads.size(), 1U);
      }
    }
  }
  EXPECT_GT(refused, 5U);
  EXPECT_LT(n, most_allocations);
}

INSTANTIATE_TEST_SUITE_P(, LostDeliveryTest, testing::Values(QoS::at_least_once, QoS::exactly_once),
                         [](const auto& param) {
                           return param.param == QoS::at_least_once ? "AtQos1" : "AtQos2";
                         });

}  // namespace
}  // namespace pubsub_mqtt::session
