// What is posted is there when the store is opened again.
#include "pubsub_mqtt/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pubsub_mqtt/store/items.h"
#include "store_fixture.h"

namespace pubsub_mqtt::store {
namespace {

using testing::HasSubstr;

TEST_F(StoreTest, BeginsEmpty) {
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open());
  EXPECT_TRUE(store.contents().sessions.empty());
  EXPECT_EQ(store.contents().last_number, 0U);
}

TEST_F(StoreTest, KeepsEverythingOfASession) {
  SessionRow session{.number = 1};
  session.account = "romeo@example.org";
  session.client_identifier = std::string("a\0b", 3);
  session.level = mqtt::ProtocolLevel::mqtt_5;
  session.is_bridge = true;
  session.expiry = std::chrono::seconds(4294967295);
  session.keep_alive = std::chrono::seconds(65535);
  session.offline_since = WallTime(1700000000123);
  const Subscription subscription{.topic_filter = "host/+/#",
                                  .qos = mqtt::QoS::exactly_once,
                                  .no_local = true,
                                  .retain_as_published = true,
                                  .retain_handling = mqtt::RetainHandling::never,
                                  .identifier = 268435455};
  Publication will{.topic = "host/utf8/will", .payload = "gone"};
  will.envelope.qos = mqtt::QoS::at_least_once;
  will.envelope.retain = true;
  will.envelope.properties = std::make_shared<const std::string>("properties");
  {
    RunningStore store(settings());
    store.await(
        store.post({Put<SessionRow>{.row = session, .is_new = true},
                    Put<FilterRow>{.row = {.session = 1, .subscription = subscription}, .is_new = true},
                    Put<ReceivedRow>{.row = {.session = 1, .packet_identifier = 65535}, .is_new = true},
                    CursorRow{.session = 1, .message = 17},
                    Put<WillRow>{.row = {.session = 1,
                                         .delay = std::chrono::seconds(3),
                                         .expiry = std::chrono::seconds(4),
                                         .publication = will},
                                 .is_new = true}},
                   20));
  }
  RunningStore store(settings());
  const Contents& contents = store.contents();
  EXPECT_EQ(contents.last_number, 20U);
  EXPECT_GT(contents.last_wall.count(), 1700000000000);
  ASSERT_EQ(contents.sessions.size(), 1U);
  const auto& kept = contents.sessions[0];
  EXPECT_EQ(kept.account, session.account);
  EXPECT_EQ(kept.client_identifier, session.client_identifier);
  EXPECT_EQ(kept.level, session.level);
  EXPECT_TRUE(kept.is_bridge);
  EXPECT_EQ(kept.expiry, session.expiry);
  EXPECT_EQ(kept.keep_alive, session.keep_alive);
  EXPECT_EQ(kept.offline_since, session.offline_since);
  ASSERT_EQ(contents.filters.size(), 1U);
  EXPECT_EQ(contents.filters[0].subscription, subscription);
  ASSERT_EQ(contents.received.size(), 1U);
  EXPECT_EQ(contents.received[0].packet_identifier, 65535U);
  ASSERT_EQ(contents.cursors.size(), 1U);
  EXPECT_EQ(contents.cursors[0].message, 17U);
  ASSERT_EQ(contents.wills.size(), 1U);
  EXPECT_EQ(contents.wills[0].delay.count(), 3U);
  EXPECT_EQ(contents.wills[0].expiry->count(), 4U);
  EXPECT_EQ(contents.wills[0].publication.payload, "gone");
  EXPECT_EQ(*contents.wills[0].publication.envelope.properties, "properties");
  EXPECT_TRUE(contents.wills[0].publication.envelope.retain);
}

TEST_F(StoreTest, KeepsMessagesInTheirOrder) {
  Publication first{.topic = "host/xml/node", .payload = std::string("\0\xFF", 2)};
  first.envelope = {.qos = mqtt::QoS::exactly_once, .retain = true, .publisher = 0xFFFFFFFFFFFFFFFF};
  MessageRow row{.number = 3, .audience = 2, .is_retained = true};
  row.publication = std::make_shared<const Publication>(first);
  row.expires_at = WallTime(1234);
  {
    RunningStore store(settings());
    store.post(
        {new_session(1), new_audience(2), Put<MessageRow>{.row = row, .is_new = true}, new_message(4)});
    store.await(store.post({new_inflight(1, 2, 4), new_inflight(1, 1, 3)}));
  }
  RunningStore store(settings());
  const Contents& contents = store.contents();
  ASSERT_EQ(contents.messages.size(), 2U);
  EXPECT_EQ(contents.audiences.size(), 1U);
  const auto& kept = contents.messages[0];
  EXPECT_EQ(kept.number, 3U);
  EXPECT_TRUE(kept.is_retained);
  EXPECT_EQ(kept.expires_at, WallTime(1234));
  EXPECT_EQ(kept.publication->payload, first.payload);
  EXPECT_EQ(kept.publication->envelope.publisher, first.envelope.publisher);
  EXPECT_EQ(kept.publication->envelope.qos, first.envelope.qos);
  ASSERT_EQ(contents.inflight.size(), 2U);
  EXPECT_EQ(contents.inflight[0].packet_identifier, 1U);
}

// Of audience 1 the odd ones, of audience 2 the even ones.
Unit many_messages(RowNumber most) {
  Unit unit{.changes = {new_audience(1), new_audience(2)}, .last_number = most};
  for (RowNumber number = 3; number <= most; ++number) {
    auto message = new_message(number, std::to_string(number));
    message.row.audience = number % 2 == 1 ? 1 : 2;
    message.row.place = {.messages = number / 2, .bytes = 20 * number};
    unit.changes.emplace_back(std::move(message));
  }
  return unit;
}

std::vector<RowNumber> numbers(const Page& page) {
  std::vector<RowNumber> all;
  for (const auto& message : page.messages) all.push_back(message.number);
  return all;
}

TEST_F(StoreTest, APageIsWhatWasPostedBeforeInOrder) {
  RunningStore store(settings());
  store.store().post(many_messages(10));
  const auto all =
      store.read({.number = 7, .audiences = {1, 2}, .up_to = 10, .messages = 100, .bytes = 1000});
  EXPECT_EQ(all.number, 7U);
  EXPECT_EQ(all.complete_up_to, 10U);
  EXPECT_THAT(numbers(all), testing::ElementsAre(3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(all.messages[3].publication->payload, "6");
  const auto one = store.read({.audiences = {1}, .after = 3, .up_to = 8, .messages = 100, .bytes = 1000});
  EXPECT_THAT(numbers(one), testing::ElementsAre(5, 7));
  EXPECT_EQ(one.complete_up_to, 8U);
}

TEST_F(StoreTest, PagesMissNothingHoweverSmall) {
  RunningStore store(settings());
  store.store().post(many_messages(300));
  std::vector<RowNumber> read;
  RowNumber up_to = 0;
  for (int pages = 0; up_to < 300 && pages < 300; ++pages) {
    const auto page =
        store.read({.audiences = {1, 2}, .after = up_to, .up_to = 300, .messages = 7, .bytes = 40});
    EXPECT_LE(page.messages.size(), 7U);
    EXPECT_GT(page.complete_up_to, up_to);
    up_to = page.complete_up_to;
    for (const auto number : numbers(page)) read.push_back(number);
  }
  ASSERT_EQ(read.size(), 298U);
  EXPECT_TRUE(std::ranges::is_sorted(read));
}

TEST_F(StoreTest, WhatWaitsIsMeasuredAndNotRead) {
  {
    RunningStore store(settings());
    store.await(store.store().post(many_messages(10)));
  }
  RunningStore store(settings());
  const Contents& contents = store.contents();
  EXPECT_TRUE(contents.messages.empty());
  ASSERT_EQ(contents.waiting.size(), 2U);
  EXPECT_EQ(contents.waiting[1].audience, 2U);
  EXPECT_EQ(contents.waiting[1].first.number, 4U);
  EXPECT_EQ(contents.waiting[1].last.number, 10U);
  EXPECT_EQ(contents.waiting[1].last.place.messages, 5U);
  EXPECT_EQ(contents.waiting[1].last.bytes, std::string("host/utf8/node10").size());
  const auto behind = contents.first_after(2, 6);
  ASSERT_TRUE(behind.has_value());
  EXPECT_EQ(behind->number, 8U);
  EXPECT_EQ(behind->place.bytes, 160U);
  EXPECT_FALSE(contents.first_after(2, 10).has_value());
}

TEST_F(StoreTest, MessagesThatNobodyNeedsAreRemovedAFewAtATime) {
  {
    RunningStore store(settings());
    store.store().post(many_messages(5000));
    store.await(store.post({RemoveMessagesUpTo{.audience = 1, .message = 4997}}, 5000));
    // Some with each commit, and more while there is nothing to commit.
    for (RowNumber session = 5001; session < 5005; ++session) {
      store.await(store.post({new_session(session, std::to_string(session))}, session));
    }
  }
  EXPECT_EQ(query(path(), "SELECT number FROM message WHERE audience = 1"), 4999);
  EXPECT_EQ(query(path(), "SELECT count(*) FROM message WHERE audience = 2"), 2499);
}

// As version 1 has written it.
TEST_F(StoreTest, OneOfAnOlderVersionIsBroughtUpToDate) {
  {
    RunningStore store(settings());
    store.await(store.store().post(many_messages(10)));
  }
  run_sql(path(),
          "ALTER TABLE item DROP COLUMN wrapping; DROP INDEX message_audience; ALTER TABLE message DROP "
          "COLUMN place_messages; "
          "ALTER TABLE message DROP COLUMN place_bytes; PRAGMA user_version = 1");
  RunningStore store(settings());
  ASSERT_TRUE(store.is_open());
  ASSERT_EQ(store.contents().waiting.size(), 2U);
  const auto& waiting = store.contents().waiting[1];
  EXPECT_EQ(waiting.last.number, 10U);
  EXPECT_EQ(waiting.last.place.messages, 4U);
  EXPECT_EQ(waiting.last.place.bytes, 4 * std::string("host/utf8/node4").size() + 1);
  const auto page = store.read({.audiences = {2}, .up_to = 10, .messages = 100, .bytes = 1000});
  EXPECT_EQ(page.messages.size(), 4U);
  EXPECT_TRUE(store.await(store.post({new_message(11)}, 11)));
}

// Version 2 has written items whole.
TEST_F(StoreTest, ItemsOfVersion2AreThere) {
  {
    RunningStore store(settings());
    store.await(store.store().post({.changes = {new_session(1)}, .last_number = 1}));
  }
  run_sql(path(),
          "ALTER TABLE item DROP COLUMN wrapping; PRAGMA user_version = 2; "
          "INSERT INTO prosody_store VALUES (1, 'host', 1, 'store', ''); "
          "INSERT INTO item VALUES (2, 1, 'key', 3, NULL, CAST('<json xmlns=''urn:xmpp:json:0''>1</json>' AS "
          "BLOB))");
  Store store(settings());
  ASSERT_TRUE(store.open_for_items(Access::alone));
  Items items(store, Access::alone);
  EXPECT_EQ(items.find(1, "key")->value, "<json xmlns='urn:xmpp:json:0'>1</json>");
}

// A server of version 2 could not write what another process has brought up to date below it.
TEST_F(StoreTest, OneOfAnOlderVersionIsLeftToTheServerThatHasIt) {
  std::optional<RunningStore> server(std::in_place, settings());
  ASSERT_TRUE(server->is_open());
  run_sql(path(), "ALTER TABLE item DROP COLUMN wrapping; PRAGMA user_version = 2");
  Store early(settings());
  EXPECT_FALSE(early.open_for_items(Access::beside));
  EXPECT_EQ(query(path(), "PRAGMA user_version"), 2);
  std::vector<LogLine> lines;
  early.take_log(lines);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].text.find("is to be restarted"), std::string::npos) << lines[0].text;

  server.reset();
  Store late(settings());
  EXPECT_TRUE(late.open_for_items(Access::beside));
  EXPECT_EQ(query(path(), "PRAGMA user_version"), 3);
  EXPECT_TRUE(RunningStore(settings()).is_open()) << "a server may start beside";
}

TEST_F(StoreTest, AnEndedSessionTakesAllThatIsOfItAlong) {
  {
    RunningStore store(settings());
    store.await(store.post({new_session(1), new_session(2, "other")}));
    store.await(store.post({new_inflight(1, 1, 3), new_inflight(2, 1, 3),
                            Put<FilterRow>{.row = {.session = 1, .subscription = {.topic_filter = "#"}}},
                            CursorRow{.session = 1, .message = 3}}));
    // What was posted before in the same transaction goes, too.
    store.await(store.post({new_inflight(1, 2, 3), RemoveSession{1}}));
  }
  RunningStore store(settings());
  ASSERT_EQ(store.contents().sessions.size(), 1U);
  EXPECT_EQ(store.contents().sessions[0].number, 2U);
  EXPECT_EQ(store.contents().inflight.size(), 1U);
  EXPECT_TRUE(store.contents().filters.empty());
  EXPECT_TRUE(store.contents().cursors.empty());
}

TEST_F(StoreTest, UnitsOfManyThreadsAreCommittedWhole) {
  {
    RunningStore store(settings());
    std::vector<std::thread> threads;
    for (RowNumber thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&store, thread] {
        CommitNumber last = 0;
        for (RowNumber i = 0; i < 500; ++i) {
          const RowNumber number = thread * 10000 + i + 1;
          last = store.post({new_session(number), new_inflight(number, 1, 1)});
        }
        store.await(last);
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(store.committed(), 2000U);
  }
  RunningStore store(settings());
  EXPECT_EQ(store.contents().sessions.size(), 2000U);
  EXPECT_EQ(store.contents().inflight.size(), 2000U);
}

TEST_F(StoreTest, StopCommitsWhatWasPosted) {
  {
    RunningStore store(settings());
    for (RowNumber i = 1; i <= 5000; ++i) store.post({new_session(i)});
    store.stop();
  }
  EXPECT_EQ(RunningStore(settings()).contents().sessions.size(), 5000U);
}

TEST_F(StoreTest, OthersDoNotReadIt) {
  RunningStore store(settings());
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U);
}

TEST_F(StoreTest, TheFileDoesNotGrowForEver) {
  RunningStore store(settings());
  const auto used = [&] {
    return std::filesystem::file_size(path()) + std::filesystem::file_size(path() + "-wal");
  };
  const auto fill_and_empty = [&] {
    for (RowNumber i = 1; i <= 500; ++i) store.await(store.post({new_message(i, std::string(5000, 'x'))}));
    for (RowNumber i = 1; i <= 500; ++i) store.await(store.post({RemoveMessage{i}}));
  };
  fill_and_empty();
  const auto before = used();
  for (int i = 0; i < 3; ++i) fill_and_empty();
  EXPECT_LE(used(), before + before / 2);
}

}  // namespace
}  // namespace pubsub_mqtt::store
